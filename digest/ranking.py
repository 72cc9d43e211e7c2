"""Counts and orders topics by the rules of the product: distinct companies first, then distinct insights.

Pure. Inferred insights are counted apart; a topic's trend is a word, never a percentage.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import sqrt

from digest.records import DayRange, RankedTopic, Windows
from nlp.decisions import wake
from nlp.pages import TopicCoverage
from nlp.records import StoredInsight, Topic, topic_id

PERCENT_FROM_COMPANIES = 20
TREND_COMPANIES = 3
TREND_STRENGTH = 1.6


def rank_topics(
    topics: Iterable[Topic],
    insights: Mapping[int, tuple[StoredInsight, ...]],
    windows: Windows,
    *,
    ideal: tuple[str, ...] = (),
    base_url: str = "",
    coverage: Mapping[int, TopicCoverage] | None = None,
) -> tuple[RankedTopic, ...]:
    """Order topics by companies in the listed window, ideal customers, then insights; dismissed topics are left out.

    insights: by topic id; what was asked after the windows does not count. coverage: by topic id, see `load_coverage`.
    A topic that was snoozed until the last day of the windows or before is open again. Same input, same order.
    """
    counted = [
        _with_coverage(
            _count(wake(topic, windows.recent.last), insights.get(topic.id, ()), windows, frozenset(ideal), base_url),
            (coverage or {}).get(topic.id),
        )
        for topic in topics
        if not topic.dismissed
    ]
    counted.sort(key=_order)
    return tuple(replace(topic, rank=rank) for rank, topic in enumerate(counted, start=1))


def trend_word(recent: int, before: int, *, earlier: bool) -> str:
    """Compare companies of 28 days with the 28 before.

    earlier: asked before those 56 days. "new" and "back" say more than "rising", so they come first.
    """
    if recent and not before:
        return "back" if earlier else "new"
    change = recent - before
    if abs(change) >= TREND_COMPANIES and abs(change) / sqrt(recent + before) >= TREND_STRENGTH:
        return "rising" if change > 0 else "falling"
    return "steady"


def percentage(part: int, whole: int, *, companies: int) -> int | None:
    """Rounded percent; None below 20 companies, where percentages mislead."""
    if companies < PERCENT_FROM_COMPANIES or not whole:
        return None
    return round(100 * part / whole)


def topic_url(topic: Topic, base_url: str) -> str:
    """Where the topic's page is; relative to the site without a base_url."""
    path = f"t/{topic_id(topic.id)}-{topic.slug}/"
    return f"{base_url.rstrip('/')}/{path}" if base_url else path


def companies_in(insights: Iterable[StoredInsight], days: DayRange, windows: Windows) -> frozenset[str]:
    """Distinct companies whose own words fall into the days."""
    return frozenset(i.company for i in insights if not i.inferred and windows.day_of(i.asked_at) in days)


def _count(
    topic: Topic,
    insights: tuple[StoredInsight, ...],
    windows: Windows,
    ideal: frozenset[str],
    base_url: str,
) -> RankedTopic:
    known = [(i, windows.day_of(i.asked_at)) for i in insights]
    known = [(i, day) for i, day in known if day <= windows.recent.last]
    said = [(i, day) for i, day in known if not i.inferred]
    listed = [i for i, day in said if day in windows.listed]
    recent = {i.company for i, day in said if day in windows.recent}
    before = {i.company for i, day in said if day in windows.before}
    earlier = any(day < windows.before.first for _, day in said)
    return RankedTopic(
        topic=topic,
        rank=0,
        companies=len({i.company for i, _ in said}),
        insights=len(said),
        inferred=len(known) - len(said),
        companies_listed=len({i.company for i in listed}),
        insights_listed=len(listed),
        companies_recent=len(recent),
        companies_before=len(before),
        ideal=len(recent & ideal),
        trend=trend_word(len(recent), len(before), earlier=earlier),
        coverage="answered" if topic.status == "published" else "none",
        url=topic_url(topic, base_url),
        verdict="send" if topic.status == "published" else "new-page",
        page_url=(topic.status_detail or "") if topic.status == "published" else "",
    )


def _with_coverage(ranked: RankedTopic, known: TopicCoverage | None) -> RankedTopic:
    if known is None:
        return ranked
    return replace(ranked, coverage=known.coverage, verdict=known.verdict, page_url=known.url)


def _order(topic: RankedTopic) -> tuple[int, ...]:
    return (
        -topic.companies_listed,
        -topic.ideal,
        -topic.insights_listed,
        -topic.companies,
        -topic.insights,
        topic.topic.id,
    )
