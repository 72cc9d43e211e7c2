"""The SQL of forgetting: finds the mails of somebody and what others say about them, and takes it out of every table.

Works from salted hashes alone, so that an erasure that was cut off, or an older backup, is gone over the same way.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from harvester.database import utc_text
from harvester.forgetting import (
    Kind,
    Target,
    Tombstones,
    Traces,
    decoded_forms,
    full_names,
    own_message_id,
    sentences_of,
)

SALT_KEY = "tombstone_salt"
REASON = "forgotten on request"
FORGOTTEN = "forgotten:"  # before the salted hash that stands where the hash of the bytes stood
VERSION = "forgotten"
# Rows that must stay for the program to know what it did; only what names somebody is taken out of them.
KEPT_ROWS = frozenset(
    ("messages", "captures", "mailboxes", "readings", "insights", "topics", "outbox", "decisions", "runs", "engine")
)
# Our own published pages are no mail; vectors and the index hold no text of their own.
NOT_SWEPT = ("pages", "page_", "vectors", "insights_search", "sqlite_", "schema_migrations", "tombstones", "erasures")
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be erased. gone: mails as a whole. touched: mails of others -> the parts that speak of it.

    traces: how to recognise it elsewhere. thread_keys: Message-IDs of what goes, which may name conversations.
    """

    gone: frozenset[int]
    touched: Mapping[int, frozenset[int]]
    traces: Traces
    thread_keys: frozenset[str]


def load_tombstones(connection: sqlite3.Connection, erasure: int | None = None) -> Tombstones | None:
    """Whom we are to forget, by one erasure or by all; None when nobody ever asked."""
    condition, arguments = ("where erasure = ?", (erasure,)) if erasure is not None else ("", ())
    rows = connection.execute(f"select digest, kind from tombstones {condition}", arguments).fetchall()
    if not rows:
        return None
    return Tombstones(
        load_salt(connection), frozenset(digest for digest, _ in rows), frozenset(kind for _, kind in rows)
    )


def load_salt(connection: sqlite3.Connection) -> bytes:
    """The salt of all tombstones; made when first asked for, inside a transaction."""
    row = connection.execute("select value from engine where key = ?", (SALT_KEY,)).fetchone()
    if row:
        return bytes(row[0])
    salt = secrets.token_bytes(32)
    if connection.in_transaction:
        connection.execute("insert into engine (key, value) values (?, ?)", (SALT_KEY, salt))
    return salt


def begin_erasure(connection: sqlite3.Connection, target: Target, now: datetime) -> int:
    """Put up the tombstone: from here on nothing comes in again, and a crash is made good by the next command."""
    digest = Tombstones(load_salt(connection), frozenset(), frozenset()).digest(target.kind, target.value)
    cursor = connection.execute("insert into erasures (kind, asked_at) values (?, ?)", (target.kind, utc_text(now)))
    assert cursor.lastrowid is not None
    connection.execute(
        "insert into tombstones values (?, ?, ?) on conflict (digest) do update set erasure = excluded.erasure",
        (digest, target.kind, cursor.lastrowid),
    )
    return cursor.lastrowid


def unfinished_erasures(connection: sqlite3.Connection) -> tuple[tuple[int, bool], ...]:
    """(erasure, whether it is out of the tables) of what was begun and not ended."""
    rows = connection.execute("select id, erased_at is not null from erasures where finished_at is null order by id")
    return tuple((erasure, bool(erased)) for erasure, erased in rows)


def has_unfinished(path: Path) -> bool:
    """A quick look, without anything that takes time to load."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(unfinished_erasures(connection))
    except sqlite3.Error:  # an older schema, or not readable: the command itself will say so
        return False


def finish_erasure(connection: sqlite3.Connection, erasure: int, now: datetime) -> None:
    """Note that nothing is left to do."""
    connection.execute("update erasures set finished_at = ? where id = ?", (utc_text(now), erasure))


def is_own_message_id(connection: sqlite3.Connection, text: str) -> bool:
    """Whether a stored mail bears this Message-ID."""
    bare = text.strip().strip("<>")
    row = connection.execute(
        "select 1 from readings where message_id in (?, ?) limit 1", (bare, f"<{bare}>")
    ).fetchone()
    return row is not None


# ---------------------------------------------------------------- finding
def find_traces(connection: sqlite3.Connection, tombstones: Tombstones, progress: Progress) -> Finding:
    """Look through everything that is stored. progress: gets the number of mails just looked at."""
    addresses = frozenset(
        address
        for (address,) in connection.execute(
            "select address from people union select author from parts union select colleague from readings"
        )
        if address and tombstones.covers_address(address)
    )
    gone = _mails_of(connection, tombstones, addresses)
    said = _said_in(connection, gone, None if "message" in tombstones.kinds else addresses)
    traces = Traces(tombstones, _names_of(connection, addresses), said)
    keys = _message_ids(connection, gone)
    related = _related(connection, gone, keys) if "message" in tombstones.kinds else None
    touched: dict[int, frozenset[int]] = {}
    for message, raw in _others(connection, gone):
        progress(1)
        marked = _marked_parts(connection, message, traces, related is None or message in related)
        if raw is not None and tombstones.holds_raw(raw):
            if not _is_understood(connection, message):
                gone.add(message)
                continue
            touched[message] = marked
        elif marked or _is_mentioned(connection, message, traces):
            touched[message] = marked
    return Finding(frozenset(gone), touched, traces, keys | _message_ids(connection, gone))


def find_quotes(connection: sqlite3.Connection, finding: Finding, traces: Traces) -> Finding:
    """Add what quotes a few words only: our own digests that came back into the mailbox, and what else was ignored.

    traces: with the windows of what was asked. Nothing is lost with such passages: no insight comes from these mails.
    """
    touched = dict(finding.touched)
    rows = connection.execute(
        "select r.message, coalesce(r.subject, ''), m.raw from readings r join messages m on m.id = r.message"
        " where r.status = 'ignored' order by r.message"
    )
    for message, subject, raw in rows:
        parts = connection.execute("select position, text from parts where message = ?", (message,)).fetchall()
        marked = frozenset(position for position, text in parts if traces.mark_quote(text))
        is_quoted = traces.mark_quote(subject) or any(traces.mark_quote(form) for form in decoded_forms(raw or b""))
        if message not in finding.gone and (marked or is_quoted):
            touched[message] = touched.get(message, frozenset()) | marked
    return replace(finding, touched=touched, traces=traces)


def count_mails(connection: sqlite3.Connection) -> int:
    """How many mails `find_traces` looks at."""
    count: int = connection.execute("select count(*) from messages").fetchone()[0]
    return count


def _mails_of(connection: sqlite3.Connection, tombstones: Tombstones, addresses: frozenset[str]) -> set[int]:
    gone: set[int] = set()
    for query in (
        "select message, address from people",
        "select message, colleague from readings where colleague is not null",
    ):
        gone |= {message for message, address in connection.execute(query) if address in addresses}
    theirs: set[int] = set()
    others: set[int] = set()
    for message, author in connection.execute(
        "select distinct message, author from parts where author is not null and author_kind <> 'us'"
    ):
        (theirs if author in addresses else others).add(message)
    gone |= theirs - others  # nobody else from outside is quoted in them
    for message, message_id, company in connection.execute("select message, message_id, company from readings"):
        is_meant = message_id is not None and tombstones.covers_message_id(message_id)
        if is_meant or (company is not None and tombstones.covers_company(company)):
            gone.add(message)
    for message, sha256 in connection.execute("select id, sha256 from messages where raw is not null"):
        if tombstones.covers("bytes", sha256):
            gone.add(message)
    # The same mail captured twice goes twice.
    for message, original in connection.execute(
        "select message, duplicate_of from readings where duplicate_of is not null"
    ).fetchall():
        if message in gone or original in gone:
            gone |= {message, original}
    forgotten = connection.execute("select message from readings where reason = ? and version = ?", (REASON, VERSION))
    return gone - {message for (message,) in forgotten}


def _said_in(connection: sqlite3.Connection, gone: set[int], authors: frozenset[str] | None) -> frozenset[str]:
    """What the forgotten wrote in whatever mail; authors: None for what a single mail newly said."""
    sentences: set[str] = set()
    for message, role, kind, author, text in connection.execute(
        "select message, role, author_kind, author, text from parts"
        " where role not in ('signature', 'disclaimer', 'notice')"
    ):
        is_newly_said = message in gone and role in ("own", "forwarded")
        if is_newly_said if authors is None else author in authors and kind != "us":
            sentences |= sentences_of(text)
    return frozenset(sentences)


def _names_of(connection: sqlite3.Connection, addresses: frozenset[str]) -> frozenset[str]:
    """Their full names, unless somebody else bears the same."""
    query = (
        "select address, name from people union"
        " select author, author_name from parts where author is not null and author_name is not null"
    )
    theirs: set[str] = set()
    others: set[str] = set()
    for address, name in connection.execute(query):
        (theirs if address in addresses else others).add(name)
    return full_names(theirs) - full_names(others)


def _message_ids(connection: sqlite3.Connection, messages: set[int]) -> frozenset[str]:
    rows = connection.execute("select message, message_id from readings where message_id is not null")
    return frozenset(message_id for message, message_id in rows if message in messages)


def _related(connection: sqlite3.Connection, gone: set[int], keys: frozenset[str]) -> frozenset[int]:
    """The mails of the same conversations; only they are searched for what a single mail said."""
    rows = connection.execute(
        "select message, thread, coalesce(refs, '') || coalesce(in_reply_to, '') from readings"
    ).fetchall()
    threads = {thread for message, thread, _ in rows if message in gone and thread}
    return frozenset(
        message for message, thread, links in rows if thread in threads or any(key in links for key in keys)
    )


def _others(connection: sqlite3.Connection, gone: set[int]) -> Iterator[tuple[int, bytes | None]]:
    after = 0
    while rows := connection.execute(
        "select id, raw from messages where id > ? order by id limit 200", (after,)
    ).fetchall():
        after = rows[-1][0]
        yield from ((message, raw) for message, raw in rows if message not in gone)


def _is_understood(connection: sqlite3.Connection, message: int) -> bool:
    """Whether it was taken apart, so that what is said about somebody can be told from the rest."""
    row = connection.execute(
        "select exists (select 1 from readings where message = ?1 and status not in ('failed', 'excluded'))"
        " and exists (select 1 from parts where message = ?1)",
        (message,),
    ).fetchone()
    return bool(row[0])


def _marked_parts(connection: sqlite3.Connection, message: int, traces: Traces, may_repeat: bool) -> frozenset[int]:
    marked = set()
    for position, text, author, name, label in connection.execute(
        "select position, text, coalesce(author, ''), coalesce(author_name, ''), label from parts where message = ?",
        (message,),
    ):
        about = f"{text}\n{author}\n{name}\n{label}"
        if traces.tombstones.holds(about) or traces.names_one(about) or (may_repeat and traces.repeats(text)):
            marked.add(position)
    return frozenset(marked)


def _is_mentioned(connection: sqlite3.Connection, message: int, traces: Traces) -> bool:
    """In anything but a part: subject, names, links, files, Message-IDs."""
    return any(
        traces.tombstones.holds(text) or traces.names_one(text)
        for query in (
            "select coalesce(subject, '') || ' ' || coalesce(message_id, '') || ' ' || coalesce(in_reply_to, '')"
            " || ' ' || coalesce(refs, '') from readings where message = ?",
            "select name from people where message = ?",
            "select url || ' ' || text from links where message = ?",
            "select file_name from attachments where message = ?",
        )
        for (text,) in connection.execute(query, (message,)).fetchall()
    )


# ---------------------------------------------------------------- erasing
def erase_mails(connection: sqlite3.Connection, finding: Finding, erasure: int, now: datetime) -> None:
    """Take the mails out, and out of other people's mails what they say about them. Insights must be gone before."""
    tombstones = finding.traces.tombstones
    for message in sorted(finding.gone):
        _erase_mail(connection, message, tombstones, erasure, now)
    for message, positions in sorted(finding.touched.items()):
        _erase_passages(connection, message, positions, finding.traces, now)
    _rename_threads(connection, finding)
    connection.execute(
        "update erasures set mails = ?, passages = ?, erased_at = ? where id = ?",
        (len(finding.gone), len(finding.touched), utc_text(now), erasure),
    )


def keep_out(connection: sqlite3.Connection, tombstones: Tombstones, sha256: str, now: datetime) -> int:
    """The row of a mail that must not come in: it tells that the server's copy was seen, nothing else."""
    return _put_stone(connection, None, f"{FORGOTTEN}{tombstones.digest('bytes', sha256)}", now)


def is_kept_out(tombstones: Tombstones, sha256: str, raw: bytes) -> bool:
    """Whether a mail that comes in is one that was erased, or speaks of somebody who was."""
    return (
        tombstones.covers("bytes", sha256)
        or tombstones.covers_message_id(own_message_id(raw))
        or tombstones.holds_raw(raw)
    )


def _erase_mail(
    connection: sqlite3.Connection, message: int, tombstones: Tombstones, erasure: int, now: datetime
) -> None:
    sha256 = connection.execute("select sha256 from messages where id = ?", (message,)).fetchone()[0]
    row = connection.execute("select message_id from readings where message = ?", (message,)).fetchone()
    _add_tombstone(connection, tombstones, "bytes", sha256, erasure)
    if row and row[0]:
        _add_tombstone(connection, tombstones, "copy", row[0].strip("<> "), erasure)
    for table in ("people", "parts", "links", "attachments", "readings"):
        connection.execute(f"delete from {table} where message = ?", (message,))
    connection.execute("update readings set duplicate_of = null where duplicate_of = ?", (message,))
    connection.execute("update captures set path = null where message = ?", (message,))
    _put_stone(connection, message, f"{FORGOTTEN}{tombstones.digest('bytes', sha256)}", now)


def _put_stone(connection: sqlite3.Connection, message: int | None, name: str, now: datetime) -> int:
    if message is None:
        connection.execute(
            "insert into messages (sha256, size, captured_at) values (?, 0, ?) on conflict (sha256) do nothing",
            (name, utc_text(now)),
        )
        message = int(connection.execute("select id from messages where sha256 = ?", (name,)).fetchone()[0])
    else:
        connection.execute(
            "update messages set sha256 = ?, raw = null, size = 0, received_at = null where id = ?", (name, message)
        )
    connection.execute(
        "insert into readings (message, version, status, reason, reduced_at) values (?, ?, 'excluded', ?, ?)"
        " on conflict (message) do nothing",
        (message, VERSION, REASON, utc_text(now)),
    )
    return message


def _add_tombstone(
    connection: sqlite3.Connection, tombstones: Tombstones, kind: Kind, value: str, erasure: int
) -> None:
    connection.execute(
        "insert into tombstones values (?, ?, ?) on conflict (digest) do nothing",
        (tombstones.digest(kind, value), kind, erasure),
    )


def _erase_passages(
    connection: sqlite3.Connection, message: int, positions: frozenset[int], traces: Traces, now: datetime
) -> None:
    connection.execute("update messages set raw = null where id = ?", (message,))
    connection.executemany(
        "update parts set text = '', text_hash = '', author = null, author_name = null, label = ''"
        " where message = ? and position = ?",
        [(message, position) for position in positions],
    )
    for table, columns in (("links", "url || ' ' || text"), ("attachments", "file_name")):
        for rowid, text in connection.execute(
            f"select rowid, {columns} from {table} where message = ?", (message,)
        ).fetchall():
            if traces.mark(text):
                connection.execute(f"delete from {table} where rowid = ?", (rowid,))
    for rowid, name in connection.execute("select rowid, name from people where message = ?", (message,)).fetchall():
        if traces.mark(name):
            connection.execute("update people set name = '' where rowid = ?", (rowid,))
    subject, message_id, replies, refs = connection.execute(
        "select subject, message_id, in_reply_to, refs from readings where message = ?", (message,)
    ).fetchone()
    connection.execute(
        "update readings set subject = ?, message_id = ?, in_reply_to = ?, refs = ?,"
        " reduced_at = case when harvested = 1 then ? end where message = ?",
        (
            "" if subject and traces.mark_quote(subject) else subject,
            None if message_id and traces.tombstones.holds(f"<{message_id.strip('<>')}>") else message_id,
            _without_marked(replies, traces.tombstones),
            _without_marked(refs, traces.tombstones),
            utc_text(now),
            message,
        ),
    )


def _without_marked(links: str | None, tombstones: Tombstones) -> str | None:
    if not links:
        return links
    return json.dumps([one for one in json.loads(links) if not tombstones.holds(f"<{one.strip('<>')}>")])


def _rename_threads(connection: sqlite3.Connection, finding: Finding) -> None:
    """Conversations are named after their first Message-ID; those of the erased mails must not stand anywhere."""
    tombstones = finding.traces.tombstones
    bare = {key.strip("<>") for key in finding.thread_keys}

    def is_theirs(key: str) -> bool:
        return key.strip("<>") in bare or tombstones.covers_message_id(key) or tombstones.holds(f"<{key.strip('<>')}>")

    identifiers = connection.execute("select identifier, thread from thread_ids").fetchall()
    connection.executemany(
        "delete from thread_ids where identifier = ?", [(key,) for key, _ in identifiers if is_theirs(key)]
    )
    threads = connection.execute(
        "select thread from thread_ids union select thread from readings where thread is not null"
        " union select thread from insights"
    ).fetchall()
    for (thread,) in threads:
        if is_theirs(thread):
            renamed = f"conversation-{secrets.token_hex(12)}"
            for table in ("thread_ids", "readings", "insights"):
                connection.execute(f"update {table} set thread = ? where thread = ?", (renamed, thread))
    connection.execute(
        "delete from thread_ids where thread not in (select thread from readings where thread is not null)"
    )


# ---------------------------------------------------------------- what nobody thought of
def sweep(connection: sqlite3.Connection, traces: Traces) -> int:
    """Look once more at every text in every table, also in those that came later; returns how many were left.

    A row that still names somebody is deleted; of rows that must stay only the text goes.
    """
    found = 0
    tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
    for table in tables:
        if table.startswith(NOT_SWEPT):
            continue
        for column in _text_columns(connection, table):
            found += _sweep_column(connection, table, column, traces)
    return found


def _text_columns(connection: sqlite3.Connection, table: str) -> list[str]:
    kinds = ("text", "") if table in KEPT_ROWS else ("text", "", "blob")
    rows = connection.execute(f"pragma table_info({table})").fetchall()
    return [name for _, name, kind, *_ in rows if kind.lower() in kinds and (table, name) != ("parts", "text")]


def _sweep_column(connection: sqlite3.Connection, table: str, column: str, traces: Traces) -> int:
    rows = connection.execute(
        f"select rowid, {column} from {table} where typeof({column}) in ('text', 'blob') and {column} <> ''"
    ).fetchall()
    marked = [(rowid, value) for rowid, value in rows if _is_marked(value, traces, may_quote=table not in KEPT_ROWS)]
    for rowid, value in marked:
        if table not in KEPT_ROWS:
            try:
                connection.execute(f"delete from {table} where rowid = ?", (rowid,))
                continue
            except sqlite3.IntegrityError:  # something refers to it
                pass
        connection.execute(
            f"update or replace {table} set {column} = ? where rowid = ?", (_emptied(value, rowid, traces), rowid)
        )
    return len(marked)


def _is_marked(value: str | bytes, traces: Traces, *, may_quote: bool) -> bool:
    if isinstance(value, bytes):
        return any(traces.mark_quote(form) for form in decoded_forms(value))
    if may_quote:
        return traces.mark_quote(value)
    return traces.tombstones.holds(value) or traces.names_one(value)


def _emptied(value: str | bytes, rowid: int, traces: Traces) -> str:
    try:
        document: Any = json.loads(value)
    except ValueError:
        return f"forgotten {rowid}"
    if isinstance(document, list):
        return json.dumps([one for one in document if not traces.mark(str(one))])
    return "{}" if isinstance(document, dict) else f"forgotten {rowid}"
