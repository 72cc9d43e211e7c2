"""Shows what we understand, and why: a mail as a JSON object, as text, as an HTML page; a topic as text."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harvester.database import open_database
from harvester.records import FailedReading, Part, Reading, Role, Status
from harvester.resources import template_folder
from nlp.extraction import fingerprint
from nlp.left_out import LeftOut, Weighing, find_left_out
from nlp.records import Insight, topic_id
from nlp.store import MACHINE
from nlp.topic_reasons import Reason, TopicReasons, load_known_mails, reasons_of_mail

COLOURS = {
    Role.OWN: "green",
    Role.QUOTED: "cyan",
    Role.HISTORY: "blue",
    Role.FORWARDED: "magenta",
    Role.SIGNATURE: "yellow",
    Role.DISCLAIMER: "bright_black",
    Role.NOTICE: "bright_black",
}


@dataclass(frozen=True, slots=True)
class Why:
    """The reasons beside what was understood. topics: fingerprint of an insight -> why it is in its topic."""

    left_out: tuple[LeftOut, ...] = ()
    topics: Mapping[str, Reason] = field(default_factory=dict)


NO_REASONS = Why()


def find_reasons(
    reading: Reading | FailedReading,
    insights: tuple[Insight, ...],
    model: Weighing | None,
    topics: Mapping[str, Reason],
) -> Why:
    """Why sentences of an accepted mail were not taken; topics: what is stored about the others."""
    if isinstance(reading, FailedReading) or reading.verdict.status is not Status.ACCEPTED:
        return Why((), topics)
    heard = reading.verdict.kind == "heard"
    return Why(find_left_out(reading.parts, reading.mail.subject, insights, model, heard=heard), topics)


def look_up_topics(database_path: Path | None) -> Callable[[bytes], Mapping[str, Reason]]:
    """Bytes of a mail -> why its insights are in their topics, as far as a workspace knows it. Creates no database."""
    if database_path is None or not database_path.exists():
        return lambda raw: {}
    database = open_database(database_path)
    known = load_known_mails(database)
    return lambda raw: reasons_of_mail(database, known, hashlib.sha256(raw).hexdigest())


def explain_as_json(
    file: Path,
    reading: Reading | FailedReading,
    insights: tuple[Insight, ...],
    language: str | None,
    why: Why = NO_REASONS,
) -> dict[str, Any]:
    """One mail as the object that `answers explain --json` prints on one line."""
    if isinstance(reading, FailedReading):
        nobody: dict[str, Any] = {"colleague": None, "prospects": [], "company": None}
        nothing: dict[str, Any] = {
            "sent_at": None,
            "subject": None,
            "language": None,
            "parts": [],
            "insights": [],
            "left_out": [],
        }
        return {
            "file": str(file),
            "message_id": None,
            "status": "failed",
            "reason": reading.reason,
            **nobody,
            **nothing,
        }
    mail, verdict = reading.mail, reading.verdict
    return {
        "file": str(file),
        "message_id": mail.message_id,
        "status": str(verdict.status),
        "reason": verdict.reason,
        "kind": verdict.kind,
        "colleague": verdict.colleague,
        "prospects": list(verdict.prospects),
        "company": verdict.company,
        "sent_at": _iso(mail.sent_at),
        "subject": mail.subject,
        "language": language,
        "notes": list(mail.notes),
        "links": [{"url": link.url, "text": link.text} for link in reading.links],
        "attachments": [attachment.file_name for attachment in mail.attachments],
        "parts": [_part_as_json(part) for part in reading.parts],
        "insights": [
            _insight_as_json(insight) | {"topic": _reason_as_json(why.topics.get(fingerprint(insight.text)))}
            for insight in insights
        ],
        "left_out": [asdict(one) for one in why.left_out],
    }


def explain_as_text(
    file: Path, reading: Reading | FailedReading, insights: tuple[Insight, ...], why: Why = NO_REASONS
) -> RenderableType:
    """One mail for a person at a terminal: who, why, and every part in its colour with its label."""
    if isinstance(reading, FailedReading):
        return Panel(Text(reading.reason), title=Text(f"{file}: failed"), border_style="red")
    verdict = reading.verdict
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("subject", reading.mail.subject),
        ("status", f"{verdict.status}" + (f": {verdict.reason}" if verdict.reason else "")),
        ("colleague", verdict.colleague),
        ("company", verdict.company),
        ("prospects", ", ".join(verdict.prospects)),
        ("sent at", _iso(reading.mail.sent_at)),
    ):
        facts.add_row(Text(name, "bold"), Text(value or "-"))
    panels = [
        Panel(
            Text(part.text), title=Text(label_part(number, part)), title_align="left", border_style=COLOURS[part.role]
        )
        for number, part in enumerate(reading.parts)
    ]
    found = []
    for insight in insights:
        facets = f"[{insight.category}, {insight.stage}] "
        found.append(Text.assemble((f"  {insight.kind} ", "bold"), facets, insight.text))
        if reason := why.topics.get(fingerprint(insight.text)):
            found.append(Text(f"    {tell_reason(reason)}", "bright_black"))
    sentences = [one for one in why.left_out if one.text]
    left_out = [
        Text.assemble(("  not taken ", "bold"), one.text, (f"  {one.reason}", "bright_black")) for one in sentences
    ]
    heading = Text(str(file), "bold underline")
    return Group(heading, facts, *panels, Text(f"{len(insights)} insights", "bold"), *found, *left_out, Text(""))


def tell_reason(reason: Reason) -> str:
    """ "in T-017 (Does it work offline?), like #12 (0.83) and #40 (0.79); next best T-003 (0.41)" """
    topic = topic_id(reason.insight.topic or 0)
    if reason.decided_by != MACHINE:
        return f"in {topic}: put there by {reason.decided_by} on {reason.decided_at[:10]}"
    near = ", ".join(f"#{one.insight} ({one.score:.2f})" for one in reason.nearest)
    rival = f"; next best {reason.rival.topic} ({reason.rival.score:.2f})" if reason.rival else ""
    return f"in {topic}, " + (f"like {near}" if near else "alone in it") + rival


def explain_topic_as_text(reasons: TopicReasons) -> RenderableType:
    """A topic for a person at a terminal: each insight, whom it is like, what would have been next best."""
    topic = reasons.topic
    heading = Text.assemble((f"{topic_id(topic.id)} {topic.name}", "bold underline"))
    born = Text(f"named by {topic.named_by}, born {topic.born_at:%Y-%m-%d}; figures: {reasons.measure}", "bright_black")
    lines: list[RenderableType] = []
    for reason in reasons.reasons:
        lines.append(Text.assemble((f"#{reason.insight.id} ", "bold"), reason.insight.text))
        lines.append(Text(f"    {tell_reason(reason)}", "cyan"))
        lines += [Text(f"    {one.score:.2f}  #{one.insight} {one.text}", "bright_black") for one in reason.nearest]
        if reason.rival:
            lines.append(
                Text(f"    {reason.rival.score:.2f}  next best: {reason.rival.topic} {reason.rival.name}", "yellow")
            )
    decided = [
        Text(f"{one.decided_at:%Y-%m-%d} {one.author}: {one.verb}" + (" (undone)" if one.undone_at else ""))
        for one in reasons.decisions
    ]
    return Group(heading, born, Text(""), *lines, *([Text(""), Text("Decisions", "bold"), *decided] if decided else []))


def explain_as_page(explained: Iterable[dict[str, Any]]) -> str:
    """The JSON objects of several mails as one self-contained HTML page."""
    loader = jinja2.FileSystemLoader(template_folder())
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("explain.html.j2").render(mails=list(explained))


def label_part(number: int, part: Part) -> str:
    """ "1 quoted (depth 1), li@globex.example, 2026-11-01 17:02" """
    kind = f"{part.role} {part.label}".strip() + (f" (depth {part.depth})" if part.depth else "")
    who = part.author or part.author_name
    when = part.sent_at.isoformat(sep=" ", timespec="minutes") if part.sent_at else None
    return ", ".join(piece for piece in (f"{number} {kind}", who, when) if piece)


def _part_as_json(part: Part) -> dict[str, Any]:
    return {
        "role": str(part.role),
        "label": part.label,
        "author": part.author,
        "author_name": part.author_name,
        "author_kind": part.author_kind,
        "sent_at": _iso(part.sent_at),
        "depth": part.depth,
        "answers": part.answers,
        "text": part.text,
    }


def _insight_as_json(insight: Insight) -> dict[str, Any]:
    return {
        "kind": str(insight.kind),
        "text": insight.text,
        "context": insight.context,
        "part": insight.part,
        "confidence": round(insight.confidence, 3),
        "rule": insight.rule,
        "inferred": insight.inferred,
        "category": insight.category,
        "stage": insight.stage,
        "language": insight.language,
        "answer": insight.answer,
    }


def _reason_as_json(reason: Reason | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    known = reason.as_json()
    keys = ("topic", "decided_by", "decided_at", "similarity", "score", "nearest", "rival")
    return {key: known[key] for key in keys}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
