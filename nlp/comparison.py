"""Brings all insights into one space, and the learned likeness to those that a run compares.

Stores the raw vectors in chunks, so that a stopped run has not worked in vain; everything else is handed back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from harvester.database import transaction
from nlp.coherence import Wording, choose_kept, recall_wording
from nlp.embedding import Encoders, Vectors
from nlp.likeness import LearnedLikeness, choose_compared, place_views
from nlp.same_topic import SameTopic, same_topic_for
from nlp.space import (
    Block,
    Centre,
    RawRows,
    centre_rows,
    density_of,
    embed_expressions,
    first_centre,
    measure_closeness,
    smooth_rows,
    widen_centre,
)
from nlp.store import Standing
from nlp.theme_model import hear
from nlp.vector_store import (
    fill_some_vectors,
    fill_vectors,
    load_answered_share,
    load_centre,
    load_closeness,
    load_said,
    load_setting,
    load_stock_answers,
    load_unembedded,
    save_centre,
    save_vectors,
)
from nlp.views import see

EMBED_CHUNK = 1_000
# The "same topic?" model has learned from questions with their answers; without, vectors know more.
LEAST_ANSWERED = 0.5
QUESTIONS, ANSWERS = "/questions", "/answers"
VECTORS_DECIDE = "vectors-decide/"


@dataclass(frozen=True, slots=True)
class Space:
    """vectors: (n, d), one row per standing. fresh: rows computed in this run. closeness: see `measure_closeness`."""

    vectors: Vectors
    fresh: NDArray[np.intp]
    closeness: float
    centre: Centre


def embed_missing(database: Database, model: str, blocks: Sequence[Block], progress: Callable[[int], None]) -> int:
    """Embed what has no vector of this model, in chunks that stay when the run is stopped; returns how many."""
    embedded = 0
    while missing := load_unembedded(database, (model, model + QUESTIONS), EMBED_CHUNK):
        rows = embed_expressions(blocks, [expression for _, expression in missing])
        centre = widen_centre(load_centre(database, model) or first_centre(blocks), rows, blocks)
        ids = [insight for insight, _ in missing]
        with transaction(database) as connection:
            save_vectors(connection, model + QUESTIONS, ids, rows.questions)
            answered = np.flatnonzero(np.any(rows.answers, axis=1))
            save_vectors(connection, model + ANSWERS, [ids[row] for row in answered], rows.answers[answered])
            save_centre(connection, model, centre)
        embedded += len(missing)
        progress(len(missing))
    return embedded


def span_space(
    database: Database, model: str, blocks: Sequence[Block], standings: Sequence[Standing], *, is_settled: bool
) -> Space:
    """The space of all insights; rows that were settled before are taken as they are."""
    row_of = {standing.insight: row for row, standing in enumerate(standings)}
    vectors = np.zeros((len(standings), blocks[-1].columns.stop), dtype=np.float32)
    known = frozenset(fill_vectors(database, model, row_of, vectors) if is_settled else ())
    fresh = np.array([row for row, s in enumerate(standings) if s.insight not in known], dtype=np.intp)
    centre = load_centre(database, model) or first_centre(blocks)
    vectors[fresh] = centre_rows(_load_raw(database, model, blocks, standings, fresh), centre, blocks)
    messages = np.array([standing.message for standing in standings], dtype=np.int64)
    # Measured while all rows are unsmoothed; frozen with the centre.
    closeness = load_closeness(database, model) if is_settled else measure_closeness(vectors, messages, blocks)
    vectors[fresh] = smooth_rows(vectors[fresh], fresh, vectors, messages, blocks, density_of(closeness))
    return Space(vectors, fresh, closeness, centre)


def choose_judge(
    database: Database, model: str, encoders: Encoders, instead: SameTopic | None = None
) -> SameTopic | None:
    """The learned model, or `instead`, where it fits; a settled mailbox stays with what it was settled with."""
    if load_setting(database, VECTORS_DECIDE + model) or load_answered_share(database) < LEAST_ANSWERED:
        return None
    return instead or same_topic_for(encoders)


def recall(
    database: Database,
    model: str,
    blocks: Sequence[Block],
    encoders: Encoders,
    standings: Sequence[Standing],
    closeness: float,
) -> Wording | None:
    """How the unplaced insights and the latest of each topic were said; None with other encoders than the shipped."""
    if same_topic_for(encoders) is None:
        return None
    rows = choose_kept(np.array([standing.topic for standing in standings], dtype=np.int64))
    row_of = {standings[row].insight: place for place, row in enumerate(rows)}
    vectors = np.zeros((len(rows), blocks[-1].columns.stop), dtype=np.float32)
    fill_some_vectors(database, model + QUESTIONS, row_of, vectors)
    return recall_wording(vectors, rows, len(standings), blocks, density_of(closeness))


def view_likeness(
    database: Database,
    model: str,
    blocks: Sequence[Block],
    judge: SameTopic,
    standings: Sequence[Standing],
    centre: Centre,
) -> LearnedLikeness:
    """What the judge sees of those that have to be compared."""
    rows = choose_compared(np.array([standing.topic for standing in standings], dtype=np.int64))
    said = load_said(database, [standings[row].insight for row in rows])
    for insight in load_stock_answers(database) & said.keys():
        said[insight] = replace(said[insight], answer="")
    raw = _load_raw(database, model, blocks, standings, rows)
    views = see(
        [said[standings[row].insight] for row in rows],
        raw,
        centre,
        blocks,
        judge.recogniser,
        judge.rarity,
        judge.metric,
    )
    mails = np.array([standings[row].message for row in rows], dtype=np.int64)
    return replace(place_views(judge, views, mails, rows, len(standings)), heard=hear(raw, judge.encoders))


def _load_raw(
    database: Database, model: str, blocks: Sequence[Block], standings: Sequence[Standing], wanted: NDArray[np.intp]
) -> RawRows:
    row_of = {standings[row].insight: place for place, row in enumerate(wanted)}
    raw = []
    for kind in (QUESTIONS, ANSWERS):
        rows = np.zeros((len(wanted), blocks[-1].columns.stop), dtype=np.float32)
        fill_some_vectors(database, model + kind, row_of, rows)
        raw.append(rows)
    raw[1][[row_of[insight] for insight in load_stock_answers(database) & row_of.keys()]] = 0
    return RawRows(*raw)
