"""The likeness of a mailbox's insights by the learned "same topic?" model, for those that a run has to compare."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.company import Mailbox, chance
from nlp.embedding import Vectors
from nlp.same_topic import SameTopic, scale_log_odds, unscale_log_odds
from nlp.theme_model import Hearing
from nlp.views import Views

# Of a topic, the latest ones: what it is asked like today. Fewer where that many could not be compared in company.
MEMBERS, FEWER_MEMBERS = 30, (20, 14, 10, 8)
# Among how many insights the company they share counts fully or not at all. Fewer are no company; it was learned
# from up to 700 and is of use among a thousand; as every insight is compared with every other one, more take too long.
MOST_IN_COMPANY = 1_200
COMPANY_SIZES, COMPANY_COUNTS = (20, 50, MOST_IN_COMPANY, 1_600), (0.0, 1.0, 1.0, 0.0)
# The bars of nlp/topics.py are chosen for what is judged in company; log odds that bring the others to the same scale.
ALONE_MORE = 0.4


@dataclass(frozen=True, slots=True)
class LearnedLikeness:
    """positions: (n,) of the crowd, row in `views` or -1 when it is not compared in this run.

    known: (c, c), 0 to 1, how alike all that are compared are; None where there are too few or too many for a company.
    heard: one row per row of `views`, None with other encoders.
    """

    model: SameTopic
    views: Views
    positions: NDArray[np.intp]
    known: Vectors | None = None
    heard: Hearing | None = None

    def between(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> Vectors:
        """(n, m), 0 to 1: alike by what is said and, while there are not too many, by what else both are like."""
        one, other = self.positions[rows], self.positions[others]
        if self.known is not None:
            return self.known[np.ix_(one, other)]
        return scale_alone(self.model.log_odds(self.views.take(one), self.views.take(other)))

    def chances(self, rows: NDArray[np.intp]) -> Vectors | None:
        """(n, n) of meaning the same; None where there is no company to tell from."""
        if self.known is None:
            return None
        among = self.positions[rows]
        return chance(unscale_log_odds(self.known[np.ix_(among, among)]))

    @property
    def comparable(self) -> NDArray[np.bool_]:
        """(n,) of the crowd."""
        return self.positions >= 0


def choose_compared(topics: NDArray[np.int64]) -> NDArray[np.intp]:
    """Rows to compare: whatever is unplaced (topic 0), and the latest members of every topic; ascending."""
    order = np.argsort(topics, kind="stable")
    ids, starts, counts = np.unique(topics[order], return_index=True, return_counts=True)
    members = choose_members(ids, counts)
    chosen = [
        order[start : start + count] if topics[order[start]] == 0 else order[start : start + count][-members:]
        for start, count in zip(starts, counts, strict=True)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.intp)


def choose_members(topics: NDArray[np.int64], counts: NDArray[np.intp]) -> int:
    """How many of each topic to compare at most. topics: ids, 0 = unplaced. counts: insights of each."""
    for members in (MEMBERS, *FEWER_MEMBERS):
        if np.where(topics == 0, counts, np.minimum(counts, members)).sum() <= MOST_IN_COMPANY:
            return members
    return MEMBERS


def place_views(
    model: SameTopic, views: Views, mails: NDArray[np.int64], rows: NDArray[np.intp], crowd: int
) -> LearnedLikeness:
    """views, mails: one per row. rows: of the crowd. crowd: how many insights there are in all."""
    positions = np.full(crowd, -1, dtype=np.intp)
    positions[rows] = np.arange(len(rows))
    share = np.float32(np.interp(len(rows), COMPANY_SIZES, COMPANY_COUNTS))
    if not share:
        return LearnedLikeness(model, views, positions)
    alone, together = model.log_odds_in_company(Mailbox(views, mails))
    known = share * scale_log_odds(together) + (1 - share) * scale_alone(alone)
    return LearnedLikeness(model, views, positions, known)


def scale_alone(log_odds: Vectors) -> Vectors:
    """0 to 1."""
    return scale_log_odds(log_odds + np.float32(ALONE_MORE))
