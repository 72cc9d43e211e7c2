"""The SQL of captured mails and of what was understood of them, written in the order in which mails come in."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlite_utils

from harvester.database import transaction, utc_text
from harvester.errors import AnswersError, UsageError
from harvester.forgetting import Tombstones
from harvester.records import FailedReading, ImapOrigin, Part, RawMail, Reading, Role, Status
from harvester.thread_store import Place
from harvester.threads import text_hash
from harvester.tombstone_store import is_kept_out, keep_out, load_tombstones


@dataclass(frozen=True, slots=True)
class Stored:
    """What a batch added. new: mails never seen; known: mails that were there already."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A stored mail that has not been understood yet."""

    message: int
    raw: bytes


def store_captures(database: sqlite_utils.Database, mails: Iterable[RawMail], now: datetime) -> Stored:
    """Keep the raw bytes and where they came from, all in one transaction."""
    new = known = 0
    with transaction(database) as connection:
        forgotten = load_tombstones(connection)
        for mail in mails:
            if forgotten and is_kept_out(forgotten, mail.sha256, mail.raw):
                message, is_new = keep_out(connection, forgotten, mail.sha256, now), False
            else:
                message, is_new = _store_message(connection, mail, now)
            _store_capture(connection, message, mail, now, forgotten)
            new += is_new
            known += not is_new
    return Stored(new, known)


def count_unread(database: sqlite_utils.Database) -> int:
    """Mails that are stored but not yet understood."""
    count: int = database.conn.execute(f"select count(*) from ({_UNREAD})").fetchone()[0]
    return count


def unread_mails(database: sqlite_utils.Database, limit: int) -> tuple[Unread, ...]:
    """The oldest mails that are not yet understood."""
    rows = database.conn.execute(f"{_UNREAD} order by m.id limit ?", (limit,))
    return tuple(Unread(message, raw) for message, raw in rows)


_UNREAD = (
    "select m.id, m.raw from messages m left join readings r on r.message = m.id"
    " where m.raw is not null and r.status is null"
)


def stored_mails(database: sqlite_utils.Database, after: int, limit: int) -> tuple[Unread, ...]:
    """The next mails whose raw bytes are still kept, by id; for reading everything again."""
    rows = database.conn.execute(
        "select id, raw from messages where id > ? and raw is not null order by id limit ?", (after, limit)
    )
    return tuple(Unread(message, raw) for message, raw in rows)


def reduce_old_mails(connection: sqlite3.Connection, keep_days: int, now: datetime) -> tuple[int, ...]:
    """Delete bytes, subject and the text of the parts of mails stored more than `keep_days` ago that were understood.

    Returns the mails. Their hashes stay, so that neither the mail nor its quotes are taken for new ones; people stay,
    so that their names are known to redaction.
    """
    rows = connection.execute(
        "select m.id from messages m join readings r on r.message = m.id where m.captured_at < ?"
        " and (r.status = 'ignored' or (r.status = 'accepted' and (r.harvested = 1 or r.reduced_at is not null)))"
        " and (m.raw is not null or exists (select 1 from parts p where p.message = m.id and p.text <> ''))"
        " order by m.id",
        (utc_text(now - timedelta(days=keep_days)),),
    )
    old = tuple(message for (message,) in rows)
    connection.executemany("update messages set raw = null where id = ?", ((one,) for one in old))
    connection.executemany("update parts set text = '', label = '' where message = ?", ((one,) for one in old))
    connection.executemany(
        "update readings set subject = '', reduced_at = coalesce(reduced_at, ?) where message = ?",
        ((utc_text(now), one) for one in old),
    )
    return old


def store_failure(
    connection: sqlite3.Connection, message: int, failure: FailedReading, version: str, tries: int
) -> None:
    """Set a mail aside as failed; it stays stored and is counted."""
    released = _was_released(connection, message)
    _clear_reading(connection, message)
    connection.execute(
        "insert into readings (message, version, tries, status, reason, released) values (?, ?, ?, ?, ?, ?)",
        (message, version, tries, Status.FAILED, failure.reason, released),
    )


def store_reading(
    connection: sqlite3.Connection,
    message: int,
    reading: Reading,
    *,
    version: str,
    place: Place,
) -> None:
    """Keep what was understood of one mail; replaces what an earlier version understood of it.

    Of an excluded mail nothing stays but its Message-ID: neither bytes nor subject, people or parts.
    """
    released = _was_released(connection, message)
    _clear_reading(connection, message)
    mail, verdict = reading.mail, reading.verdict
    excluded = verdict.status is Status.EXCLUDED
    status = Status.ACCEPTED if verdict.status is Status.QUARANTINED and released else verdict.status
    connection.execute(
        "insert into readings (message, version, status, reason, kind, message_id, in_reply_to, refs, thread,"
        " duplicate_of, subject, sent_at, colleague, company, team, released)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message,
            version,
            status,
            verdict.reason,
            verdict.kind,
            mail.message_id,
            json.dumps(() if excluded else mail.in_reply_to),
            json.dumps(() if excluded else mail.references),
            None if excluded else place.thread,
            place.duplicate_of,
            None if excluded else mail.subject,
            None if excluded else utc_text(mail.sent_at),
            None if excluded else verdict.colleague,
            None if excluded else verdict.company,
            "" if excluded else reading.team,
            released,
        ),
    )
    if excluded:
        connection.execute("update messages set raw = null where id = ?", (message,))
        return
    _store_people(connection, message, reading)
    connection.executemany(
        "insert into parts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_part_row(message, position, part) for position, part in enumerate(reading.parts)],
    )
    connection.executemany(
        "insert into links values (?, ?, ?)", [(message, link.url, link.text) for link in reading.links]
    )
    connection.executemany(
        "insert into attachments values (?, ?, ?, ?)",
        [(message, a.file_name, a.content_type, a.size) for a in mail.attachments],
    )


def load_parts(database: sqlite_utils.Database, message: int) -> tuple[Part, ...]:
    """The parts of a mail in reading order."""
    rows = database.conn.execute(
        "select role, text, author, author_name, sent_at, depth, label, answers, author_kind"
        " from parts where message = ? order by position",
        (message,),
    )
    return tuple(
        Part(
            role=Role(role),
            text=text,
            author=author,
            author_name=author_name,
            sent_at=datetime.fromisoformat(sent_at) if sent_at else None,
            depth=depth,
            label=label,
            answers=answers,
            author_kind=author_kind,
        )
        for role, text, author, author_name, sent_at, depth, label, answers, author_kind in rows
    )


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A mail that waits for a person. sent_at: ISO 8601, UTC."""

    message: int
    reason: str
    sender: str
    subject: str
    sent_at: str


def quarantined_mails(database: sqlite_utils.Database) -> tuple[Quarantined, ...]:
    """The mails in quarantine, oldest first."""
    rows = database.conn.execute(
        "select r.message, coalesce(r.reason, ''), coalesce((select min(address) from people p"
        " where p.message = r.message and p.field = 'from'), ''), coalesce(r.subject, ''), coalesce(r.sent_at, '')"
        " from readings r where r.status = 'quarantined' order by r.message"
    )
    return tuple(Quarantined(*row) for row in rows)


def release_mail(database: sqlite_utils.Database, message: int) -> None:
    """Let a mail out of quarantine; it counts from the next `analyze` on, also when it is read again."""
    _settle_quarantined(database, message, "status = 'accepted', released = 1, harvested = 0")


def drop_mail(database: sqlite_utils.Database, message: int) -> None:
    """Put a quarantined mail aside for good; its bytes are deleted, its hash stays so that it is not stored again."""
    _settle_quarantined(database, message, "status = 'ignored', reason = 'dropped by a person'")
    with transaction(database) as connection:
        connection.execute("update messages set raw = null where id = ?", (message,))
        for table in ("people", "parts", "links", "attachments"):
            connection.execute(f"delete from {table} where message = ?", (message,))


def _settle_quarantined(database: sqlite_utils.Database, message: int, changes: str) -> None:
    with transaction(database) as connection:
        cursor = connection.execute(
            f"update readings set {changes} where message = ? and status = 'quarantined'", (message,)
        )
    if not cursor.rowcount:
        raise UsageError(f"mail {message} is not in quarantine; `answers quarantine list` shows what is")


def start_run(database: sqlite_utils.Database, verb: str, now: datetime) -> int:
    """Note that a command began; `status` tells when it last did and how it ended."""
    with transaction(database) as connection:
        cursor = connection.execute(
            "insert into runs (verb, started_at, outcome) values (?, ?, 'running')", (verb, utc_text(now))
        )
        run: int | None = cursor.lastrowid
    assert run is not None
    return run


def end_run(database: sqlite_utils.Database, run: int, outcome: str, detail: str, now: datetime) -> None:
    """Note how a command ended. detail: one sentence or counts, no addresses."""
    with transaction(database) as connection:
        connection.execute(
            "update runs set ended_at = ?, outcome = ?, detail = ? where id = ?", (utc_text(now), outcome, detail, run)
        )


@contextmanager
def noted_run(database: sqlite_utils.Database, verb: str, clock: Callable[[], datetime]) -> Iterator[list[str]]:
    """Note the run and how it ended; what is appended to the list becomes its detail (counts, no addresses)."""
    run = start_run(database, verb, clock())
    detail: list[str] = []
    try:
        yield detail
    except AnswersError as error:
        end_run(database, run, "failed", type(error).__name__, clock())
        raise
    end_run(database, run, "done", ", ".join(detail), clock())


def _store_message(connection: sqlite3.Connection, mail: RawMail, now: datetime) -> tuple[int, bool]:
    cursor = connection.execute(
        "insert into messages (sha256, raw, size, received_at, captured_at) values (?, ?, ?, ?, ?)"
        " on conflict (sha256) do nothing",
        (mail.sha256, mail.raw, len(mail.raw), utc_text(mail.received_at), utc_text(now)),
    )
    is_new = cursor.rowcount == 1
    message: int = connection.execute("select id from messages where sha256 = ?", (mail.sha256,)).fetchone()[0]
    return message, is_new


def _store_capture(
    connection: sqlite3.Connection, message: int, mail: RawMail, now: datetime, forgotten: Tombstones | None
) -> None:
    if isinstance(mail.origin, ImapOrigin):
        origin = mail.origin
        connection.execute(
            "insert into captures (message, host, folder, uidvalidity, uid, captured_at) values (?, ?, ?, ?, ?, ?)"
            " on conflict (host, folder, uidvalidity, uid) do nothing",
            (message, origin.host, origin.folder, origin.uidvalidity, origin.uid, utc_text(now)),
        )
        return
    path = None if forgotten and forgotten.holds(str(mail.origin)) else str(mail.origin)
    if not connection.execute("select 1 from captures where message = ? and path is ?", (message, path)).fetchone():
        connection.execute(
            "insert into captures (message, path, captured_at) values (?, ?, ?)", (message, path, utc_text(now))
        )


def _clear_reading(connection: sqlite3.Connection, message: int) -> None:
    for table in ("readings", "people", "parts", "links", "attachments"):
        connection.execute(f"delete from {table} where message = ?", (message,))


def _was_released(connection: sqlite3.Connection, message: int) -> bool:
    row = connection.execute("select released from readings where message = ?", (message,)).fetchone()
    return bool(row and row[0])


def _store_people(connection: sqlite3.Connection, message: int, reading: Reading) -> None:
    mail = reading.mail
    outsiders = frozenset(reading.verdict.prospects)
    fields = (("from", (mail.sender,) if mail.sender else ()), ("to", mail.to), ("cc", mail.cc))
    connection.executemany(
        "insert into people values (?, ?, ?, ?, ?)",
        [
            (message, field, person.address, person.name, person.address not in outsiders)
            for field, people in fields
            for person in people
        ],
    )


def _part_row(message: int, position: int, part: Part) -> tuple[object, ...]:
    return (
        message,
        position,
        part.role,
        part.label,
        part.author,
        part.author_name,
        part.author_kind,
        part.sent_at.isoformat(timespec="seconds") if part.sent_at else None,
        part.depth,
        part.answers,
        part.text,
        text_hash(part.text),
    )
