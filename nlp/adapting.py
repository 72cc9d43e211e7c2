"""Learns from people's decisions how much alike is "the same" in this workspace: a small shift of the bars. Pure.

Nothing is stored: the decisions that stand now are the whole memory, so that taking one back takes back what it taught.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.bars import LEARNED_BIRTH
from nlp.records import Decision, parse_topic_id
from nlp.topics import Crowd

WIDTH = 0.03  # how far from the bar people are hardly ever in doubt: what the bar would have decided too teaches little
# One decision moves the bar by a thousandth at most, a dozen that agree by less than a hundredth. On purpose: on two
# labelled mailboxes whose suggestions were answered as the truth says, more brought no gain (docs/architecture.md).
PRIOR_WIDTH = 0.005
MOST_SHIFT = 0.02
STEPS = 81  # of the shifts that are tried


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing that a person said about two groups of insights. likeness: mean over their pairs."""

    likeness: float
    is_same: bool


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What a workspace has taught. shift: added to the bars. taught: the lessons of each decision that held some."""

    shift: float = 0.0
    taught: tuple[tuple[Lesson, ...], ...] = ()

    @property
    def decisions(self) -> int:
        """How many could be learned from."""
        return len(self.taught)

    @property
    def sentence(self) -> str:
        """For `status`."""
        count = f"{self.decisions} decision{'s' * (self.decisions != 1)}"
        return f"adapted from {count}: likeness asked for {self.shift:+.3f}"


UNADAPTED = Adaptation()


def adapt(crowd: Crowd, insights: Sequence[int], decisions: Sequence[Decision]) -> Adaptation:
    """What the decisions that stand tell about the bars. insights: (n,) the id of each row of the crowd.

    Nothing is learned where vectors decide: people's decisions are about the learned likeness.
    """
    if crowd.likeness is None:
        return UNADAPTED
    row_of = {insight: row for row, insight in enumerate(insights)}
    taught = (
        tuple(
            Lesson(float(crowd.between(one, other).mean()), is_same)
            for one, other, is_same in _read(decision, crowd, row_of)
            if len(one) and len(other)
        )
        for decision in decisions
        if decision.undone_at is None
    )
    held = tuple(filter(None, taught))
    return Adaptation(choose_shift([lesson for lessons in held for lesson in lessons]), held)


def choose_shift(lessons: Sequence[Lesson]) -> float:
    """The likeliest shift, where nobody would need any before anything was said; 0 without lessons."""
    likeness = np.array([lesson.likeness for lesson in lessons])
    signs = np.array([1.0 if lesson.is_same else -1.0 for lesson in lessons])
    shifts = np.linspace(-MOST_SHIFT, MOST_SHIFT, STEPS)
    margins = (likeness[None, :] - LEARNED_BIRTH - shifts[:, None]) / WIDTH * signs[None, :]
    costs = np.logaddexp(0, -margins).sum(axis=1) + (shifts / PRIOR_WIDTH) ** 2 / 2
    return round(float(shifts[costs.argmin()]), 4) if lessons else 0.0


def _read(
    decision: Decision, crowd: Crowd, row_of: Mapping[int, int]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], bool]]:
    """(rows, other rows, whether they are said to mean the same); rows that cannot be compared any more are missing."""

    def members(topic: int) -> NDArray[np.intp]:
        return crowd.comparable(np.flatnonzero(crowd.topics == topic))

    def without(rows: NDArray[np.intp], moved: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.setdiff1d(rows, moved)

    detail = decision.detail
    if decision.verb == "merge":
        yield members(decision.topic), members(parse_topic_id(str(detail["into"]))), True
    elif decision.verb == "apart" and int(detail["other"]) != decision.topic:
        yield members(decision.topic), members(int(detail["other"])), False
    elif decision.verb in ("split", "move"):
        moved = crowd.comparable(np.array(sorted(_rows(detail, row_of)), dtype=np.intp))
        if decision.verb == "split":
            yield moved, without(members(decision.topic), moved), False
            return
        yield moved, without(members(decision.topic), moved), True
        for topic in sorted({int(row[1]) for row in detail.get("insights", ()) if row[1]} - {decision.topic}):
            yield moved, without(members(topic), moved), False


def _rows(detail: Mapping[str, Any], row_of: Mapping[int, int]) -> set[int]:
    return {row_of[int(row[0])] for row in detail.get("insights", ()) if int(row[0]) in row_of}
