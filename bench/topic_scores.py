"""How well groups fit their labels and how many insights change their group from week to week; the table of both sides.

A placement maps a row to its group; None is unplaced.
"""

import collections
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

Placement = Mapping[int, int | None]
SMALL = 3  # insights: hardly a topic yet, and read as one all the same
TOLERATED = 0.03  # pairwise F1 that a single set may be below the other side's


@dataclass(frozen=True, slots=True)
class Score:
    """unplaced, moved, worst: shares. moved: of the insights that had a group, the mean over weeks; worst: the most."""

    v_measure: float
    f1: float
    precision: float
    recall: float
    topics: float
    unplaced: float
    moved: float
    worst: float


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    texts: int
    labels: int
    ours: Score
    theirs: Score


def judge(truth: Sequence[str], weeks: Sequence[Placement]) -> Score:
    """weeks: where everything was at the end of each week, groups with lasting numbers."""
    last = weeks[-1]
    shares = [share_moved(before, after) for before, after in itertools.pairwise(weeks)]
    return Score(
        *agreement(truth, [last[row] for row in range(len(truth))]),
        len({group for group in last.values() if group is not None}),
        sum(group is None for group in last.values()) / len(truth),
        statistics.fmean(shares or [0.0]),
        max(shares, default=0.0),
    )


def share_moved(before: Placement, after: Placement) -> float:
    """Of the insights that had a group before, the share that is not in it any more."""
    placed = [row for row, group in before.items() if group is not None]
    return sum(after[row] != before[row] for row in placed) / max(1, len(placed))


def agreement(truth: Sequence[str], groups: Sequence[int | None]) -> tuple[float, float, float, float]:
    """V-measure, pairwise F1, precision, recall; unplaced items are groups of one."""
    n = len(truth)
    found = [("alone", row) if group is None else ("group", group) for row, group in enumerate(groups)]
    both = collections.Counter(zip(truth, found, strict=True))
    t, f = collections.Counter(truth), collections.Counter(found)

    def entropy(counts: collections.Counter[Any]) -> float:
        return -sum(v / n * math.log(v / n) for v in counts.values())

    def pairs(counts: collections.Counter[Any]) -> float:
        return sum(v * (v - 1) / 2 for v in counts.values())

    mutual = sum(v / n * math.log(v * n / (t[a] * f[b])) for (a, b), v in both.items())
    v_measure = 2 * mutual / (entropy(t) + entropy(f))
    precision, recall = pairs(both) / max(1, pairs(f)), pairs(both) / max(1, pairs(t))
    return v_measure, 2 * pairs(both) / (pairs(t) + pairs(f)), precision, recall


def sense_of_small(truth: Sequence[str], groups: Sequence[int | None]) -> float:
    """Of the topics of two or three insights, the share in which two mean the same; 1 when there is none."""
    members: dict[int, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for label, group in zip(truth, groups, strict=True):
        if group is not None:
            members[group][label] += 1
    small = [max(labels.values()) > 1 for labels in members.values() if 2 <= labels.total() <= SMALL]
    return sum(small) / len(small) if small else 1.0


def middle(scores: Sequence[Score]) -> Score:
    """The median of each figure."""
    return Score(*(statistics.median(column) for column in zip(*map(astuple, scores), strict=True)))


def describe(score: Score, labels: int) -> str:
    return (
        f"V-measure {score.v_measure:.3f}, pairwise F1 {score.f1:.3f} (P {score.precision:.2f} R {score.recall:.2f}), "
        f"topics {score.topics:.0f} of {labels}, unplaced {100 * score.unplaced:.1f} %, "
        f"moved {100 * score.moved:.1f} % a week (at worst {100 * score.worst:.1f} %)"
    )


def lay_out_table(rows: Sequence[Row], peer: str) -> list[str]:
    """One line per set, their mean, and which sets are too far below the other side."""
    head = f"{'':24}{'V-measure':>20}{'pairwise F1':>22}{'topics : true':>16}{'unplaced %':>14}{'moved % a week':>21}"
    columns = (
        f"{'set':16}{'texts':>8}{'ours':>8}{peer:>6}{'ratio':>6}{'ours':>10}{peer:>6}{'ratio':>6}"
        f"{'ours':>10}{peer:>6}{'ours':>8}{peer:>6}{'ours':>8}{peer:>6}{'worst':>7}"
    )
    lines = [head, columns]
    for row in rows:
        counts = (row.ours.topics / row.labels, row.theirs.topics / row.labels)
        lines.append(lay_out_line(row.name, f"{row.texts}", row.ours, row.theirs, counts))
    if len(rows) > 1:
        ours, theirs = mean([row.ours for row in rows]), mean([row.theirs for row in rows])
        lines.append(lay_out_line("mean", "", ours, theirs, None))
    below = [row.name for row in rows if row.ours.f1 < row.theirs.f1 - TOLERATED]
    lines.append(f"pairwise F1 more than {TOLERATED:.2f} below: {', '.join(below) or 'no set'}")
    return lines


def lay_out_line(name: str, texts: str, ours: Score, theirs: Score, counts: tuple[float, float] | None) -> str:
    line = f"{name[:16]:16}{texts:>8}"
    for mine, other, gap in ((ours.v_measure, theirs.v_measure, 8), (ours.f1, theirs.f1, 10)):
        line += f"{mine:{gap}.3f}{other:6.3f}" + (f"{mine / other:6.2f}" if other else f"{'-':>6}")
    line += f"{counts[0]:10.2f}{counts[1]:6.2f}" if counts else " " * 16
    line += f"{100 * ours.unplaced:8.1f}{100 * theirs.unplaced:6.1f}"
    return line + f"{100 * ours.moved:8.1f}{100 * theirs.moved:6.1f}{100 * theirs.worst:7.1f}"


def mean(scores: Sequence[Score]) -> Score:
    return Score(*(statistics.fmean(column) for column in zip(*map(astuple, scores), strict=True)))
