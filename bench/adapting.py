"""Does what people decide help to foresee what they decide next? python bench/adapting.py MAILBOX...

A labelled mailbox (truth.jsonl) comes in week by week; each week the suggestions are answered as the truth says. A
decision that was held out is foreseen with the bar as shipped and with the bar shifted by other decisions: by all
others (leave one out), or by those of the weeks before. cost: surprise, what `choose_shift` makes small; "better" and
"worse" count the decisions whose cost falls and rises.
"""

import argparse
import pathlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from topic_cases import Case, read_mailbox, split_weeks
from topic_stream import FIRST, follow_suggestions, insert

from harvester.database import open_database
from nlp.adapting import WIDTH, Lesson, choose_shift
from nlp.bars import LEARNED_BIRTH
from nlp.embedding import Encoders, load_encoders
from nlp.growth import grow_topics

Taught = tuple[Lesson, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one held-out decision. cost: with the bar as shipped; adapted: with what others taught."""

    shift: float
    cost: float
    adapted: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mailboxes", type=pathlib.Path, nargs="+")
    parser.add_argument("--weeks", type=int, default=10)
    args = parser.parse_args()
    unlabelled = [str(folder) for folder in args.mailboxes if not (folder / "truth.jsonl").exists()]
    if unlabelled:
        parser.error(f"no labelled mailbox, truth.jsonl is missing: {', '.join(unlabelled)}")
    encoders = load_encoders()
    for folder in args.mailboxes:
        taught, known = decide_weekly(read_mailbox(folder, encoders), encoders, args.weeks)
        lessons = [lesson for one in taught for lesson in one]
        same = sum(lesson.is_same for lesson in lessons)
        print(f"{folder.name}: {len(taught)} decisions, {same} lessons same and {len(lessons) - same} not, ", end="")
        print(f"shift {choose_shift(lessons):+.4f}")
        print(f"  leave one out:    {describe([hold_out(taught, one) for one in range(len(taught))])}")
        print(f"  weeks before only: {describe(foresee(taught, known))}")


def decide_weekly(cases: Sequence[Case], encoders: Encoders, weeks: int) -> tuple[tuple[Taught, ...], list[int]]:
    """The lessons of every decision, and how many decisions each week could learn from."""
    known = []
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(pathlib.Path(folder) / "answers.db")
        taught: tuple[Taught, ...] = ()
        for week, rows in enumerate(split_weeks(len(cases), weeks, in_order=True)):
            insert(database, [(row, cases[row]) for row in rows], FIRST + timedelta(weeks=week))
            taught = grow_topics(database, encoders, FIRST + timedelta(weeks=week)).adaptation.taught
            known.append(len(taught))
            follow_suggestions(database, [case.label for case in cases])
        database.conn.close()
    return taught, known


def hold_out(taught: Sequence[Taught], one: int) -> Outcome:
    return judge(taught[one], [*taught[:one], *taught[one + 1 :]])


def foresee(taught: Sequence[Taught], known: Sequence[int]) -> list[Outcome]:
    """Each week's decisions by what the weeks before had taught."""
    ends = [*known[1:], len(taught)]
    return [
        judge(taught[one], taught[:start]) for start, end in zip(known, ends, strict=True) for one in range(start, end)
    ]


def judge(held: Taught, others: Iterable[Taught]) -> Outcome:
    shift = choose_shift([lesson for one in others for lesson in one])
    return Outcome(shift, measure_cost(held, 0.0), measure_cost(held, shift))


def measure_cost(lessons: Taught, shift: float) -> float:
    """Mean surprise (natural logarithm) at the lessons of one decision."""
    margins = [(lesson.likeness - LEARNED_BIRTH - shift) / WIDTH * (1 if lesson.is_same else -1) for lesson in lessons]
    return float(np.logaddexp(0, [-margin for margin in margins]).mean())


def describe(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return "no decisions"
    cost, adapted = (float(np.mean(column)) for column in zip(*((o.cost, o.adapted) for o in outcomes), strict=True))
    better, worse = (sum(sign * (o.cost - o.adapted) > 0 for o in outcomes) for sign in (1, -1))
    return (
        f"cost {cost:.4f} as shipped, {adapted:.4f} adapted ({100 * (adapted / cost - 1):+.2f} %); "
        f"{better} better, {worse} worse of {len(outcomes)}; "
        f"shifts {min(o.shift for o in outcomes):+.4f} to {max(o.shift for o in outcomes):+.4f}"
    )


if __name__ == "__main__":
    main()
