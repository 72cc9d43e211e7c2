"""Finds what people should look at: topics that may be one, a topic that may be several. Never changes anything itself.

Pure functions over the crowd that a run has just placed.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors
from nlp.topics import Crowd

MERGE_SIMILARITY = 0.4  # mean over pairs; topics are born from 0.44 on
BROAD_SIMILARITY = 0.45
BROAD_INSIGHTS = 8
COMPANIONS = 5  # topics nearest to each, by their mean vectors, that are looked at closely
MEMBERS = 15
SUGGESTIONS = 20


@dataclass(frozen=True, slots=True)
class Suggestion:
    """kind: merge (topic and other may be one) | broad (topic may be several, other is None). score: similarity."""

    kind: str
    topic: int
    other: int | None
    score: float


def suggest(crowd: Crowd, topics: NDArray[np.int64], living: Collection[int]) -> tuple[Suggestion, ...]:
    """The likeliest first. topics: (n,) the carrying topic of every row. living: those that are shown.

    Without a learned likeness there is no measure to trust, and nothing is suggested.
    """
    if crowd.likeness is None:
        return ()
    members = {topic: crowd.comparable(np.flatnonzero(topics == topic))[-MEMBERS:] for topic in sorted(living)}
    members = {topic: rows for topic, rows in members.items() if len(rows)}
    merges = sorted(_merges(crowd, members), key=lambda one: (-one.score, one.topic))
    broad = sorted(_broad(crowd, members), key=lambda one: (one.score, one.topic))
    return (*merges[:SUGGESTIONS], *broad[:SUGGESTIONS])


def _merges(crowd: Crowd, members: dict[int, NDArray[np.intp]]) -> list[Suggestion]:
    ids = list(members)
    if len(ids) < 2:
        return []
    means = np.vstack([crowd.vectors[members[topic]].mean(axis=0) for topic in ids])
    found = []
    for first, second in _nearest_pairs(means):
        score = float(crowd.between(members[ids[first]], members[ids[second]]).mean())
        if score >= MERGE_SIMILARITY:
            found.append(Suggestion("merge", ids[first], ids[second], round(score, 4)))
    return found


def _nearest_pairs(means: Vectors) -> list[tuple[int, int]]:
    similarity = means @ means.T
    np.fill_diagonal(similarity, -np.inf)
    width = min(COMPANIONS, len(means) - 1)
    nearest = np.argpartition(-similarity, width - 1, axis=1)[:, :width]
    return sorted({(min(one, int(other)), max(one, int(other))) for one in range(len(means)) for other in nearest[one]})


def _broad(crowd: Crowd, members: dict[int, NDArray[np.intp]]) -> list[Suggestion]:
    found = []
    for topic, rows in members.items():
        if len(rows) < BROAD_INSIGHTS:
            continue
        similarity = crowd.between(rows, rows)
        inside = float(similarity[np.triu_indices(len(rows), 1)].mean())
        if inside < BROAD_SIMILARITY:
            found.append(Suggestion("broad", topic, None, round(inside, 4)))
    return found
