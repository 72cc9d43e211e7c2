"""Reads what lies inside each topic: one look at the database per topic, so that memory stays small."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from sqlite_utils import Database

from nlp.embedding import Vectors
from nlp.inside_records import Inside, Show, show_as_is
from nlp.keywords import find_keywords
from nlp.naming import main_language
from nlp.phrases import find_phrases
from nlp.records import StoredInsight
from nlp.store import load_some_vectors, order_by_centrality
from nlp.subquestions import find_subquestions
from nlp.vector_store import load_setting
from nlp.vocabulary import find_vocabulary
from nlp.wording import read_exchanges


def look_inside(
    database: Database,
    topics: Mapping[int, Sequence[StoredInsight]],
    show: Show = show_as_is,
    *,
    only: int | None = None,
    own_words: Collection[str] = (),
) -> Iterator[tuple[int, Inside]]:
    """(topic id, what lies inside) of each topic. topics: as `topic_insights` gives them. show: redacts.

    only: the one topic that is wanted. own_words: what we are called ourselves, no keyword of any topic.
    """
    own = frozenset(map(str.casefold, own_words))
    said = {topic: read_exchanges(insights) for topic, insights in topics.items()}
    language = main_language([insight for insights in topics.values() for insight in insights])
    keywords = find_keywords(said, lambda text: None if text.casefold() in own else show(text), language)
    vocabulary = find_vocabulary(said, show)
    del said
    model = load_setting(database, "model") or ""
    for topic, insights in topics.items():
        if only not in (None, topic):
            continue
        vectors = align_vectors(insights, *load_some_vectors(database, model, [insight.id for insight in insights]))
        rows = {insight.id: row for row, insight in enumerate(insights)}
        central = order_by_centrality([insight.id for insight in insights], vectors, rows)
        yield (
            topic,
            Inside(
                central=central,
                subquestions=find_subquestions(insights, vectors, show, language),
                keywords=keywords[topic],
                vocabulary=vocabulary[topic],
                phrases=find_phrases([insights[rows[one]] for one in central], keywords[topic], show),
            ),
        )


def align_vectors(insights: Sequence[StoredInsight], ids: Sequence[int], vectors: Vectors) -> Vectors:
    """One row per insight, zero where none was found. ids: of the rows of `vectors`."""
    aligned = np.zeros((len(insights), vectors.shape[1]), dtype=np.float32)
    found = {insight: row for row, insight in enumerate(ids)}
    known = [row for row, insight in enumerate(insights) if insight.id in found]
    if known:
        aligned[known] = vectors[[found[insights[row].id] for row in known]]
    return aligned
