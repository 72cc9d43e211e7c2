"""What the engine makes of a labelled company, in one line each for all at once and for ten weeks."""

import statistics
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from topic_cases import Case
from topic_scores import agreement, judge, sense_of_small
from topic_stream import SUGGESTIONS, run_stream

from nlp.embedding import Encoders
from nlp.same_topic import SameTopic

WEEKS = (1, 10)  # all at once, and one batch after the other


@dataclass(frozen=True, slots=True)
class Told:
    """Of one stream. f1: pairwise; advised: after the suggestions were answered by the truth; anew: after all was
    grouped anew. topics: found : true.

    unplaced: share. top: how many of the true top eight are among our top ten. small: of the topics of two or three
    insights, the share in which two mean the same.
    """

    f1: float
    advised: float
    anew: float
    topics: float
    unplaced: float
    top: float
    small: float


def tell(name: str, cases: Sequence[Case], model: SameTopic, encoders: Encoders) -> list[Told]:
    """What the engine makes of a company's insights with this model, all at once and week by week."""
    truth = [case.label for case in cases]
    found = []
    for weeks in WEEKS:
        stream = run_stream(cases, encoders, weeks, in_order=True, judge=model)
        score = judge(truth, stream.weeks)
        advised = stream.advised or stream.weeks[-1]
        better, anew = (
            agreement(truth, [placed[row] for row in range(len(truth))])[1] for placed in (advised, stream.regrouped)
        )
        small = sense_of_small(truth, [stream.weeks[-1][row] for row in range(len(truth))])
        found.append(Told(score.f1, better, anew, score.topics / len(set(truth)), score.unplaced, stream.top, small))
        print(describe(name, weeks, found[-1]), flush=True)
    return found


def tell_mean(companies: Sequence[Sequence[Told]]) -> None:
    """Over the companies."""
    for weeks, told in zip(WEEKS, zip(*companies, strict=True), strict=True):
        columns = zip(*map(astuple, told), strict=True)
        print(describe(f"mean of {len(told)}", weeks, Told(*map(statistics.fmean, columns))), flush=True)


def describe(name: str, weeks: int, told: Told) -> str:
    """One line."""
    return (
        f"{name[:22]:22}{weeks:3} {'weeks' if weeks > 1 else 'week '}  pairwise F1 {told.f1:.3f}, with {SUGGESTIONS}"
        f" suggestions answered {told.advised:.3f}, grouped anew {told.anew:.3f}, topics : true {told.topics:.2f},"
        f" unplaced {100 * told.unplaced:.1f} %, true top eight in our top ten {told.top:.1f},"
        f" small topics of one meaning {100 * told.small:.0f} %"
    )
