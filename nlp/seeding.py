"""Founds topics from the atlas while a mailbox is too young to found its own: what buyers ask everywhere, by its name.

Pure. Never limits anything: what fits no archetype waits in the pool as ever, and later insights join what is nearest.
"""

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors
from nlp.topics import Placed

YOUNG = 40  # insights; above, the mailbox has meanings of its own
SURE = 0.6  # chance; of pairs that are that surely the same archetype, two thirds are the same topic of a company


def plant_seeds(rows: NDArray[np.intp], chances: Vectors, *, insights: int, next_topic: int) -> tuple[Placed, ...]:
    """rows: of the crowd, unplaced. chances: (n, k) of each being each archetype. insights: the size of the crowd.

    Insights of the same archetype found one topic, from the id `next_topic` on in order of arrival.
    """
    if insights > YOUNG or not len(rows):
        return ()
    best = chances.argmax(axis=1)
    sure = [place for place in range(len(rows)) if chances[place, best[place]] >= SURE]
    kinds = dict.fromkeys(int(best[place]) for place in sure)
    topics = {kind: next_topic + number for number, kind in enumerate(kinds)}
    return tuple(
        Placed(int(rows[place]), topics[int(best[place])], float(chances[place, best[place]])) for place in sure
    )
