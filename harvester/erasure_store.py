"""Takes out of every table what was found of somebody, and looks once more at every text that is left."""

import json
import secrets
import sqlite3
from datetime import datetime
from typing import Any

from harvester.database import utc_text
from harvester.finding_store import Finding
from harvester.forgetting import Tombstones, Traces, decoded_forms
from harvester.tombstone_store import add_tombstone, put_stone

# Rows that must stay for the program to know what it did; only what names somebody is taken out of them.
KEPT_ROWS = frozenset(
    ("messages", "captures", "mailboxes", "readings", "insights", "topics", "outbox", "decisions", "runs", "engine")
)
# Our own published pages are no mail; vectors and the index hold no text of their own.
NOT_SWEPT = ("pages", "page_", "vectors", "insights_search", "sqlite_", "schema_migrations", "tombstones", "erasures")


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


def _erase_mail(
    connection: sqlite3.Connection, message: int, tombstones: Tombstones, erasure: int, now: datetime
) -> None:
    sha256 = connection.execute("select sha256 from messages where id = ?", (message,)).fetchone()[0]
    row = connection.execute("select message_id from readings where message = ?", (message,)).fetchone()
    add_tombstone(connection, tombstones, "bytes", sha256, erasure)
    if row and row[0]:
        add_tombstone(connection, tombstones, "copy", row[0].strip("<> "), erasure)
    for table in ("people", "parts", "links", "attachments", "readings"):
        connection.execute(f"delete from {table} where message = ?", (message,))
    connection.execute("update readings set duplicate_of = null where duplicate_of = ?", (message,))
    connection.execute("update captures set path = null where message = ?", (message,))
    put_stone(connection, message, tombstones, sha256, now)


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
