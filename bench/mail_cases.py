"""Scores the splitter on tests/mails: overall, blind against visible, by client and by language.

    python bench/mail_cases.py [--failures]
    python bench/mail_cases.py --known > tests/mails/known_failures.txt

--failures lists the differences of the visible cases. --known prints the list of cases that are not mastered yet.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from case_scores import Case, Difference, compare, load_cases  # noqa: E402

from harvester.mime import parse_mail  # noqa: E402
from harvester.splitting import split_mail  # noqa: E402


@dataclass(frozen=True, slots=True)
class Score:
    """One case and in what its split differs from the expectation."""

    case: Case
    differences: tuple[Difference, ...]

    def lacks(self, *aspects: str) -> bool:
        return any(difference.aspect in aspects for difference in self.differences)


def expects_author(score: Score) -> bool:
    return any(part["author"] or part["author_name"] for part in score.case.expected["parts"])


def expects_date(score: Score) -> bool:
    return any(part["sent_at"] for part in score.case.expected["parts"])


def expects_signature(score: Score) -> bool:
    return bool(score.case.expected["signature"])


# name, whom it concerns, the aspects that must not differ
MEASURES: tuple[tuple[str, Callable[[Score], bool], tuple[str, ...]], ...] = (
    ("all right", lambda _: True, ()),
    ("own exact", lambda _: True, ("own",)),
    ("no leak", lambda _: True, ("leak",)),
    ("author", expects_author, ("text", "role", "author", "name")),
    ("date", expects_date, ("text", "role", "date")),
    ("signature", expects_signature, ("signature",)),
)


def share(scores: Iterable[Score], concerns: Callable[[Score], bool], aspects: tuple[str, ...]) -> str:
    concerned = [score for score in scores if concerns(score)]
    if not concerned:
        return "-"
    right = sum(not (score.lacks(*aspects) if aspects else score.differences) for score in concerned)
    return f"{100 * right / len(concerned):.1f}"


def print_table(title: str, groups: dict[str, list[Score]]) -> None:
    print(f"\n{title:<16}{'cases':>6}" + "".join(f"{name:>11}" for name, _, _ in MEASURES))
    for name, scores in groups.items():
        print(f"{name:<16}{len(scores):>6}" + "".join(f"{share(scores, who, what):>11}" for _, who, what in MEASURES))


def group_by(scores: Iterable[Score], key: Callable[[Score], str]) -> dict[str, list[Score]]:
    groups: dict[str, list[Score]] = {}
    for score in scores:
        groups.setdefault(key(score), []).append(score)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def print_known_failures(scores: Iterable[Score]) -> None:
    """In the form of known_failures.txt; of blind cases only the name."""
    print("# Cases that are not mastered yet, made by: python bench/mail_cases.py --known")
    for score in scores:
        aspects = ", ".join(sorted({difference.aspect for difference in score.differences}))
        if aspects:
            print(score.case.name + ("" if score.case.blind else f"  # {aspects}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--failures", action="store_true")
    parser.add_argument("--known", action="store_true")
    arguments = parser.parse_args()
    cases = load_cases()
    mails = [parse_mail(case.raw) for case in cases]
    started = time.perf_counter()
    splits = [split_mail(mail) for mail in mails]
    seconds = time.perf_counter() - started
    scores = [Score(case, compare(split, case.expected)) for case, split in zip(cases, splits, strict=True)]
    if arguments.known:
        print_known_failures(scores)
        return
    visible = [score for score in scores if not score.case.blind]
    blind = [score for score in scores if score.case.blind]
    print_table("", {"all": scores, "visible": visible, "blind": blind})
    print_table("client", group_by(scores, lambda score: score.case.client))
    print_table("language", group_by(scores, lambda score: score.case.language))
    aspects = Counter(aspect for score in scores for aspect in {difference.aspect for difference in score.differences})
    print("\ncases that differ in: " + ", ".join(f"{aspect} {count}" for aspect, count in aspects.most_common()))
    print(f"split: {len(cases) / seconds:.0f} mails/s, first use of the tables included")
    if arguments.failures:
        for score in (score for score in visible if score.differences):
            print("\n  ".join([f"\n{score.case.name}", *(difference.detail for difference in score.differences)]))


if __name__ == "__main__":
    main()
