"""Decides what the search box of the pages knows: topics, and every single insight in parts of a readable size. Pure.

The parts are scripts: a page that was opened from disk may not fetch data, but it may load a script.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

from digest.page_records import IndexRow, Voice
from digest.site_content import count_companies

PART_INSIGHTS = 5_000
KINDS = {"question": 0, "pain": 1, "need": 2}
FOLDER = "assets/search"


def search_scripts(
    rows: Sequence[IndexRow], said: Sequence[tuple[Voice, IndexRow | None]], paths: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    """Files for the search box: the topics first, then the insights in parts.

    said: the newest first, with the row of their topic. paths: company -> its page, for those that have one.
    """
    places = {id(row): place for place, row in enumerate(rows)} | {id(None): -1}
    names = sorted({voice.company for voice, _ in said})
    companies = {name: place for place, name in enumerate(names)}
    parts = [said[start : start + PART_INSIGHTS] for start in range(0, len(said), PART_INSIGHTS)]
    head = {
        "topics": [
            [
                row.name,
                row.quote,
                row.path,
                f"{count_companies(row.ranked.companies)} ever · {row.ranked.topic.category}",
            ]
            for row in rows
        ],
        "companies": [[name, paths.get(name, "")] for name in names],
        "insights": len(said),
        "parts": len(parts),
    }
    yield f"{FOLDER}-data.js", f"window.ANSWERS = {script_json(head)};\n".encode()
    for number, part in enumerate(parts, start=1):
        lines = [
            [
                f"{voice.context} {voice.text}" if voice.context else voice.text,
                companies[voice.company],
                iso_day(voice.day),
                places[id(row)],
                KINDS[voice.kind],
                voice.language,
            ]
            for voice, row in part
        ]
        yield f"{FOLDER}-{number}.js", f"window.ANSWERS.part = {script_json(lines)};\n".encode()


@lru_cache(maxsize=10_000)
def iso_day(day: date) -> str:
    """ "2026-11-05"."""
    return day.isoformat()


def script_json(document: object) -> str:
    """JSON that may stand in a script."""
    # "<" would end the script for a parser that inlines it; the two separators end a line in old engines.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
