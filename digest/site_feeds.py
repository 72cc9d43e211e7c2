"""Writes what other programs read of the index: an Atom feed of new and rising topics, CSV and JSON. Pure."""

import csv
import io
import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from xml.sax.saxutils import escape, quoteattr

from digest.page_records import CategoryVoices, Facts, IndexRow, Voice
from digest.site_content import count_companies

FEED_TRENDS = ("new", "rising", "back")
MOST_ENTRIES = 50
# A spreadsheet takes a cell that begins so for a formula; the wide forms are turned into these by some.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
_NOT_IN_XML = {number: None for number in range(0x20) if number not in (0x9, 0xA, 0xD)} | {0xFFFE: None, 0xFFFF: None}
TOPIC_COLUMNS = (
    "rank", "id", "name", "category", "stage", "status", "coverage", "trend", "companies_28d", "companies_prev_28d",
    "ideal_28d", "companies", "insights", "languages", "last_asked", "quote", "url",
)  # fmt: skip
VOICE_COLUMNS = ("id", "kind", "category", "text", "context", "company", "asked_on", "language", "answered")


def feed_file(rows: Sequence[IndexRow], facts: Facts, base_url: str) -> bytes:
    """Atom (RFC 4287): topics that are new, back or rising, the latest question first."""
    told = sorted(
        (row for row in rows if row.ranked.trend in FEED_TRENDS and row.last_asked),
        key=lambda row: (row.last_asked or date.min, row.ranked.topic.id),
        reverse=True,
    )[:MOST_ENTRIES]
    root = base_url.rstrip("/") + "/" if base_url else ""
    latest = _moment(told[0].last_asked) if told else "1970-01-01T00:00:00Z"
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">',
        f"<title>{_xml(f'What buyers ask {facts.company}: new and rising')}</title>",
        f"<id>{_urn(facts.company)}</id>",
        f"<updated>{latest}</updated>",
        f"<author><name>{_xml(facts.company)}</name></author>",
        f'<link rel="alternate" type="text/html" href={quoteattr(root + "index.html")}/>',
        *([f'<link rel="self" type="application/atom+xml" href={quoteattr(root + "feed.xml")}/>'] if root else []),
        *(_entry(row, facts, root) for row in told),
        "</feed>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def topics_csv(rows: Sequence[IndexRow], base_url: str) -> bytes:
    """The ranked list for a spreadsheet."""
    return _csv(TOPIC_COLUMNS, (_topic_values(row, base_url) for row in rows))


def unplaced_csv(groups: Sequence[CategoryVoices]) -> bytes:
    """The insights without a topic for a spreadsheet."""
    return _csv(VOICE_COLUMNS, (_voice_values(group.category, voice) for group in groups for voice in group.voices))


def index_json(rows: Sequence[IndexRow], groups: Sequence[CategoryVoices], facts: Facts, base_url: str) -> bytes:
    """Everything on the index as one document."""
    document = {
        "company": facts.company,
        "build": facts.build,
        "window": facts.window,
        "companies": facts.companies,
        "insights": facts.insights,
        "unplaced": facts.unplaced,
        "topics": [dict(zip(TOPIC_COLUMNS, _topic_values(row, base_url), strict=True)) for row in rows],
        "without_topic": [
            dict(zip(VOICE_COLUMNS, _voice_values(group.category, voice), strict=True))
            for group in groups
            for voice in group.voices
        ],
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def safe_cell(value: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.lstrip(" \u00a0\u200b\ufeff").startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _csv(columns: tuple[str, ...], lines: Iterable[tuple[object, ...]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(tuple(map(safe_cell, line)) for line in lines)
    # The mark at the beginning tells Excel that this is UTF-8.
    return file.getvalue().encode("utf-8-sig", "replace")


def _topic_values(row: IndexRow, base_url: str) -> tuple[object, ...]:
    known = row.ranked.as_json()
    root = base_url.rstrip("/") + "/" if base_url else ""
    own = {
        "name": row.name,
        "languages": " ".join(row.languages),
        "last_asked": row.last_asked.isoformat() if row.last_asked else "",
        "quote": row.quote,
        "url": f"{root}{row.path}index.html",
    }
    return tuple(own[column] if column in own else known[column] for column in TOPIC_COLUMNS)


def _voice_values(category: str, voice: Voice) -> tuple[object, ...]:
    day = voice.day.isoformat()
    return (
        voice.id,
        voice.kind,
        category,
        voice.text,
        voice.context,
        voice.company,
        day,
        voice.language,
        voice.answered,
    )


def _entry(row: IndexRow, facts: Facts, root: str) -> str:
    ranked = row.ranked
    said = f"{ranked.trend}: {count_companies(ranked.companies_recent)} in 28 days, was {ranked.companies_before}"
    summary = f"{said}. “{row.quote}”" if row.quote else f"{said}."
    return (
        f"<entry><title>{_xml(row.name)}</title>"
        f"<id>{_urn(f'{facts.company} {ranked.topic.id} {ranked.trend}')}</id>"
        f"<updated>{_moment(row.last_asked)}</updated>"
        f'<link rel="alternate" type="text/html" href={quoteattr(f"{root}{row.path}index.html")}/>'
        f"<category term={quoteattr(ranked.topic.category)}/>"
        f"<summary>{_xml(summary)}</summary></entry>"
    )


def _urn(text: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"answers:{text}").urn


def _moment(day: date | None) -> str:
    return f"{day or date(1970, 1, 1)}T00:00:00Z"


def _xml(text: str) -> str:
    return escape(text.translate(_NOT_IN_XML))
