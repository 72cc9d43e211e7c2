"""Reads reasons.toml, why customers buy from us, and tells which reason a topic speaks of. Pure but for the file.

A reason supports a topic when its phrasings mean what the topic's insights say: the same vectors that group topics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlp.embedding import Vectors
from nlp.own_files import read_own_file

FILE_NAME = "reasons.toml"
MOST_BYTES = 200_000
MOST_REASONS, MOST_WORDS, MOST_LETTERS = 50, 50, 200
SUPPORTS = 0.25  # similarity of the middle of a topic to a phrasing; of three invented companies nine in ten were right
MOST_SUPPORTED = 3  # reasons of one topic


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to buy. words: phrasings, the name is one of them."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """A reason that a topic speaks of. score: 0 to 1. phrasing, insight: what was nearest to what, the why."""

    reason: str
    score: float
    phrasing: str
    insight: str

    def as_json(self) -> dict[str, object]:
        """As `answers topics --json` gives it."""
        return {"reason": self.reason, "score": self.score, "phrasing": self.phrasing, "insight": self.insight}


def read_reasons(folder: Path) -> tuple[Reason, ...]:
    """In the order of the file; none when there is no file. Raises ConfigurationError, one line per problem."""
    table = read_own_file(folder / FILE_NAME, most_bytes=MOST_BYTES, holds="phrases", find_problems=find_problems)
    if table is None:
        return ()
    return tuple(Reason(row["name"].strip(), (row["name"].strip(), *row["words"])) for row in table["reason"])


def find_problems(table: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with the file, one sentence each; empty when it can be used."""
    if unknown := sorted(table.keys() - {"reason"}):
        return (f"{unknown[0][:40]!r} is unknown; each entry begins with [[reason]]",)
    rows = table.get("reason")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return ("holds no [[reason]]; add one or delete the file",)
    if len(rows) > MOST_REASONS:
        return (f"holds {len(rows)} reasons; {MOST_REASONS} are the most that can be told apart",)
    problems: list[str] = []
    taken: set[str] = set()
    for number, row in enumerate(rows, start=1):
        name = row.get("name")
        shown = repr(name[:60]) if isinstance(name, str) and name.strip() else str(number)
        problem = _problem_of(row, taken)
        if problem:
            problems.append(f"reason {shown}: {problem}")
        taken.add(str(name).strip().casefold())
    return tuple(problems)


def _problem_of(row: Mapping[str, Any], taken: set[str]) -> str:
    if unknown := sorted(row.keys() - {"name", "words"}):
        return f"{unknown[0][:40]!r} is unknown; use name, words"
    if not _is_text(row.get("name")):
        return 'needs a name of one line, for example name = "Works where there is no network"'
    if row["name"].strip().casefold() in taken:
        return "this name is there twice; join the two"
    words = row.get("words")
    if not isinstance(words, list) or not words or len(words) > MOST_WORDS or not all(map(_is_text, words)):
        return f'needs words, a list of up to {MOST_WORDS} phrases, for example words = ["does it work offline"]'
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= MOST_LETTERS and value.isprintable()


def match_reasons(closeness: Vectors, owners: Sequence[int]) -> list[tuple[int, float, int]]:
    """(reason, score, its nearest phrasing) of the reasons that a topic supports, best first.

    closeness: (p,) of the topic to every phrasing. owners: (p,), the reason of each phrasing.
    """
    best: dict[int, int] = {}
    for phrasing, reason in enumerate(owners):
        if reason not in best or closeness[phrasing] > closeness[best[reason]]:
            best[reason] = phrasing
    found = [(reason, round(float(closeness[place]), 2), place) for reason, place in best.items()]
    supported = sorted((one for one in found if one[1] >= SUPPORTS), key=lambda one: (-one[1], one[0]))
    return supported[:MOST_SUPPORTED]
