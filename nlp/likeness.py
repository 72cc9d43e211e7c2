"""The likeness of a mailbox's insights by the learned "same topic?" model, for those that a run has to compare."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors, unit_rows
from nlp.same_topic import SameTopic, scale_log_odds
from nlp.theme_model import Heard
from nlp.views import Views

MEMBERS = 30  # of a topic, the latest ones: what it is asked like today
# Among how many insights the company they share counts fully or not at all. Fewer are no company; two hundred are what
# was measured; among thousands faint likenesses add up to a company that everybody shares.
COMPANY_SIZES, COMPANY_COUNTS = (20, 50, 300, 600), (0.0, 1.0, 1.0, 0.0)
FAINT = 0.02  # chance below which a likeness is no company
# How much an insight counts among its own company: more where there are few to compare it with.
ITSELF, ITSELF_AMONG_FEW = 0.4, 120.0
LEAST_SHARED = 1e-3


@dataclass(frozen=True, slots=True)
class LearnedLikeness:
    """positions: (n,) of the crowd, row in `views` or -1 when it is not compared in this run.

    company: (c, c) unit rows, one per row of `views`: which of the others it is like, and how much. share: 0 to 1, how
    much company counts; with 0 it is not looked at. heard: one row per row of `views`, None with other encoders.
    """

    model: SameTopic
    views: Views
    positions: NDArray[np.intp]
    company: Vectors
    share: float
    heard: Heard | None = None

    def between(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> Vectors:
        """(n, m), 0 to 1: alike by what is said and, while there are few, by what else both are like."""
        one, other = self.positions[rows], self.positions[others]
        own = self.model.log_odds(self.views.take(one), self.views.take(other))
        if not self.share:
            return scale_log_odds(own)
        shared = compare_company(self.company[one], self.company[other])
        weights = self.model.company
        odds = np.asarray(weights.own * own + weights.shared * shared + weights.bias, dtype=np.float32)
        return np.asarray(self.share * scale_log_odds(odds) + (1 - self.share) * scale_log_odds(own), dtype=np.float32)

    @property
    def comparable(self) -> NDArray[np.bool_]:
        """(n,) of the crowd."""
        return self.positions >= 0


def choose_compared(topics: NDArray[np.int64]) -> NDArray[np.intp]:
    """Rows to compare: whatever is unplaced (topic 0), and the latest members of every topic; ascending."""
    order = np.argsort(topics, kind="stable")
    _, starts, counts = np.unique(topics[order], return_index=True, return_counts=True)
    chosen = [
        order[start : start + count] if topics[order[start]] == 0 else order[start : start + count][-MEMBERS:]
        for start, count in zip(starts, counts, strict=True)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.intp)


def place_views(model: SameTopic, views: Views, rows: NDArray[np.intp], crowd: int) -> LearnedLikeness:
    """views: one per row. crowd: how many insights there are in all."""
    positions = np.full(crowd, -1, dtype=np.intp)
    positions[rows] = np.arange(len(rows))
    share = float(np.interp(len(rows), COMPANY_SIZES, COMPANY_COUNTS))
    company = find_company(model, views) if share else np.zeros((len(rows), 0), dtype=np.float32)
    return LearnedLikeness(model, views, positions, company, share)


def compare_company(one: Vectors, other: Vectors) -> Vectors:
    """(n, m): logarithm of how much company each shares with each of `other`; rows are those of `find_company`."""
    return np.asarray(np.log(one @ other.T + LEAST_SHARED), dtype=np.float32)


def find_company(model: SameTopic, views: Views) -> Vectors:
    """(n, n): the chance of being of one topic with each of the others, faint ones left out; unit rows."""
    chances = 1 / (1 + np.exp(-model.log_odds(views, views)))
    chances[chances < FAINT] = 0
    np.fill_diagonal(chances, ITSELF + ITSELF_AMONG_FEW / max(1, len(views)))
    return unit_rows(np.asarray(chances, dtype=np.float32))
