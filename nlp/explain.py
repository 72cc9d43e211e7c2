"""Shows what we understand of one mail: as a JSON object, as text for a terminal, as an HTML page. Stateless."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harvester.records import FailedReading, Part, Reading, Role
from harvester.resources import template_folder
from nlp.records import Insight

COLOURS = {
    Role.OWN: "green",
    Role.QUOTED: "cyan",
    Role.HISTORY: "blue",
    Role.FORWARDED: "magenta",
    Role.SIGNATURE: "yellow",
    Role.DISCLAIMER: "bright_black",
    Role.NOTICE: "bright_black",
}


def explain_as_json(
    file: Path, reading: Reading | FailedReading, insights: tuple[Insight, ...], language: str | None
) -> dict[str, Any]:
    """One mail as the object that `answers explain --json` prints on one line."""
    if isinstance(reading, FailedReading):
        nobody: dict[str, Any] = {"colleague": None, "prospects": [], "company": None}
        nothing: dict[str, Any] = {"sent_at": None, "subject": None, "language": None, "parts": [], "insights": []}
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
        "insights": [_insight_as_json(insight) for insight in insights],
    }


def explain_as_text(file: Path, reading: Reading | FailedReading, insights: tuple[Insight, ...]) -> RenderableType:
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
    found = [
        Text.assemble((f"  {insight.kind} ", "bold"), f"[{insight.category}, {insight.stage}] ", insight.text)
        for insight in insights
    ]
    heading = Text(str(file), "bold underline")
    return Group(heading, facts, *panels, Text(f"{len(insights)} insights", "bold"), *found, Text(""))


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


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
