"""Gathers from the database what a digest is made of. Reads only; decides nothing."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database

from digest.records import Material, MergeSuggestion, News, Page
from digest.store import suggested_topics
from harvester.database import utc_text
from nlp.decisions import published_day
from nlp.page_store import load_coverage, load_sent
from nlp.pages import PageMatch, page_key
from nlp.records import Decision, StoredInsight
from nlp.store import all_topics, carrying_topics, central_orders, decision_log, living_topics, split_insights
from nlp.suggestion_store import load_suggestions

SET_ASIDE = ("ignored", "quarantined", "excluded", "failed")


def gather_material(database: Database, audience: str, news: News, *, in_hindsight: bool = False) -> Material:
    """Everything for the digest that covers `news`.

    in_hindsight: take mails as arrived when they were sent, not when we captured them: for past weeks whose digest
    never went out, of mails that were loaded later.
    """
    topics = living_topics(database)
    insights, unplaced = split_insights(database)
    coverage = load_coverage(database)
    decisions = decision_log(database)
    carrier = carrying_topics(all_topics(database))  # what was told to write may lead on by now
    sent = load_sent(database)
    column = "coalesce(r.sent_at, m.received_at, m.captured_at)" if in_hindsight else "m.captured_at"
    published = {topic.id: published_day(decisions, topic) for topic in topics}
    pages = {}
    for topic in topics:
        known = coverage[topic.id]
        lost = next((match for match in known.matches if match.decided_by == "status" and match.is_gone), None)
        match = known.best if known.coverage == "answered" else lost
        if match is not None:
            day = published[topic.id] or match.page.published_on
            pages[topic.id] = _page(match, day, insights.get(topic.id, ()), sent)
    return Material(
        topics=topics,
        insights=insights,
        unplaced=unplaced,
        arrived=_arrivals(database, column),
        central=central_orders(database),
        coverage=coverage,
        pages=pages,
        suggested=tuple(dict.fromkeys(carrier[topic] for topic in suggested_topics(database, audience))),
        suggestions=tuple(
            MergeSuggestion(one.topic, one.other) for one in load_suggestions(database) if one.other is not None
        ),
        changed=_status_changes(decisions),
        colleagues=_count_colleagues(database, column, news),
        set_aside=_count_set_aside(database, column, news),
    )


def _page(
    match: PageMatch, day: date | None, insights: Sequence[StoredInsight], sent: Mapping[int, Sequence[str]]
) -> Page:
    """links_sent of answers: mails that answered the topic since that day and carried the address in any spelling."""
    answered = {i.message for i in insights if i.answer and (day is None or i.asked_at.date() >= day)}
    key = page_key(match.page.url)
    links_sent = sum(key in sent.get(message, ()) for message in answered)
    return Page(match.page.url, day, links_sent, len(answered), match.page.title, match.is_gone)


def _status_changes(decisions: Sequence[Decision]) -> dict[int, datetime]:
    return {one.topic: one.decided_at for one in decisions if one.verb == "status" and one.undone_at is None}


def _arrivals(database: Database, column: str) -> dict[int, datetime]:
    rows = database.conn.execute(
        f"select i.id, {column} from insights i join messages m on m.id = i.message"
        " left join readings r on r.message = m.id"
    )
    return {insight: datetime.fromisoformat(at) for insight, at in rows}


def _count_colleagues(database: Database, column: str, news: News) -> int:
    return int(_one(database, f"select count(distinct r.colleague) {_READ} and r.status = 'accepted'", column, news)[0])


def _count_set_aside(database: Database, column: str, news: News) -> dict[str, int]:
    counts = [
        (status, int(_one(database, f"select count(*) {_READ} and r.status = '{status}'", column, news)[0]))
        for status in SET_ASIDE
    ]
    return {status: count for status, count in counts if count}


_READ = "from messages m join readings r on r.message = m.id where {column} >= :since and {column} <= :until"


def _one(database: Database, query: str, column: str, news: News) -> Any:
    since = utc_text(news.since) if news.since else ""
    return database.conn.execute(
        query.format(column=column), {"since": since, "until": utc_text(news.until)}
    ).fetchone()
