"""Decides what the search box of the pages knows: topics, and every single insight in parts of a readable size. Pure.

The parts are scripts: a page that was opened from disk may not fetch data, but it may load a script.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from digest.page_records import IndexRow, RelatedTopic, Voice
from digest.site_content import count_companies

PART_INSIGHTS = 5_000
KINDS = {"question": 0, "pain": 1, "need": 2}
FOLDER = "assets/search"


@dataclass(frozen=True, slots=True)
class SearchData:
    """What the scripts are made of. said: the newest first, with their topics.

    companies: name -> its place in the list of them. topics: id -> its place in the list of them.
    """

    said: Sequence[tuple[Voice, RelatedTopic | None]]
    companies: Mapping[str, int]
    topics: Mapping[str, int]

    @property
    def parts(self) -> int:
        """How many scripts hold the insights."""
        return -(-len(self.said) // PART_INSIGHTS)


def lay_out_search(said: Sequence[tuple[Voice, RelatedTopic | None]], topics: Iterable[RelatedTopic]) -> SearchData:
    """said: the newest first. topics: in the order in which they are listed."""
    names = sorted({voice.company for voice, _ in said})
    return SearchData(
        said,
        {name: place for place, name in enumerate(names)},
        {topic.id: place for place, topic in enumerate(topics)},
    )


def search_head(data: SearchData, rows: Iterable[IndexRow], paths: Mapping[str, str]) -> tuple[str, bytes]:
    """The file that is read first. rows: of all topics, in order. paths: company -> its page, if it has one."""
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
        "companies": [[name, paths.get(name, "")] for name in data.companies],
        "insights": len(data.said),
        "parts": data.parts,
    }
    return f"{FOLDER}-data.js", f"window.ANSWERS = {script_json(head)};\n".encode()


def search_part(data: SearchData, number: int) -> tuple[str, bytes]:
    """The file of a part of the insights. number: 1 holds the newest."""
    lines = [
        [
            f"{voice.context} {voice.text}" if voice.context else voice.text,
            data.companies[voice.company],
            iso_day(voice.day),
            data.topics[topic.id] if topic else -1,
            KINDS[voice.kind],
            voice.language,
        ]
        for voice, topic in data.said[(number - 1) * PART_INSIGHTS : number * PART_INSIGHTS]
    ]
    return f"{FOLDER}-{number}.js", f"window.ANSWERS.part = {script_json(lines)};\n".encode()


@lru_cache(maxsize=10_000)
def iso_day(day: date) -> str:
    """ "2026-11-05"."""
    return day.isoformat()


def script_json(document: object) -> str:
    """JSON that may stand in a script."""
    # "<" would end the script for a parser that inlines it; the two separators end a line in old engines.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
