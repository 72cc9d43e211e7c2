"""Opens the one SQLite file with the settings everything relies on, and brings its schema up to date.

Knows no table but its own list of migrations.
"""

import errno
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlite_utils

from harvester.errors import DatabaseError, DiskFull, TryLater
from harvester.private_files import keep_private

MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_TIMEOUT_SECONDS = 30
LEAST_FREE_BYTES = 65_536  # with less, the index of the log beside the database cannot grow
FULL_SENTENCE = (
    "the disk is full: nothing of this step was stored and nothing before it is lost; free some space, then the same"
    " command goes on where it stopped"
)


def open_database(path: Path) -> sqlite_utils.Database:
    """Open (or create, mode 0600) the database and run the migrations it still lacks, all of them or none."""
    is_new = not path.exists()
    try:
        if is_new:
            path.touch(mode=0o600)
        elif exposure := keep_private(path):
            raise DatabaseError(f"{path}: {exposure}")
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
        _use_write_ahead_log(connection)
        connection.executescript("pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on;")
        database = sqlite_utils.Database(connection)
        _migrate(database, path)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise TryLater(f"{path} is in use by another process; try again in a minute") from error
        if is_disk_full(error, path.parent):
            raise DiskFull(FULL_SENTENCE) from error
        raise DatabaseError(
            f"{path} cannot be opened: {error}; check that the folder exists and is writable"
        ) from error
    except sqlite3.DatabaseError as error:
        raise DatabaseError(f"{path} is not an answers database ({error}); move it away or restore a backup") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(FULL_SENTENCE) from error
        raise DatabaseError(f"{path} cannot be created: {error.strerror}; check the folder's permissions") from error
    return database


@contextmanager
def transaction(database: sqlite_utils.Database) -> Iterator[sqlite3.Connection]:
    """All or nothing. Takes the write lock at once, so that nothing read inside can change before it is used."""
    connection = database.conn
    try:
        connection.execute("begin immediate")
        yield connection
        connection.execute("commit")
    except BaseException as error:
        # After "disk full" SQLite has already rolled back by itself; a second ROLLBACK would hide the real error.
        if connection.in_transaction:
            connection.execute("rollback")
        if isinstance(error, sqlite3.OperationalError) and is_disk_full(error, _folder_of(connection)):
            raise DiskFull(FULL_SENTENCE) from error
        raise


def _folder_of(connection: sqlite3.Connection) -> Path:
    file = connection.execute("select file from pragma_database_list where name = 'main'").fetchone()[0]
    return Path(file).parent if file else Path()


def is_disk_full(error: sqlite3.OperationalError, folder: Path) -> bool:
    """SQLite says so itself when a page finds no room; for its smaller files it only speaks of an I/O error."""
    if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
        return True
    is_vague = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return is_vague and folder.exists() and shutil.disk_usage(folder).free < LEAST_FREE_BYTES


def utc_text(moment: datetime | None) -> str | None:
    """Aware datetime -> ISO 8601 in UTC, to the second; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # The switch does not wait for others that make it at the same moment, whatever the busy timeout says.
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                connection.close()
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(database: sqlite_utils.Database, path: Path) -> None:
    database.conn.execute(
        "create table if not exists schema_migrations (version integer primary key, name text, applied_at text)"
    )
    refuse_newer(database.conn, path)
    scripts = _scripts()
    if _applied(database.conn) == scripts.keys():
        return
    # All that are missing in one transaction: whoever is killed here leaves the old schema or the new one.
    with transaction(database) as connection:
        # Another process may have done it while we waited for the write lock. Numbers may be given out of order.
        for version in sorted(scripts.keys() - _applied(connection)):
            for statement in _statements(scripts[version].read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute(
                "insert into schema_migrations values (?, ?, ?)",
                (version, scripts[version].name, datetime.now(UTC).isoformat(timespec="seconds")),
            )


def refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    """Raise DatabaseError when a version of the program that knows more migrations wrote the file."""
    scripts = _scripts()
    if unknown := _applied(connection) - scripts.keys():
        raise DatabaseError(
            f"{path} was written by a newer version (schema {max(unknown)}, this program knows {max(scripts)});"
            " upgrade the program"
        )


def _scripts() -> dict[int, Path]:
    return {int(script.name[:4]): script for script in sorted(MIGRATIONS.glob("[0-9]*.sql"))}


def _applied(connection: sqlite3.Connection) -> set[int]:
    return {version for (version,) in connection.execute("select version from schema_migrations")}


def _statements(script: str) -> Iterator[str]:
    # executescript() would commit first; the record that a migration ran must be in the migration's own transaction.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
