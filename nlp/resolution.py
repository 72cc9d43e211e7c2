"""How finely to divide a mailbox: where the pairs that a division puts together agree best with what is likely. Pure.

In one mailbox buyers say the same thing in like words, in the next nobody repeats anybody: a fixed similarity from
which on insights belong together would leave a quarter of the second alone. If the chances of all pairs are right, the
pairwise F1 of a division can be expected before anybody has seen the truth (Jansche, 2007, for classifiers); the best
one is taken.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from nlp.embedding import Vectors

# Tried one after the other. Higher ones agree hardly better, even where they are the best, and leave more unplaced.
CUTS = (0.44, 0.46, 0.48, 0.5, 0.52, 0.54, 0.56)
MIN_INSIGHTS = 3


def choose_cut(similarity: Vectors, chances: Vectors) -> float | None:
    """The similarity at which average linkage is best cut; None among too few to tell.

    similarity: (n, n). chances: (n, n), of meaning the same.
    """
    if len(similarity) < MIN_INSIGHTS:
        return None
    pairs = np.triu_indices(len(similarity), 1)
    tree = linkage(np.clip(1 - similarity[pairs], 0, 2).astype(np.float64), "average")
    expected = float(chances[pairs].sum(dtype=np.float64))
    agreements = [expect_agreement(fcluster(tree, 1 - cut, "distance"), chances, expected) for cut in CUTS]
    return CUTS[int(np.argmax(agreements))]


def expect_agreement(groups: NDArray[np.int32], chances: Vectors, expected: float) -> float:
    """The pairwise F1 to be expected. groups: (n,), from 1 on. expected: pairs that mean the same, inside or across."""
    order = np.argsort(groups, kind="stable")
    inside = right = 0.0
    for group in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(group) > 1:
            among = chances[np.ix_(group, group)]
            inside += len(group) * (len(group) - 1) / 2
            right += (float(among.sum(dtype=np.float64)) - float(np.trace(among))) / 2
    return 2 * right / (inside + expected) if inside else 0.0
