"""Scores which sentence of a topic becomes its name, against grades given by readers: python bench/names.py [--list]

bench/training/names.jsonl holds topics of companies in bench/training/topics/ that no theme names, each with sentences
or clauses of its members, graded as the name that a marketer sees in a list: 2 is good, 1 acceptable, 0 misleading or
not understood. Told is the grade of what nlp/phrasing.py weighs as the best of them, and the best there was in the
language that most of the company's buyers write.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nlp.naming import CUT_COST, Taste, setting_of, shorten
from nlp.phrasing import weigh_phrasing
from nlp.records import Kind, StoredInsight

ROOT = Path(__file__).resolve().parent.parent
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
GRADES = {2: "good", 1: "acceptable", 0: "bad"}


@dataclass(frozen=True, slots=True)
class Graded:
    """One topic. members: by their row in the company's file. candidates: (row of the member, text, grade)."""

    name: str
    language: str
    members: dict[int, StoredInsight]
    candidates: tuple[tuple[int, str, int], ...]


def main() -> None:
    """Prints one line, and with --list what was chosen though a better one was there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    topics = read_graded(ROOT / "bench/training/names.jsonl")
    chosen = [choose(topic) for topic in topics]
    best = [max(own_language(topic), key=lambda candidate: candidate[2]) for topic in topics]
    if args.list:
        for topic, (_, text, grade), (_, better, highest) in zip(topics, chosen, best, strict=True):
            if grade < highest:
                print(f"{topic.name}: {GRADES[grade]}: {text}\n    {GRADES[highest]}: {better}")
    print(f"{len(topics)} topics; chosen: {tell(chosen)}; best in the company's language: {tell(best)}")


def read_graded(file: Path) -> list[Graded]:
    """Fails when a company's file has changed since its sentences were graded."""
    topics = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        members = read_members(ROOT / "bench/training/topics" / f"{row['company']}.jsonl", row["topic"])
        candidates = tuple((one["row"], one["text"], one["grade"]) for one in row["candidates"])
        topics.append(Graded(f"{row['company']}/{row['topic']}", row["language"], members, candidates))
    return topics


def read_members(file: Path, topic: str) -> dict[int, StoredInsight]:
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {number: insight_of(number, row) for number, row in enumerate(rows) if row["topic"] == topic}


def insight_of(number: int, row: dict[str, Any]) -> StoredInsight:
    return StoredInsight(
        id=number,
        message=0,
        kind=Kind(row["kind"]),
        text=row["text"],
        context="",
        company=row["company"],
        person=None,
        asked_at=SOME_DAY,
        language=row["language"],
        category="",
        stage="",
        inferred=False,
        answer=row["answer"] or None,
        topic=None,
    )


def choose(topic: Graded) -> tuple[int, str, int]:
    """The candidate that costs least; how typical its insight is of the topic does not count."""
    setting = setting_of(list(topic.members.values()), Taste(language=topic.language))

    def cost(candidate: tuple[int, str, int]) -> float:
        row, text, _ = candidate
        return weigh_phrasing(topic.members[row], setting, text) + CUT_COST * (shorten(text) != text)

    return min(topic.candidates, key=cost)


def own_language(topic: Graded) -> Sequence[tuple[int, str, int]]:
    """All candidates where none is in it."""
    own = [one for one in topic.candidates if topic.members[one[0]].language == topic.language]
    return own or topic.candidates


def tell(candidates: Sequence[tuple[int, str, int]]) -> str:
    counts = Counter(grade for _, _, grade in candidates)
    return ", ".join(f"{name} {100 * counts[grade] / len(candidates):.0f} %" for grade, name in GRADES.items())


if __name__ == "__main__":
    main()
