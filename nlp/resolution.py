"""How finely to divide a mailbox: where the pairs that a division puts together agree best with what is likely. Pure.

In one mailbox buyers say the same thing in like words, in the next nobody repeats anybody: a fixed similarity from
which on insights belong together would leave many of the second alone. If the chances of all pairs are right, the
pairwise F1 of a division can be expected before anybody has seen the truth (Jansche, 2007, for classifiers); the best
one is taken.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from nlp.embedding import Vectors

# Tried one after the other. Higher ones agree hardly better, even where they are the best, and leave more unplaced.
CUTS = (0.44, 0.46, 0.48, 0.5, 0.52, 0.54, 0.56)
MIN_INSIGHTS = 3
ENOUGH_TO_TELL = 100  # insights; of fewer the sums of chances say little
# With a smaller promise, grouping anew often gains nothing.
WORTH_GROUPING = 0.025


@dataclass(frozen=True, slots=True)
class Fit:
    """The pairwise F1 to be expected of the topics as they are, and of everything grouped anew."""

    now: float
    anew: float

    @property
    def sentence(self) -> str:
        """For `status`."""
        told = f"{100 * self.now:.0f} of 100 by the program's own estimate"
        if self.anew - self.now < WORTH_GROUPING:
            return told
        return f"{told}; grouped anew {100 * self.anew:.0f}: see `answers analyze --regroup --dry-run`"


def choose_cut(similarity: Vectors, chances: Vectors) -> float | None:
    """The similarity at which average linkage is best cut; None among too few to tell.

    similarity: (n, n). chances: (n, n), of meaning the same.
    """
    if len(similarity) < MIN_INSIGHTS:
        return None
    divisions = divide(similarity)
    agreements = [expect_agreement(groups, chances) for groups in divisions]
    return CUTS[int(np.argmax(agreements))]


def measure_fit(similarity: Vectors, chances: Vectors, topics: NDArray[np.int64]) -> Fit | None:
    """None among too few to tell. topics: (n,), 0 = unplaced. similarity, chances: as for `choose_cut`."""
    if len(topics) < ENOUGH_TO_TELL:
        return None
    anew = max(expect_agreement(part_pairs(groups), chances) for groups in divide(similarity))
    return Fit(expect_agreement(set_apart(topics, topics == 0), chances), anew)


def divide(similarity: Vectors) -> list[NDArray[np.int64]]:
    """(n,) numbers of groups, for each of the cuts."""
    tree = linkage(np.clip(1 - similarity[np.triu_indices(len(similarity), 1)], 0, 2).astype(np.float64), "average")
    return [fcluster(tree, 1 - cut, "distance").astype(np.int64) for cut in CUTS]


def part_pairs(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two alone seldom found a topic."""
    return set_apart(groups, np.bincount(groups)[groups] == 2)


def set_apart(groups: NDArray[np.int64], alone: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Each of those in a group of its own."""
    return np.where(alone, groups.max() + 1 + np.arange(len(groups)), groups)


def expect_agreement(groups: NDArray[np.int64], chances: Vectors) -> float:
    """The pairwise F1 to be expected. groups: (n,) numbers that are equal inside."""
    expected = (float(chances.sum(dtype=np.float64)) - float(np.trace(chances))) / 2
    order = np.argsort(groups, kind="stable")
    inside = right = 0.0
    for group in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(group) > 1:
            among = chances[np.ix_(group, group)]
            inside += len(group) * (len(group) - 1) / 2
            right += (float(among.sum(dtype=np.float64)) - float(np.trace(among))) / 2
    return 2 * right / (inside + expected) if inside else 0.0
