"""Decides what the pages about all topics say: coverage matrix, companies, what changed since a day. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest.page_records import Cell, Change, Changes, CompanyLine, Event, IndexRow, Matrix, Voice
from digest.records import DayRange, RankedTopic, Windows
from digest.site_history import tell_decision
from nlp.pages import TopicCoverage, page_key
from nlp.records import CATEGORIES, STAGES, Decision, StoredInsight

MATRIX_DAYS = 90
MOST_WORST = 5
MOST_CHANGES = 3
MOST_DECISIONS = 3
DAYS_WITHOUT_DIGEST = 7
_NOT_IN_PATH = re.compile(r"[^a-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class CompanyPage:
    """What one company asked over time, the newest first. entries: (words, row of its topic or None)."""

    line: CompanyLine
    entries: tuple[tuple[Voice, IndexRow | None], ...]
    left_out: int


def matrix_of(
    ranked: Sequence[RankedTopic],
    insights: Mapping[int, Sequence[StoredInsight]],
    coverages: Mapping[int, TopicCoverage],
    windows: Windows,
) -> Matrix:
    """Companies that asked in 90 days against published pages, by category and stage, the worst category first."""
    days = DayRange(windows.recent.last - timedelta(days=MATRIX_DAYS - 1), windows.recent.last)
    fields: dict[tuple[str, str], list[tuple[RankedTopic, frozenset[str]]]] = {}
    for one in ranked:
        companies = frozenset(
            i.company for i in insights.get(one.topic.id, ()) if not i.inferred and windows.day_of(i.asked_at) in days
        )
        fields.setdefault((one.topic.category, one.topic.stage), []).append((one, companies))
    categories = [name for name in CATEGORIES if any(category == name for category, _ in fields)]
    cells = {
        (category, stage): _cell(category, stage, fields.get((category, stage), ()), coverages)
        for category in categories
        for stage in STAGES
    }
    lines = [(category, tuple(cells[category, stage] for stage in STAGES)) for category in categories]
    lines.sort(key=lambda line: -sum(cell.unanswered for cell in line[1]))  # stable: the usual order among equals
    worst = sorted(cells.values(), key=lambda cell: -cell.unanswered)
    return Matrix(STAGES, tuple(lines), tuple(c for c in worst if c.unanswered)[:MOST_WORST], MATRIX_DAYS)


def describe_companies(
    insights: Iterable[StoredInsight],
    voices: Mapping[int, Voice],
    rows: Mapping[int, IndexRow],
    ideal: Iterable[str],
    most: int,
) -> tuple[CompanyPage, ...]:
    """One page per company, those that asked for most topics first. most: entries on one page."""
    asked: dict[str, list[StoredInsight]] = {}
    for insight in insights:
        if not insight.inferred and insight.id in voices:
            asked.setdefault(insight.company, []).append(insight)
    wanted, taken = frozenset(ideal), set[str]()
    pages = []
    for company, found in asked.items():
        found.sort(key=lambda i: (i.asked_at, i.id), reverse=True)
        shown = voices[found[0].id].company
        days = voices[found[0].id].day, voices[found[-1].id].day
        topics = len({i.topic for i in found if i.topic in rows})
        line = CompanyLine(
            shown, _folder(shown, taken), company in wanted, len(found), topics, first=days[1], last=days[0]
        )
        entries = tuple((voices[i.id], rows.get(i.topic or 0)) for i in found[:most])
        pages.append(CompanyPage(line, entries, len(found) - len(entries)))
    pages.sort(key=lambda page: (-page.line.topics, -page.line.insights, page.line.name))
    return tuple(pages)


def changes_since(
    moment: datetime | None,
    week: str,
    rows: Mapping[int, IndexRow],
    insights: Mapping[int, Sequence[StoredInsight]],
    unplaced: Sequence[StoredInsight],
    decisions: Sequence[Decision],
    windows: Windows,
    *,
    with_people: bool,
) -> Changes:
    """What was asked and decided since the last digest, or in the last seven days when there was none."""
    since = windows.day_of(moment) if moment else windows.recent.last - timedelta(days=DAYS_WITHOUT_DIGEST - 1)
    asked: dict[int, set[str]] = {}
    heard: set[str] = set()
    count = 0
    fresh_topics = set()
    for topic, members in insights.items():
        said = [i for i in members if not i.inferred and windows.day_of(i.asked_at) <= windows.recent.last]
        fresh = [i for i in said if _is_since(i, moment, since, windows)]
        if fresh:
            count += len(fresh)
            heard.update(i.company for i in fresh)
            asked[topic] = {i.company for i in fresh}
            if len(fresh) == len(said):
                fresh_topics.add(topic)
    single = [i for i in unplaced if not i.inferred and _is_since(i, moment, since, windows)]
    moved = [Change(rows[topic], len(companies)) for topic, companies in asked.items() if topic in rows]
    moved.sort(key=lambda change: (-change.count, change.row.ranked.rank))
    return Changes(
        since=since,
        digest=week,
        companies=len(heard | {i.company for i in single}),
        insights=count + len(single),
        new=tuple(c for c in moved if c.row.ranked.topic.id in fresh_topics)[:MOST_CHANGES],
        more=tuple(c for c in moved if c.row.ranked.topic.id not in fresh_topics)[:MOST_CHANGES],
        decisions=_decisions_since(decisions, rows, since, windows, with_people=with_people),
    )


def _decisions_since(
    decisions: Sequence[Decision], rows: Mapping[int, IndexRow], since: date, windows: Windows, *, with_people: bool
) -> tuple[Event, ...]:
    events = []
    for decision in reversed(decisions):
        day, row = windows.day_of(decision.decided_at), rows.get(decision.topic)
        if row and day >= since:
            told = tell_decision(decision, row.ranked.topic, with_people=with_people)
            events.append(Event(day, f"{row.name}: {told}"))
    return tuple(events[:MOST_DECISIONS])


def _is_since(insight: StoredInsight, moment: datetime | None, since: date, windows: Windows) -> bool:
    return insight.asked_at >= moment if moment else windows.day_of(insight.asked_at) >= since


def _cell(
    category: str,
    stage: str,
    topics: Sequence[tuple[RankedTopic, frozenset[str]]],
    coverages: Mapping[int, TopicCoverage],
) -> Cell:
    nobody: frozenset[str] = frozenset()
    alone = nobody.union(*(companies for one, companies in topics if one.coverage != "answered"))
    pages = {
        page_key(match.page.url)
        for one, _ in topics
        for match in (coverages[one.topic.id].matches if one.topic.id in coverages else ())
        if match.coverage == "answered" and not match.is_gone
    } | {page_key(one.topic.status_detail or "") for one, _ in topics if one.topic.status == "published"}
    return Cell(
        category=category,
        stage=stage,
        topics=len(topics),
        companies=len(nobody.union(*(companies for _, companies in topics))),
        unanswered=len(alone),
        pages=len(pages),
    )


def _folder(name: str, taken: set[str]) -> str:
    """A folder of its own below the site, whatever the name holds."""
    base = _NOT_IN_PATH.sub("-", name.casefold()).strip(".-")[:80] or "company"
    folder, number = base, 1
    while folder in taken:
        number += 1
        folder = f"{base}-{number}"
    taken.add(folder)
    return f"c/{folder}/"
