"""Tells what is said alike from what only lies apart from all else: chatter is scattered, yet its nearest is chatter.

Pulled towards their neighbours (nlp/space.py), scattered sentences come to look alike; as they were said, they do not.
Pure functions over arrays. Knows nothing of topics but their members.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors
from nlp.space import Block

# Sums of the cosines of both encoders. A pair must be very much alike to found a topic; what ever more insights agree
# on may be said more freely, but among thousands a few are alike by chance. The pool holds no more than MOST_INSIGHTS.
# Chosen on two of five lists of short requests mixed with chatter.
BIRTH, LESS_PER_DOUBLING = 1.22, 0.12
MORE_PER_DOUBLING, MANY_INSIGHTS, MOST_INSIGHTS = 0.09, 1_000, 5_000
JOIN = 0.515
# By what the English encoder was taught, all that sounds like a buyer's sentence lies nearer together, chatter too.
LIFTED = 0.11
# Where many short requests are alike, chatter is told by being said otherwise. In long prose, and among few insights,
# nothing is said alike: there the bars fall to nothing.
FULL_DENSITY, FULL_INSIGHTS = 0.4, 150
KEPT_MEMBERS = 5  # of a topic, the latest ones: what it is asked like today


@dataclass(frozen=True, slots=True)
class Wording:
    """Vectors of insights as they were said: uncentred, not smoothed, each encoder's a unit row or zero.

    vectors: (m, d). positions: (n,) of the crowd, row in `vectors` or -1 when it is not known any more.
    english: columns of the encoder that reads English alone; `other` those of the one that reads everything.
    strictness: 0 to 1, of the bars.
    """

    vectors: Vectors
    positions: NDArray[np.intp]
    english: slice
    other: slice
    strictness: float

    def is_one_matter(self, rows: NDArray[np.intp]) -> bool:
        """Whether a group may found or join a topic; True where too little is known. rows: of the crowd."""
        known = self._known(rows)
        if len(known) < 2:
            return True
        alike = self._similarity(known, known)
        pairs = (alike.sum() - np.trace(alike)) / (len(known) * (len(known) - 1))
        crowd = min(max(len(self.positions), MANY_INSIGHTS), MOST_INSIGHTS)
        by_chance = MORE_PER_DOUBLING * np.log2(crowd / MANY_INSIGHTS)
        return bool(pairs >= self.strictness * (BIRTH + by_chance - LESS_PER_DOUBLING * np.log2(len(known))))

    def fits(self, rows: NDArray[np.intp], members: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(n,) whether each row is said alike enough to join the topic of these members, both of the crowd."""
        latest = self._known(members)[-KEPT_MEMBERS:]
        fitting = np.ones(len(rows), dtype=np.bool_)
        known = self.positions[rows] >= 0
        if len(latest) and known.any():
            alike = self._similarity(self.positions[rows[known]], latest).mean(axis=1)
            fitting[known] = alike >= self.strictness * JOIN
        return fitting

    def _known(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        places = self.positions[rows]
        return np.asarray(places[places >= 0], dtype=np.intp)

    def _similarity(self, places: NDArray[np.intp], others: NDArray[np.intp]) -> Vectors:
        one, two = self.vectors[places], self.vectors[others]
        in_english = one[:, self.english] @ two[:, self.english].T - np.float32(LIFTED)
        in_any = one[:, self.other] @ two[:, self.other].T
        both = np.outer(one[:, self.english].any(axis=1), two[:, self.english].any(axis=1))
        return np.asarray(in_any + np.where(both, in_english, in_any), dtype=np.float32)


def recall_wording(
    vectors: Vectors, rows: NDArray[np.intp], crowd: int, blocks: Sequence[Block], density: float
) -> Wording:
    """vectors: (m, d), a row each of `rows`, zero where it was forgotten. crowd: how many insights there are in all.

    blocks: of both encoders. density: see `density_of`.
    """
    english, other = blocks
    known = vectors.any(axis=1)
    positions = np.full(crowd, -1, dtype=np.intp)
    positions[rows[known]] = np.flatnonzero(known)
    strictness = min(1.0, density / FULL_DENSITY) * min(1.0, crowd / FULL_INSIGHTS)
    return Wording(vectors, positions, english.columns, other.columns, strictness)


def choose_kept(topics: NDArray[np.int64], most_waiting: int | None = None) -> NDArray[np.intp]:
    """Rows whose wording is needed: the newest that are unplaced (topic 0), the latest of every topic; ascending.

    topics: (n,), rows in order of arrival. most_waiting: of the unplaced, all by default.
    """
    order = np.argsort(topics, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(topics[order])) + 1)
    most = [KEPT_MEMBERS if topics[group[:1]].any() else most_waiting or len(topics) for group in groups]
    kept = [group[-count:] for group, count in zip(groups, most, strict=True) if len(group)]
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.intp)
