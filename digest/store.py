"""The SQL of what goes out: the outbox of digests and the alarms for the owner. Decides nothing, sends nothing."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlite_utils import Database

from digest.records import Digest, ExecutiveNote, OutgoingMail, TopicLine
from harvester.database import transaction, utc_text

# skipped: composed and found to have nothing to say, so that the week is not asked again every minute.
State = Literal["frozen", "sending", "sent", "unknown", "failed", "skipped"]
COLUMNS = (
    "id, audience, week, message_id, recipients, pending, mail, state, state_at, covers_from, covers_until, detail"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the outbox. mail: the frozen bytes.

    pending: whom the attempt in hand serves, else the next one. later: whom the mail server put off in the attempt in
    hand; they are served once that is known to have succeeded.
    """

    id: int
    audience: str
    week: str
    message_id: str
    recipients: tuple[str, ...]
    pending: tuple[str, ...]
    mail: bytes
    state: State
    state_at: datetime
    covers_from: datetime | None
    covers_until: datetime
    detail: str
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """A trouble that the owner should know. told_at: when he was told. over_at: when it was over."""

    key: str
    sentence: str
    raised_at: datetime
    told_at: datetime | None
    over_at: datetime | None


def load_entries(database: Database, audience: str) -> tuple[Entry, ...]:
    """Everything composed for an audience, oldest first."""
    rows = database.conn.execute(
        f"select {COLUMNS} from outbox where audience = ? order by covers_until, id", (audience,)
    )
    return tuple(_entry(row) for row in rows)


def load_all_entries(database: Database) -> tuple[Entry, ...]:
    """Everything composed for anybody, oldest first."""
    rows = database.conn.execute(f"select {COLUMNS} from outbox order by covers_until, id")
    return tuple(_entry(row) for row in rows)


def find_entry(database: Database, audience: str, week: str) -> Entry | None:
    """What was composed for that week."""
    row = database.conn.execute(
        f"select {COLUMNS} from outbox where audience = ? and week = ?", (audience, week)
    ).fetchone()
    return _entry(row) if row else None


def freeze_digest(database: Database, digest: Digest | ExecutiveNote, mail: OutgoingMail, now: datetime) -> Entry:
    """Keep the final bytes before the first one is sent. A week found empty before may be filled; no other may."""
    covers_from = utc_text(digest.news.since) if digest.news.since else ""
    with transaction(database) as connection:
        connection.execute(
            "delete from outbox where audience = ? and week = ? and state = 'skipped'", (digest.audience, digest.week)
        )
        connection.execute(
            "insert into outbox (audience, week, message_id, recipients, pending, mail, state, state_at, covers_from,"
            " covers_until) values (?, ?, ?, ?, ?, ?, 'frozen', ?, ?, ?)",
            (
                digest.audience,
                digest.week,
                mail.message_id,
                json.dumps(mail.recipients),
                json.dumps(mail.recipients),
                mail.raw,
                utc_text(now),
                covers_from,
                utc_text(digest.news.until),
            ),
        )
        entry = _load(connection, digest.audience, digest.week)
        connection.executemany(
            "insert or ignore into outbox_topics values (?, ?, ?, ?, ?, ?)", _topic_rows(entry, digest)
        )
    return entry


def note_skipped(database: Database, audience: str, week: str, message_id: str, until: datetime) -> None:
    """Remember that there was nothing to say when this week's digest was due."""
    with transaction(database) as connection:
        connection.execute(
            "insert or ignore into outbox (audience, week, message_id, recipients, mail, state, state_at, covers_from,"
            " covers_until) values (?, ?, ?, '[]', x'', 'skipped', ?, '', ?)",
            (audience, week, message_id, utc_text(until), utc_text(until)),
        )


def change_state(
    database: Database,
    entry: Entry,
    state: State,
    now: datetime,
    *,
    detail: str = "",
    pending: tuple[str, ...] | None = None,
    later: tuple[str, ...] | None = None,
) -> bool:
    """Move an entry on. False, and nothing changes, when somebody else has moved it since `entry` was read.

    pending, later: stay as they are unless given.
    """
    with transaction(database) as connection:
        cursor = connection.execute(
            "update outbox set state = ?, state_at = ?, detail = ?, pending = ? where id = ? and state = ?",
            (
                state,
                utc_text(now),
                detail,
                _waiting_text(entry.pending if pending is None else pending, entry.later if later is None else later),
                entry.id,
                entry.state,
            ),
        )
        return cursor.rowcount == 1


def is_in_mailbox(database: Database, message_id: str) -> bool:
    """Whether a captured mail carries this Message-ID: the receipt for a digest that went out."""
    bare = message_id.strip("<>")
    row = database.conn.execute(
        "select 1 from readings where message_id in (?, ?) limit 1", (bare, f"<{bare}>")
    ).fetchone()
    return row is not None


def suggested_topics(database: Database, audience: str) -> tuple[int, ...]:
    """The topics that the last digest which went out told to write."""
    rows = database.conn.execute(
        "select topic from outbox_topics where block = 'write-next' and outbox ="
        " (select id from outbox where audience = ? and state in ('sent', 'unknown')"
        " order by covers_until desc limit 1)",
        (audience,),
    )
    return tuple(topic for (topic,) in rows)


def load_alarms(database: Database) -> tuple[Alarm, ...]:
    """All that is wrong or was until the owner is told so, oldest first."""
    rows = database.conn.execute(
        "select key, sentence, raised_at, told_at, over_at from alarms order by raised_at, key"
    )
    return tuple(
        Alarm(key, sentence, datetime.fromisoformat(raised), _moment(told), _moment(over))
        for key, sentence, raised, told, over in rows
    )


def raise_alarm(database: Database, key: str, sentence: str, now: datetime) -> None:
    """Note a trouble; one that is known already only gets its newest sentence."""
    with transaction(database) as connection:
        connection.execute(
            "insert into alarms (key, sentence, raised_at) values (?, ?, ?) on conflict (key) do update set"
            " sentence = excluded.sentence, over_at = null",
            (key, sentence, utc_text(now)),
        )


def end_alarm(database: Database, key: str, now: datetime) -> None:
    """Note that a trouble is over; one that nobody was told of is forgotten."""
    with transaction(database) as connection:
        connection.execute("delete from alarms where key = ? and told_at is null", (key,))
        connection.execute("update alarms set over_at = ? where key = ? and over_at is null", (utc_text(now), key))


def require_room(database: Database, alarm: Alarm) -> None:
    """Raise DiskFull when it could not be noted that the owner was told: he would be told again and again."""
    with transaction(database) as connection:
        connection.execute("update alarms set sentence = sentence where key = ?", (alarm.key,))


def note_told(database: Database, alarm: Alarm, now: datetime) -> None:
    """The owner has heard of the trouble, or of its end (which closes it)."""
    with transaction(database) as connection:
        if alarm.over_at:
            connection.execute("delete from alarms where key = ? and over_at is not null", (alarm.key,))
        else:
            connection.execute("update alarms set told_at = ? where key = ?", (utc_text(now), alarm.key))


def note_unsure(database: Database, alarm: Alarm, now: datetime) -> None:
    """It cannot be told whether the owner has heard of the trouble."""
    with transaction(database) as connection:
        connection.execute(
            "insert into runs (verb, started_at, ended_at, outcome, detail) values ('notice', ?, ?, 'unknown', ?)",
            (utc_text(now), utc_text(now), alarm.key),
        )


def last_unsure(database: Database, alarm: Alarm) -> datetime | None:
    """When the last note about this trouble was sent of which nobody can tell whether it went out."""
    (moment,) = database.conn.execute(
        "select max(started_at) from runs where verb = 'notice' and outcome = 'unknown' and detail = ?"
        " and started_at >= ?",
        (alarm.key, utc_text(alarm.raised_at)),
    ).fetchone()
    return _moment(moment)


def _topic_rows(entry: Entry, digest: Digest | ExecutiveNote) -> Iterable[tuple[int, int, int, str, int, int]]:
    blocks: tuple[tuple[str, tuple[TopicLine, ...]], ...]
    if isinstance(digest, ExecutiveNote):
        blocks = (("note", digest.topics),)
    else:
        blocks = (
            ("write-next", (digest.write_next,) if digest.write_next else ()),
            ("top", digest.top),
            ("new", digest.new),
        )
    for block, lines in blocks:
        for line in lines:
            yield entry.id, int(line.id.removeprefix("T-")), line.rank, block, line.companies, line.companies_before


def _load(connection: sqlite3.Connection, audience: str, week: str) -> Entry:
    return _entry(
        connection.execute(f"select {COLUMNS} from outbox where audience = ? and week = ?", (audience, week)).fetchone()
    )


def _entry(row: tuple[object, ...]) -> Entry:
    number, audience, week, message_id, recipients, pending, mail, state, state_at, since, until, detail = row
    waiting = json.loads(str(pending))
    return Entry(
        id=int(str(number)),
        audience=str(audience),
        week=str(week),
        message_id=str(message_id),
        recipients=tuple(json.loads(str(recipients))),
        pending=tuple(waiting["now"] if isinstance(waiting, dict) else waiting),
        mail=mail if isinstance(mail, bytes) else b"",
        state=state,  # type: ignore[arg-type]
        state_at=datetime.fromisoformat(str(state_at)),
        covers_from=_moment(str(since) or None),
        covers_until=datetime.fromisoformat(str(until)),
        detail=str(detail),
        later=tuple(waiting["later"]) if isinstance(waiting, dict) else (),
    )


def _waiting_text(pending: tuple[str, ...], later: tuple[str, ...]) -> str:
    return json.dumps({"now": pending, "later": later} if later else pending)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
