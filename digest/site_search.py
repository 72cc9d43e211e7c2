"""Decides what the search box of the pages knows: topics, and every single insight in parts of a readable size. Pure.

The parts are scripts: a page that was opened from disk may not fetch data, but it may load a script.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from digest.page_records import IndexRow, Voice
from digest.site_content import count_companies

PART_INSIGHTS = 5_000
KINDS = ("question", "pain", "need")
FOLDER = "assets/search"


def search_scripts(
    rows: Sequence[IndexRow], voices: Iterable[tuple[Voice, int | None]], paths: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    """Files for the search box: the topics first, then the insights in parts, the newest first.

    voices: with the id of their topic, None while they have none. paths: company -> its folder, for those with a page.
    """
    places = {row.ranked.topic.id: place for place, row in enumerate(rows)}
    ordered = sorted(voices, key=lambda one: (one[0].day, one[0].id), reverse=True)
    names = sorted({voice.company for voice, _ in ordered})
    companies = {name: place for place, name in enumerate(names)}
    parts = [ordered[start : start + PART_INSIGHTS] for start in range(0, len(ordered), PART_INSIGHTS)]
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
        "insights": len(ordered),
        "parts": len(parts),
    }
    yield f"{FOLDER}-data.js", f"window.ANSWERS = {script_json(head)};\n".encode()
    for number, part in enumerate(parts, start=1):
        lines = [
            [
                f"{voice.context} {voice.text}" if voice.context else voice.text,
                companies[voice.company],
                voice.day.isoformat(),
                places.get(topic, -1) if topic is not None else -1,
                KINDS.index(voice.kind),
                voice.language,
            ]
            for voice, topic in part
        ]
        yield f"{FOLDER}-{number}.js", f"window.ANSWERS.part = {script_json(lines)};\n".encode()


def script_json(document: object) -> str:
    """JSON that may stand in a script."""
    # "<" would end the script for a parser that inlines it; the two separators end a line in old engines.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
