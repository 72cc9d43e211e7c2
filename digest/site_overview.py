"""Decides what the pages about all topics say: coverage matrix, companies, what changed since a day. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from digest.page_records import Cell, Change, Changes, CompanyLine, Event, IndexRow, Matrix, RelatedTopic, Voice
from digest.records import RankedTopic, Windows
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
    """What one company asked over time, the newest first. entries: (words, their topic or None)."""

    line: CompanyLine
    entries: tuple[tuple[Voice, RelatedTopic | None], ...]
    left_out: int


def matrix_of(
    ranked: Sequence[RankedTopic],
    insights: Mapping[int, Sequence[StoredInsight]],
    coverages: Mapping[int, TopicCoverage],
    windows: Windows,
) -> Matrix:
    """Companies that asked in 90 days against published pages, by category and stage, the worst category first."""
    first = windows.recent.last - timedelta(days=MATRIX_DAYS - 1)
    since, until = _start_of(first, windows), _start_of(windows.recent.last + timedelta(days=1), windows)
    fields: dict[tuple[str, str], list[tuple[RankedTopic, frozenset[str]]]] = {}
    for one in ranked:
        companies = frozenset(
            i.company for i in insights.get(one.topic.id, ()) if since <= i.asked_at < until and not i.inferred
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
    said: Iterable[tuple[Voice, RelatedTopic | None]], ideal: Iterable[str], most: int
) -> tuple[CompanyPage, ...]:
    """One page per company, those that asked for most topics first. said: the newest first. most: entries on a page."""
    asked: dict[str, list[tuple[Voice, RelatedTopic | None]]] = {}
    for entry in said:
        name = entry[0].company
        if name in asked:
            asked[name].append(entry)
        else:
            asked[name] = [entry]
    wanted, taken = frozenset(ideal), set[str]()
    pages = []
    for name, found in asked.items():
        topics = len({topic.id for _, topic in found if topic})
        days = found[-1][0].day, found[0][0].day
        line = CompanyLine(name, _file(name, taken), name in wanted, len(found), topics, first=days[0], last=days[1])
        pages.append(CompanyPage(line, tuple(found[:most]), len(found[most:])))
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
    first = windows.day_of(moment) if moment else windows.recent.last - timedelta(days=DAYS_WITHOUT_DIGEST - 1)
    since, until = moment or _start_of(first, windows), _start_of(windows.recent.last + timedelta(days=1), windows)
    asked: dict[int, set[str]] = {}
    heard: set[str] = set()
    count = 0
    fresh_topics = set()
    for topic, members in insights.items():
        fresh = [i for i in members if since <= i.asked_at < until and not i.inferred]
        if fresh:
            count += len(fresh)
            heard.update(i.company for i in fresh)
            asked[topic] = {i.company for i in fresh}
            if not any(i.asked_at < since and not i.inferred for i in members):
                fresh_topics.add(topic)
    single = [i for i in unplaced if since <= i.asked_at < until and not i.inferred]
    moved = [Change(rows[topic], len(companies)) for topic, companies in asked.items() if topic in rows]
    moved.sort(key=lambda change: (-change.count, change.row.ranked.rank))
    return Changes(
        since=first,
        digest=week,
        companies=len(heard | {i.company for i in single}),
        insights=count + len(single),
        new=tuple(c for c in moved if c.row.ranked.topic.id in fresh_topics)[:MOST_CHANGES],
        more=tuple(c for c in moved if c.row.ranked.topic.id not in fresh_topics)[:MOST_CHANGES],
        decisions=_decisions_since(decisions, rows, first, windows, with_people=with_people),
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


def _start_of(day: date, windows: Windows) -> datetime:
    """Its midnight. Comparing moments is several times cheaper than finding the day of each."""
    return datetime.combine(day, time.min, tzinfo=windows.zone).astimezone(UTC)


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


def _file(name: str, taken: set[str]) -> str:
    """A page of its own below the site, whatever the name holds."""
    base = _NOT_IN_PATH.sub("-", name.casefold()).strip(".-")[:80] or "company"
    folder, number = base, 1
    while folder in taken:
        number += 1
        folder = f"{base}-{number}"
    taken.add(folder)
    return f"c/{folder}.html"
