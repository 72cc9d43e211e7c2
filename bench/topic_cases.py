"""Labelled texts for bench/topics.py: lists of short requests, or the true insights of a labelled mailbox."""

import json
import math
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harvester.records import Part, Role
from nlp.answering import pairing_by
from nlp.embedding import Encoders
from nlp.language import detect_language
from nlp.pairing import pair_answers
from nlp.records import Insight, Kind


@dataclass(frozen=True, slots=True)
class Case:
    text: str
    label: str
    company: str
    mail: str
    language: str
    answer: str | None = None
    kind: str = "question"
    context: str = ""


def read_set(path: pathlib.Path) -> list[Case]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Case(row["text"], row["label"], f"c{i}", f"m{i}", detect_language(row["text"])) for i, row in enumerate(rows)
    ]


def read_mailbox(folder: pathlib.Path, encoders: Encoders) -> list[Case]:
    mails = [
        json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    cases = []
    for mail in sorted((m for m in mails if m["status"] == "accepted"), key=lambda m: str(m["sent_at"])):
        wanted = [i for i in mail["insights"] if i["new"] and not i["inferred"]]
        cases.extend(pair_truth(mail, wanted, encoders))
    return cases


def pair_truth(mail: dict[str, Any], wanted: Sequence[dict[str, Any]], encoders: Encoders) -> Iterator[Case]:
    quote = "\n".join(i["text"] for i in wanted)
    parts = (
        Part(Role.OWN, mail["own_text"], author_kind="us"),
        Part(Role.QUOTED, quote, depth=1, author_kind="prospect"),
    )
    insights = [Insight(Kind(i["kind"]), i["text"], 1, 1.0, "", "", "", "") for i in wanted]
    answers = pair_answers(insights, parts, pairing_by(encoders))
    for truth, answer in zip(wanted, answers, strict=True):
        language = detect_language(truth["text"], mail.get("lang") or "en")
        yield Case(truth["text"], truth["topic"], mail["company"], mail["file"], language, answer, truth["kind"])


def split_weeks(size: int, weeks: int, *, in_order: bool) -> tuple[range, ...]:
    """The rows that arrive in each week: one after the other as mails do, or every nth where a file is sorted."""
    if not in_order:
        return tuple(range(week, size, weeks) for week in range(weeks))
    step = math.ceil(size / weeks)
    return tuple(range(min(size, week * step), min(size, (week + 1) * step)) for week in range(weeks))
