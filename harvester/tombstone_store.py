"""The SQL of tombstones: whom we are to forget, as salted hashes, how far each erasure got, and what is kept out."""

import secrets
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from harvester.database import utc_text
from harvester.forgetting import Kind, Target, Tombstones, own_message_id

SALT_KEY = "tombstone_salt"
REASON = "forgotten on request"
VERSION = "forgotten"


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


def is_kept_out(tombstones: Tombstones, sha256: str, raw: bytes) -> bool:
    """Whether a mail that comes in is one that was erased, or speaks of somebody who was."""
    return (
        tombstones.covers("bytes", sha256)
        or tombstones.covers_message_id(own_message_id(raw))
        or tombstones.holds_raw(raw)
    )


def keep_out(connection: sqlite3.Connection, tombstones: Tombstones, sha256: str, now: datetime) -> int:
    """The row of a mail that must not come in: it tells that the server's copy was seen, nothing else."""
    name = _stone_name(tombstones, sha256)
    connection.execute(
        "insert into messages (sha256, size, captured_at) values (?, 0, ?) on conflict (sha256) do nothing",
        (name, utc_text(now)),
    )
    message = int(connection.execute("select id from messages where sha256 = ?", (name,)).fetchone()[0])
    _note_forgotten(connection, message, now)
    return message


def put_stone(connection: sqlite3.Connection, message: int, tombstones: Tombstones, sha256: str, now: datetime) -> None:
    """Leave of the row of a stored mail only that there was one. What was read of it must be gone before."""
    connection.execute(
        "update messages set sha256 = ?, raw = null, size = 0, received_at = null where id = ?",
        (_stone_name(tombstones, sha256), message),
    )
    _note_forgotten(connection, message, now)


def add_tombstone(connection: sqlite3.Connection, tombstones: Tombstones, kind: Kind, value: str, erasure: int) -> None:
    """Have something kept out from now on that was erased with what was asked for."""
    connection.execute(
        "insert into tombstones values (?, ?, ?) on conflict (digest) do nothing",
        (tombstones.digest(kind, value), kind, erasure),
    )


def _stone_name(tombstones: Tombstones, sha256: str) -> str:
    """What stands where the hash of the bytes stood."""
    return f"forgotten:{tombstones.digest('bytes', sha256)}"


def _note_forgotten(connection: sqlite3.Connection, message: int, now: datetime) -> None:
    connection.execute(
        "insert into readings (message, version, status, reason, reduced_at) values (?, ?, 'excluded', ?, ?)"
        " on conflict (message) do nothing",
        (message, VERSION, REASON, utc_text(now)),
    )
