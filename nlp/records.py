"""What travels on from a prospect's part: Insight -> vector -> Assignment -> Topic. Frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from harvester.errors import UsageError


class Kind(StrEnum):
    """What a prospect expressed."""

    QUESTION = "question"
    PAIN = "pain"
    NEED = "need"


CATEGORIES = ("cost", "problems", "versus", "reviews", "best-of", "process", "fit", "other")
STAGES = ("awareness", "consideration", "decision")


@dataclass(frozen=True, slots=True)
class Insight:
    """One thing a prospect expressed, in his own words.

    part: index into the mail's parts. rule: the pattern or model that found it. confidence: 0 to 1.
    context: the sentence that it needs to be understood, "" when it stands alone.
    answer: the passage of the colleague's text that answers it, None when there is none.
    """

    kind: Kind
    text: str
    part: int
    confidence: float
    rule: str
    category: str
    stage: str
    language: str
    context: str = ""
    answer: str | None = None
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class StoredInsight:
    """An insight with its place in the world. asked_at: aware; when the prospect wrote it, or else the mail's date."""

    id: int
    message: int
    kind: Kind
    text: str
    context: str
    company: str
    person: str | None
    asked_at: datetime
    language: str
    category: str
    stage: str
    inferred: bool
    answer: str | None
    topic: int | None


@dataclass(frozen=True, slots=True)
class Topic:
    """A permanent group of insights that mean the same. id: 17 is shown as T-017.

    named_by, category_by, stage_by: "machine" until a person says it. merged_into: the topic that carries on, if any.
    status: open | claimed | drafting | published | wont-do | snoozed. status_detail: its URL, reason or date.
    """

    id: int
    name: str
    slug: str
    named_by: str
    status: str
    category: str
    stage: str
    born_at: datetime
    merged_into: int | None = None
    dismissed: bool = False
    status_detail: str | None = None
    category_by: str = "machine"
    stage_by: str = "machine"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a topic. verb: rename | merge | dismiss | restore | move | split | status |
    page | pin | apart.

    detail: JSON values, all that is needed to respect it in every later run and to undo it.
    """

    id: int
    decided_at: datetime
    author: str
    verb: str
    topic: int
    detail: Mapping[str, Any]
    undone_at: datetime | None = None


def topic_id(number: int) -> str:
    """17 -> "T-017"."""
    return f"T-{number:03d}"


def parse_topic_id(shown: str) -> int:
    """ "T-017", "t-17" or "17" -> 17. Raises UsageError for anything else."""
    digits = shown.strip().upper().removeprefix("T-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise UsageError(f"{shown!r} is not a topic id; they look like T-017")
    return int(digits)
