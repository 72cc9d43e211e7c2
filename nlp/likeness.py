"""The likeness of a mailbox's insights by the learned "same topic?" model, for those that a run has to compare."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors
from nlp.same_topic import SameTopic
from nlp.views import Views

MEMBERS = 30  # of a topic, the latest ones: what it is asked like today


@dataclass(frozen=True, slots=True)
class LearnedLikeness:
    """positions: (n,) of the crowd, row in `views` or -1 when it is not compared in this run."""

    model: SameTopic
    views: Views
    positions: NDArray[np.intp]

    def between(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> Vectors:
        """(n, m), 0 to 1."""
        return self.model.similarity(self.views.take(self.positions[rows]), self.views.take(self.positions[others]))

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
    return LearnedLikeness(model, views, positions)
