"""What two insights of one mailbox have in common with all the others of it: what "same topic?" is judged by at last.

Pure functions over arrays. Trained on by bench/train_topics.py, used by nlp/likeness.py: both see the same numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors, unit_rows
from nlp.views import FEATURES, Views, compare_views

# The mailbox in so few directions that only what many insights agree on is left; one for so many insights each.
INSIGHTS_PER_DIRECTION = (16, 9, 5)
NEAREST = (1, 5, 10)  # others: how near they are tells how much a likeness is worth here
FAINT = (0.02, 0.1)  # chances below which a likeness is no company
# How much an insight counts among its own company: more where there are few to compare it with.
ITSELF, ITSELF_AMONG_FEW = 0.4, 120.0
ITSELF_IN_DIRECTIONS = 0.5
LEAST_SHARED = 1e-3
MOST_SURE = 30.0  # log odds; beyond, a chance is 0 or 1
NOBODY = -20.0  # log odds of the nearest other one where there is none

COMPANY_FEATURES = (
    *("own", *(f"company above {faint}" for faint in FAINT)),
    *(f"{name} nearest {count}" for count in NEAREST for name in ("less", "more")),
    *("less expected", "more expected", "beyond nearest", "insights"),
    *(f"directions {count}" for count in INSIGHTS_PER_DIRECTION),
    "same mail",
    *FEATURES,
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """n insights. mails: (n,) numbers that are equal when the mail is."""

    views: Views
    mails: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Compared:
    """All pairs of n insights. odds: (n, n), symmetric, log odds of the same topic by the pair alone.

    layers: (n, n) each, what both have in common with the others. alone: (n, n, len(FEATURES)).
    """

    odds: Vectors
    layers: tuple[Vectors, ...]
    alone: Vectors

    def features(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> Vectors:
        """(m, len(COMPANY_FEATURES)) of m pairs. rows, others: (m,)."""
        shared = np.column_stack([layer[rows, others] for layer in self.layers])
        return np.hstack([shared, self.alone[rows, others]])


def compare_in_company(mailbox: Mailbox, judge: Callable[[Vectors], Vectors]) -> Compared:
    """judge: (m, len(FEATURES)) -> (m,) log odds of the same topic by the pair alone."""
    views = mailbox.views
    alone = compare_views(views, views)
    odds = judge(alone.reshape(-1, len(FEATURES))).reshape(len(views), len(views))
    odds = np.asarray((odds + odds.T) / 2, dtype=np.float32)
    layers = (
        odds,
        *(share_company(odds, faint) for faint in FAINT),
        *measure_nearest(odds),
        np.full_like(odds, np.log(len(odds))),
        *(see_in_directions(odds, count) for count in INSIGHTS_PER_DIRECTION),
        np.asarray(mailbox.mails[:, None] == mailbox.mails[None, :], dtype=np.float32),
    )
    return Compared(odds, layers, alone)


def share_company(odds: Vectors, faint: float) -> Vectors:
    """(n, n): logarithm of how much two insights are like the same others."""
    chances = chance(odds)
    chances[chances < faint] = 0
    np.fill_diagonal(chances, ITSELF + ITSELF_AMONG_FEW / max(1, len(odds)))
    company = unit_rows(chances)
    return np.asarray(np.log(company @ company.T + LEAST_SHARED), dtype=np.float32)


def measure_nearest(odds: Vectors) -> list[Vectors]:
    """How near the nearest others of both are, how many are expected to be of their topics, what they have beyond."""
    others = odds.copy()
    np.fill_diagonal(others, NOBODY)
    width = min(max(NEAREST), max(1, len(odds) - 1))
    nearest = -np.sort(np.partition(-others, width - 1, axis=1)[:, :width], axis=1)
    near = {count: nearest[:, : min(count, width)].mean(axis=1) for count in NEAREST}
    chances = chance(odds)
    np.fill_diagonal(chances, 0)
    measures = [*near.values(), chances.sum(axis=1)]
    pairs = [extreme(one[:, None], one[None, :]) for one in measures for extreme in (np.minimum, np.maximum)]
    middle = near[NEAREST[1]]
    return [*pairs, odds - (middle[:, None] + middle[None, :]) / 2]


def see_in_directions(odds: Vectors, insights: int) -> Vectors:
    """(n, n): cosines in the leading eigenvectors of the normalised graph of chances (Ng, Jordan and Weiss, 2001)."""
    graph = chance(odds).astype(np.float64)
    np.fill_diagonal(graph, ITSELF_IN_DIRECTIONS)
    scale = 1 / np.sqrt(graph.sum(axis=1))
    _, directions = np.linalg.eigh(graph * scale[:, None] * scale[None, :])
    kept = min(len(odds), max(2, round(len(odds) / insights)))
    rows = unit_rows(np.asarray(directions[:, -kept:], dtype=np.float32))
    return np.asarray(rows @ rows.T, dtype=np.float32)


def chance(odds: Vectors) -> Vectors:
    """From log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -MOST_SURE, MOST_SURE))), dtype=np.float32)
