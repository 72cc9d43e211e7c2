"""A copy of the database to work on before anything is decided, and the way back of what was changed in it.

The copy has no name: whatever ends the process, nothing of it is left. Decides nothing about what it carries.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlite_utils

from harvester.database import FULL_SENTENCE, is_disk_full
from harvester.errors import DiskFull

Key = tuple[Any, ...]
Rows = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One that is carried over. key: the columns that tell its rows apart.

    is_list: several rows of one key belong together, in the order in which they were stored.
    """

    name: str
    key: tuple[str, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """What a key holds here and there; nothing where it is missing. Rows as the table has its columns."""

    key: Key
    here: Rows
    there: Rows


@contextmanager
def open_draft(database: sqlite_utils.Database) -> Iterator[sqlite_utils.Database]:
    """A copy of everything as it is now. Others go on reading and writing the original; the copy is gone at the end."""
    folder = _folder_of(database)
    handle, name = tempfile.mkstemp(prefix=".draft-", dir=folder)  # mode 0600
    os.close(handle)
    try:
        connection = sqlite3.connect(name, isolation_level=None)
        try:
            _hide(connection, Path(name))
            database.conn.backup(connection)
            connection.execute("pragma foreign_keys = on")
            yield sqlite_utils.Database(connection)
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        if is_disk_full(error, folder):
            raise DiskFull(FULL_SENTENCE) from error
        raise
    finally:
        _remove(Path(name))


def _hide(connection: sqlite3.Connection, path: Path) -> None:
    """Take its name away while it is empty and open; SQLite keeps both files until the connection ends."""
    # Before anything is in it: SQLite could no longer open a log for a file that has no name.
    connection.executescript("pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = off;")
    connection.execute("create table hidden (number)")
    _remove(path)


def _remove(path: Path) -> None:
    for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        one.unlink(missing_ok=True)


def find_differences(here: sqlite3.Connection, there: sqlite3.Connection, table: Table) -> Iterator[Difference]:
    """Walk through both tables by key; equal rows are passed over."""
    ours, theirs = _rows_by_key(here, table), _rows_by_key(there, table)
    one, other = next(ours, None), next(theirs, None)
    while one or other:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield Difference(one[0], one[1], ())
            one = next(ours, None)
        elif one is None or other[0] < one[0]:
            yield Difference(other[0], (), other[1])
            other = next(theirs, None)
        else:
            if one[1] != other[1]:
                yield Difference(one[0], one[1], other[1])
            one, other = next(ours, None), next(theirs, None)


def carry_over(
    draft: sqlite3.Connection, connection: sqlite3.Connection, tables: Sequence[Table], found: dict[str, list[Key]]
) -> None:
    """Make these keys of the tables as they are in the draft, inside the caller's transaction.

    tables: those that others point to first. found: table -> keys that differ.
    """
    for table in reversed(tables):
        for key in found.get(table.name, ()):
            if table.is_list or not _read(draft, table, key):
                connection.execute(f"delete from {table.name} where {_condition(table)}", key)
    for table in tables:
        for key in found.get(table.name, ()):
            _bring(connection, table, key, _read(draft, table, key))


def columns_of(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """Their names, in order."""
    return tuple(row[1] for row in connection.execute(f"pragma table_info({table})"))


def _bring(connection: sqlite3.Connection, table: Table, key: Key, rows: Rows) -> None:
    if not rows:
        return
    marks = ", ".join("?" * len(rows[0]))
    known = () if table.is_list else _read(connection, table, key)
    if not known:
        connection.executemany(f"insert into {table.name} values ({marks})", rows)
        return
    # Only what differs: a trigger that watches a column must not see it change when it does not.
    names = columns_of(connection, table.name)
    changed = [place for place in range(len(names)) if rows[0][place] != known[0][place]]
    if changed:
        settings = ", ".join(f"{names[place]} = ?" for place in changed)
        values = [rows[0][place] for place in changed]
        connection.execute(f"update {table.name} set {settings} where {_condition(table)}", (*values, *key))


def _rows_by_key(connection: sqlite3.Connection, table: Table) -> Iterator[tuple[Key, Rows]]:
    names = columns_of(connection, table.name)
    places = [names.index(name) for name in table.key]
    order = ", ".join((*table.key, *(("rowid",) if table.is_list else ())))
    rows = connection.execute(f"select * from {table.name} order by {order}")
    for key, group in groupby(rows, key=lambda row: tuple(row[place] for place in places)):
        yield key, tuple(group)


def _read(connection: sqlite3.Connection, table: Table, key: Key) -> Rows:
    order = " order by rowid" if table.is_list else ""
    return tuple(connection.execute(f"select * from {table.name} where {_condition(table)}{order}", key).fetchall())


def _condition(table: Table) -> str:
    return " and ".join(f"{name} = ?" for name in table.key)


def _folder_of(database: sqlite_utils.Database) -> Path:
    file = database.conn.execute("select file from pragma_database_list where name = 'main'").fetchone()[0]
    return Path(file).parent if file else Path(tempfile.gettempdir())
