"""The SQL of insights as they are written: mails to harvest, what is known of a conversation."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from nlp.records import Insight
from nlp.store import utc_text

OFFER = "somebody sells to the colleague"  # the reason beside an accepted mail that gives no insights


@dataclass(frozen=True, slots=True)
class Unharvested:
    """A mail that was read but whose insights were not taken out. sent_at: aware; when it was sent, else received."""

    message: int
    subject: str
    kind: str
    thread: str
    company: str
    sent_at: datetime
    is_copy: bool


@dataclass(frozen=True, slots=True)
class Found:
    """An insight and where it belongs. asked_at: aware."""

    insight: Insight
    fingerprint: str
    thread: str
    company: str
    person: str | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """An insight stored earlier. is_decided: a person gave it its topic."""

    id: int
    message: int
    fingerprint: str
    text: str
    context: str
    answer: str | None
    is_decided: bool


def unharvested_mails(database: Database, limit: int) -> tuple[Unharvested, ...]:
    """The oldest accepted mails that were not harvested."""
    rows = database.conn.execute(
        "select r.message, coalesce(r.subject, ''), r.kind, coalesce(r.thread, ''), coalesce(r.company, ''),"
        " coalesce(r.sent_at, m.received_at, m.captured_at), r.duplicate_of is not null"
        " from readings r join messages m on m.id = r.message"
        " where r.status = 'accepted' and r.harvested = 0 and r.reduced_at is null order by r.message limit ?",
        (limit,),
    )
    return tuple(
        Unharvested(
            message, subject, kind, thread or f"mail-{message}", company, datetime.fromisoformat(at), bool(copy)
        )
        for message, subject, kind, thread, company, at, copy in rows
    )


def count_unharvested(database: Database) -> int:
    """How many accepted mails wait."""
    query = "select count(*) from readings where status = 'accepted' and harvested = 0 and reduced_at is null"
    return int(database.conn.execute(query).fetchone()[0])


def kept_of_message(connection: sqlite3.Connection, message: int) -> tuple[Kept, ...]:
    """The insights that an earlier harvest took out of this mail."""
    return _kept(connection, "i.message = ?", (message,))


def kept_of_thread(connection: sqlite3.Connection, thread: str, company: str) -> tuple[Kept, ...]:
    """What this company expressed in this conversation so far."""
    return _kept(connection, "i.thread = ? and i.company = ?", (thread, company))


def was_quoted_before(connection: sqlite3.Connection, message: int, thread: str, position: int) -> bool:
    """The same part stands in an earlier captured mail of the conversation that was harvested."""
    row = connection.execute(
        "select 1 from parts own join parts other on other.text_hash = own.text_hash and other.message < own.message"
        " join readings r on r.message = other.message and r.thread = ? and r.status = 'accepted'"
        " where own.message = ? and own.position = ? and own.text_hash <> '' limit 1",
        (thread, message, position),
    ).fetchone()
    return row is not None


def insert_insight(connection: sqlite3.Connection, message: int, found: Found) -> None:
    """Store a new insight; a trigger indexes its words."""
    connection.execute(
        "insert into insights (message, part, kind, text, context, fingerprint, thread, company, person, asked_at,"
        " language, category, stage, confidence, rule, inferred, answer)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (message, *_columns(found)),
    )


def update_insight(connection: sqlite3.Connection, kept: Kept, message: int, found: Found) -> None:
    """Bring an insight up to date; it keeps its id and its topic. Its vector is made anew only if its words changed."""
    insight = found.insight
    connection.execute(
        # "or ignore": a conversation that was found to be part of another may hold the same words already.
        "update or ignore insights set message = ?, part = ?, kind = ?, text = ?, context = ?, fingerprint = ?,"
        " thread = ?, company = ?, person = ?, asked_at = ?, language = ?, category = ?, stage = ?, confidence = ?,"
        " rule = ?, inferred = ?, answer = ? where id = ?",
        (message, *_columns(found), kept.id),
    )
    if (kept.text, kept.context, kept.answer) != (insight.text, insight.context, insight.answer):
        connection.execute("delete from vectors where insight = ?", (kept.id,))


def delete_insights(connection: sqlite3.Connection, insights: Sequence[int]) -> None:
    """Forget insights with their vectors and assignments; a trigger takes them out of the index."""
    connection.executemany("delete from insights where id = ?", [(insight,) for insight in insights])


def insights_of_rejected_mails(connection: sqlite3.Connection) -> tuple[int, ...]:
    """Insights of mails that are no longer accepted, except where a person decided about them."""
    rows = connection.execute(
        "select i.id from insights i join readings r on r.message = i.message"
        " left join assignments a on a.insight = i.id"
        " where r.status is not null and r.status <> 'accepted' and coalesce(a.decided_by, 'machine') = 'machine'"
    )
    return tuple(row[0] for row in rows)


def mark_harvested(
    connection: sqlite3.Connection, message: int, language: str | None, *, is_offer: bool = False
) -> None:
    """The mail's insights are out; coalesce keeps an earlier guess of its language. is_offer: why there are none."""
    connection.execute(
        "update readings set harvested = 1, language = coalesce(?, language),"
        " reason = case when ? then ? else nullif(reason, ?) end where message = ?",
        (language, is_offer, OFFER, OFFER, message),
    )


def _columns(found: Found) -> tuple[object, ...]:
    insight = found.insight
    return (
        insight.part,
        str(insight.kind),
        insight.text,
        insight.context,
        found.fingerprint,
        found.thread,
        found.company,
        found.person,
        utc_text(found.asked_at),
        insight.language,
        insight.category,
        insight.stage,
        insight.confidence,
        insight.rule,
        int(insight.inferred),
        insight.answer,
    )


def _kept(connection: sqlite3.Connection, condition: str, arguments: tuple[object, ...]) -> tuple[Kept, ...]:
    rows = connection.execute(
        "select i.id, i.message, i.fingerprint, i.text, i.context, i.answer, coalesce(a.decided_by, 'machine')"
        f" from insights i left join assignments a on a.insight = i.id where {condition} order by i.id",
        arguments,
    )
    return tuple(
        Kept(number, message, letters, text, context, answer, decided_by != "machine")
        for number, message, letters, text, context, answer, decided_by in rows
    )
