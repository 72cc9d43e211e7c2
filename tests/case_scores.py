"""Reads the mail cases of tests/mails and says how a split differs from what is right. Knows nothing of splitting."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harvester.records import Part, Role

CASES = Path(__file__).parent / "mails"
KNOWN_FAILURES = CASES / "known_failures.txt"
NAME = re.compile(r"(?P<client>[a-z0-9]+)-(?P<language>[a-z]{2})-(?P<habit>[a-z0-9-]+)")
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\u034f]")
QUOTE_MARKS = re.compile(r"(?m)^[> ]+")


@dataclass(frozen=True, slots=True)
class Case:
    """One mail and what is right about it. expected: the JSON beside the mail, see tests/mails/README.md."""

    name: str
    raw: bytes
    expected: dict[str, Any]

    @property
    def client(self) -> str:
        return self.name.split("-")[0]

    @property
    def language(self) -> str:
        return self.name.split("-")[1]

    @property
    def blind(self) -> bool:
        return bool(self.expected["blind"])


@dataclass(frozen=True, slots=True)
class Difference:
    """aspect: own, leak, signature, disclaimer, notice, text, role, author, name, date, depth. detail: for a person."""

    aspect: str
    detail: str


def load_cases() -> tuple[Case, ...]:
    """All cases by name."""
    return tuple(
        Case(path.stem, path.read_bytes(), json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
        for path in sorted(CASES.glob("*.eml"))
    )


def load_known_failures() -> frozenset[str]:
    """Names of the cases that are not mastered yet; text after # is a reason."""
    lines = KNOWN_FAILURES.read_text(encoding="utf-8").splitlines()
    return frozenset(name for line in lines if (name := line.partition("#")[0].strip()))


def compare(parts: Sequence[Part], expected: dict[str, Any]) -> tuple[Difference, ...]:
    """Everything in which the parts differ from the expectation; empty means all right."""
    own = "\n".join(part.text for part in parts if part.role is Role.OWN)
    found = list(_compare_own(own, expected))
    for key in ("signature", "disclaimer", "notice"):
        stretch = expected[key]
        if stretch and not any(_holds(part, stretch) for part in parts if part.role == key):
            roles = [str(part.role) for part in parts if _holds(part, stretch)]
            found.append(Difference(key, f"{stretch!r} is {', '.join(roles) or 'in no single part'}"))
    for wanted in expected["parts"]:
        found.extend(_compare_part(parts, wanted))
    return tuple(found)


def squash(text: str) -> str:
    """Text as it is compared: without white space, invisible characters and compatibility forms."""
    return "".join(INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).split())


def _compare_own(own: str, expected: dict[str, Any]) -> Iterable[Difference]:
    if squash(own) not in {squash(text) for text in (expected["own"], *expected["own_also"])}:
        yield Difference("own", f"got {own!r}, expected {expected['own']!r}")
    for stretch in expected["not_in_own"]:
        if squash(stretch) in squash(own):
            yield Difference("leak", f"{stretch!r} is in the own text")


def _compare_part(parts: Sequence[Part], wanted: dict[str, Any]) -> Iterable[Difference]:
    """The differences of the candidate that fits best."""
    holding = [part for part in parts if _holds(part, wanted["contains"])]
    if not holding:
        return (Difference("text", f"no part holds {wanted['contains']!r}"),)
    return min((_differences_of(part, wanted) for part in holding), key=len)


def _differences_of(part: Part, wanted: dict[str, Any]) -> tuple[Difference, ...]:
    sent_at = part.sent_at.replace(tzinfo=None).isoformat() if part.sent_at else None
    name, wanted_name = part.author_name, wanted["author_name"]
    checks = (
        ("role", part.role, wanted["role"], part.role in wanted["role"].split("|")),
        ("author", part.author, wanted["author"], part.author == wanted["author"]),
        ("name", name, wanted_name, _name_words(name) == _name_words(wanted_name)),
        ("date", sent_at, wanted["sent_at"], sent_at == wanted["sent_at"]),
        ("depth", part.depth, wanted["depth"], part.depth == wanted["depth"]),
    )
    return tuple(
        Difference(aspect, f"{aspect} of {wanted['contains']!r}: got {got}, expected {right}")
        for aspect, got, right, same in checks
        if right is not None and not same
    )


def _name_words(name: str | None) -> frozenset[str]:
    """ "Chen, Li" and "Li Chen" are one name."""
    return frozenset(re.findall(r"\w+", unicodedata.normalize("NFKC", name or "").lower()))


def _holds(part: Part, stretch: str) -> bool:
    return squash(stretch) in squash(part.text) or squash(stretch) in squash(QUOTE_MARKS.sub("", part.text))
