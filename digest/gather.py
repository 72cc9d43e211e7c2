"""Gathers from the database what a digest is made of. Reads only; decides nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from digest.records import Material, News, Page
from digest.store import suggested_topics
from harvester.database import utc_text
from nlp.records import StoredInsight, Topic
from nlp.store import central_orders, decision_log, living_topics, topic_insights, unplaced_insights

SET_ASIDE = ("ignored", "quarantined", "excluded", "failed")


def gather_material(database: Database, audience: str, news: News, *, in_hindsight: bool = False) -> Material:
    """Everything for the digest that covers `news`.

    in_hindsight: take mails as arrived when they were sent, not when we captured them: for past weeks whose digest
    never went out, of mails that were loaded later.
    """
    topics = living_topics(database)
    insights = topic_insights(database)
    column = "coalesce(r.sent_at, m.received_at, m.captured_at)" if in_hindsight else "m.captured_at"
    return Material(
        topics=topics,
        insights=insights,
        unplaced=unplaced_insights(database),
        arrived=_arrivals(database, column),
        central=central_orders(database),
        pages=_pages(database, topics, insights),
        suggested=suggested_topics(database, audience),
        colleagues=_count_colleagues(database, column, news),
        set_aside=_count_set_aside(database, column, news),
    )


def _arrivals(database: Database, column: str) -> dict[int, datetime]:
    rows = database.conn.execute(
        f"select i.id, {column} from insights i join messages m on m.id = i.message"
        " left join readings r on r.message = m.id"
    )
    return {insight: datetime.fromisoformat(at) for insight, at in rows}


def _pages(
    database: Database, topics: tuple[Topic, ...], insights: Mapping[int, tuple[StoredInsight, ...]]
) -> dict[int, Page]:
    pages = {}
    for topic in topics:
        if topic.status == "published" and topic.status_detail:
            published_at = _published_at(database, topic)
            pages[topic.id] = Page(
                url=topic.status_detail,
                published_at=published_at,
                links_sent=_count_links(database, topic.status_detail, insights.get(topic.id, ())),
            )
    return pages


def _published_at(database: Database, topic: Topic) -> datetime:
    changes = [d.decided_at for d in decision_log(database, topic.id) if d.verb == "status" and d.undone_at is None]
    return max(changes, default=topic.born_at)


def _count_links(database: Database, url: str, insights: tuple[StoredInsight, ...]) -> int:
    """Answers to the topic that carried the page's address, whatever stands after it (?utm=...)."""
    bare = url.split("://", 1)[-1].split("?", 1)[0].split("#", 1)[0].rstrip("/")
    messages = {insight.message for insight in insights}
    rows = database.conn.execute("select distinct message from links where instr(url, ?)", (bare,))
    return sum(message in messages for (message,) in rows)


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
