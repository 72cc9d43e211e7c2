"""Finds the reasons to buy that topics speak of, by the vectors that already group the insights."""

from collections.abc import Mapping, Sequence

import numpy as np
from sqlite_utils import Database

from nlp.comparison import QUESTIONS
from nlp.embedding import Encoders, Vectors, unit_rows
from nlp.language import detect_language
from nlp.reasons import Reason, Support, match_reasons
from nlp.records import StoredInsight
from nlp.space import Block, Centre, Expression, RawRows, centre_apart, embed_expressions, lay_out_blocks
from nlp.store import load_some_vectors
from nlp.vector_store import load_centre, load_setting

MOST_COMPARED = 24  # insights of a topic


def find_supported(
    database: Database, encoders: Encoders, reasons: Sequence[Reason], topics: Mapping[int, Sequence[StoredInsight]]
) -> dict[int, tuple[Support, ...]]:
    """Topic id -> the reasons that it supports; topics that support none are left out. Only reads the database."""
    model = load_setting(database, "model") or ""
    centre = load_centre(database, model)
    if not reasons or centre is None or not model.endswith(f"/{encoders.name}"):
        return {}
    blocks = lay_out_blocks(encoders)
    phrasings = [(number, text) for number, reason in enumerate(reasons) for text in reason.words]
    spoken = [Expression(text, "", None, detect_language(text, "en")) for _, text in phrasings]
    theirs = _directions(embed_expressions(blocks, spoken).questions, centre, blocks)
    owners = [number for number, _ in phrasings]
    found = {}
    for topic, insights in topics.items():
        said = {insight.id: insight for insight in _sample([one for one in insights if not one.inferred])}
        ids, raw = load_some_vectors(database, model + QUESTIONS, sorted(said))
        if ids:
            ours = _directions(raw, centre, blocks)
            middle = _directions(raw, centre, blocks, together=True)
            supported = match_reasons(_compare(middle, theirs, blocks)[0], owners)
            if supported:
                closeness = _compare(ours, theirs, blocks)
                found[topic] = tuple(
                    Support(
                        reasons[number].name,
                        score,
                        phrasings[phrasing][1],
                        said[ids[int(closeness[:, phrasing].argmax())]].text,
                    )
                    for number, score, phrasing in supported
                )
    return found


def _sample(insights: Sequence[StoredInsight]) -> Sequence[StoredInsight]:
    """Enough of a large topic, evenly from first to last."""
    if len(insights) <= MOST_COMPARED:
        return insights
    return [insights[place * len(insights) // MOST_COMPARED] for place in range(MOST_COMPARED)]


def _directions(raw: Vectors, centre: Centre, blocks: Sequence[Block], *, together: bool = False) -> Vectors:
    """(n, d): each block a unit row of what sets the text apart in this mailbox, zero where the encoder is silent.

    together: (1, d), the middle of all rows.
    """
    centred, _ = centre_apart(RawRows(raw, np.zeros_like(raw)), centre, blocks)
    rows = centred.mean(axis=0, keepdims=True) if together else centred
    return np.hstack([unit_rows(rows[:, block.columns]) for block in blocks])


def _compare(ours: Vectors, theirs: Vectors, blocks: Sequence[Block]) -> Vectors:
    """(n, p): mean similarity over the encoders that read both."""
    total = np.zeros((len(ours), len(theirs)), dtype=np.float32)
    readers = np.zeros_like(total)
    for block in blocks:
        one, other = ours[:, block.columns], theirs[:, block.columns]
        total += one @ other.T
        readers += np.outer(one.any(axis=1), other.any(axis=1))
    return np.asarray(total / np.maximum(readers, 1), dtype=np.float32)
