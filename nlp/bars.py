"""From how much likeness on an insight joins a topic and a group founds one. Pure."""

from dataclasses import dataclass, replace
from math import log2, sqrt

import numpy as np

from nlp.embedding import Vectors

# The similarity that means "the same": lower in long prose of few companies than among thousands of short requests.
LOOSE_SIMILARITY, DENSE_SIMILARITY = 0.45, 0.6
# Among these, how far the similarities of all pairs spread tells how many things are spoken of. The fewer, the wider:
# then less is enough to mean the same, and what many topics share must not be taken for one.
USUAL_SPREAD, PER_SPREAD, LEAST_DENSE, MOST_DENSE = 0.21, 2.0, 0.5, 0.75
USUAL_COUNTS, MOST_MEASURED = 200, 5_000  # insights that what is usual counts for; and the most that are looked at
# The more are grouped at once, as when years of mail are loaded, the further apart those of one meaning lie on average:
# a topic that grew week by week took them in one by one, by its nearest.
FEW_AT_ONCE, LESS_PER_DOUBLING, MOST_LESS = 300, 0.05, 0.2
GROUP_JOIN_BONUS = (
    0.05  # a group from the pool joins a topic more easily: a mean over many pairs is surer than one insight
)
YOUNG_INSIGHTS = 150  # below this, neighbours are few and chance is strong: births ask for more
YOUNG_BIRTH_MALUS = 0.1
YOUNG_JOIN_MALUS = 0.05
PAIR_MALUS = 0.15  # in a small mailbox two companies found a topic if they are this much more alike
NEAR_SHARE = 0.7  # how much the nearest members of a topic weigh against the average of all
NEAR_MEMBERS = 10
# The same for the learned likeness, whose scale and whose sureness are others.
LEARNED_BIRTH = 0.54  # where the mailbox does not tell by itself, see nlp/resolution.py
LEARNED_JOIN_MORE = 0.03
LEARNED_PAIR_MALUS = 0.2  # with less, more than half of the pairs that found a topic mean two things
# A topic that is born wrong draws in what comes later; among very few, nothing came later yet.
LEARNED_YOUNG_MALUS, VERY_FEW_INSIGHTS = 0.15, 30
# With the nearest alone, one wrong member draws in others like it, the more the larger a topic is.
LEARNED_NEAR_SHARE, LEARNED_NEAR_MEMBERS = 0.5, 5


@dataclass(frozen=True, slots=True)
class Bars:
    """Similarities from which on an insight joins a topic, a group joins one, a group is born (average linkage).

    pair: what two insights must have more than `birth`. near_share: weight of the `near_members` nearest members of a
    topic against the average of all. less_per_doubling: see `grouping`.
    """

    join: float
    group_join: float
    birth: float
    pair: float
    near_share: float
    near_members: int
    less_per_doubling: float

    def grouping(self, insights: int) -> "Bars":
        """The bars where so many insights are grouped at once: the more, the lower those of groups."""
        less = min(MOST_LESS, self.less_per_doubling * log2(max(insights, FEW_AT_ONCE) / FEW_AT_ONCE))
        return replace(self, birth=self.birth - less, group_join=self.group_join - less)


def set_bars(
    density: float,
    insights: int,
    *,
    learned_birth: float | None = None,
    shift: float = 0.0,
    spread: float = USUAL_SPREAD,
) -> Bars:
    """density: 0 where insights are hardly alike to 1 where many are. insights: how many the mailbox holds.

    learned_birth: where the crowd has a likeness, from how much of it on a group is born; then density does not matter.
    shift: of its bars, see nlp/adapting.py. spread: see `measure_spread`.
    """
    youth = max(0.0, 1 - insights / YOUNG_INSIGHTS)
    if learned_birth is not None:
        shift += LEARNED_YOUNG_MALUS * youth * min(1.0, insights / VERY_FEW_INSIGHTS)
        return Bars(
            join=learned_birth + LEARNED_JOIN_MORE + shift,
            group_join=learned_birth + shift,
            birth=learned_birth + shift,
            pair=LEARNED_PAIR_MALUS,
            near_share=LEARNED_NEAR_SHARE,
            near_members=LEARNED_NEAR_MEMBERS,
            less_per_doubling=0.0,
        )
    dense = min(MOST_DENSE, max(LEAST_DENSE, DENSE_SIMILARITY + PER_SPREAD * (USUAL_SPREAD - spread)))
    similarity = LOOSE_SIMILARITY + (dense - LOOSE_SIMILARITY) * density
    return Bars(
        join=similarity + YOUNG_JOIN_MALUS * youth,
        group_join=similarity - GROUP_JOIN_BONUS,
        birth=similarity + YOUNG_BIRTH_MALUS * youth,
        pair=PAIR_MALUS,
        near_share=NEAR_SHARE,
        near_members=NEAR_MEMBERS,
        less_per_doubling=LESS_PER_DOUBLING * density,
    )


def measure_spread(vectors: Vectors) -> float:
    """The standard deviation of the similarities of all pairs of unit rows (n, d), or of enough of them.

    Nearer to what is usual the fewer there are.
    """
    count = min(len(vectors), MOST_MEASURED)
    if count < 2:
        return USUAL_SPREAD
    rows = vectors[np.linspace(0, len(vectors) - 1, count, dtype=np.intp)].astype(np.float64)
    lengths = (rows**2).sum(axis=1)
    pairs = count * (count - 1)
    mean = float((rows.sum(axis=0) ** 2).sum() - lengths.sum()) / pairs
    mean_square = float(((rows.T @ rows) ** 2).sum() - (lengths**2).sum()) / pairs
    spread = sqrt(max(0.0, mean_square - mean**2))
    return (count * spread + USUAL_COUNTS * USUAL_SPREAD) / (count + USUAL_COUNTS)
