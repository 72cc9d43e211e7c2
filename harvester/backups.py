"""Copies the archive into one file while others go on writing, and opens such a file again. Knows nothing of digests.

A backup is a SQLite file: the archive as it was at one moment, and the settings beside it without any secret.
"""

import os
import re
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlite_utils

from harvester.config import secret_keys
from harvester.database import open_database, refuse_newer, transaction, utc_text
from harvester.errors import AnswersError, DatabaseError, UsageError

CONFIG_NAME = "answers.toml"
BESIDE = ("roster.csv", "pages.csv", "deals.csv", "glossary.toml", "reasons.toml", "atlas.toml")
LEAST_SECRET = 4  # a shorter one is found everywhere by chance
_KEY = re.compile(r"\s{0,40}[\"']?(?:[\w-]{1,40}\.)?([\w-]{1,40})[\"']?\s{0,40}=")


@dataclass(frozen=True, slots=True)
class Backup:
    """One that was made. files: what lies beside the archive in it; left_out: settings that hold a secret."""

    path: Path
    mails: int
    size: int
    files: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A backup that was unpacked and checked. path: the archive, ready to take the place of today's."""

    path: Path
    made_at: datetime | None
    mails: int
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class KnownBackup:
    """A backup that was made of this archive. path: where it was put then."""

    path: Path
    made_at: str


def make_backup(
    database: sqlite_utils.Database, folder: Path, target: Path, now: datetime, *, with_secrets: bool = False
) -> Backup:
    """Write a backup to `target`, or into it under a name of its own if it is a folder; an older one is replaced.

    What others write meanwhile is in it or not, never by half. folder: of the workspace. with_secrets: passwords go
    along, too.
    """
    path = (target / f"answers-{now:%Y%m%d-%H%M%S}.backup" if target.is_dir() else target).resolve()
    if path.exists() and not is_backup(path):
        raise UsageError(f"{path} exists and is no backup; name another file or a folder")
    files, left_out = gather_files(folder, with_secrets=with_secrets)
    beside = path.with_name(f".{path.name}.new")
    try:
        with _new_file(beside):
            mails = _copy(database.conn, beside, files, now)
            size = beside.stat().st_size
            beside.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise AnswersError(f"the backup cannot be written to {path}: {error.strerror}; nothing was replaced") from error
    except sqlite3.OperationalError as error:
        raise AnswersError(f"the backup cannot be written to {path}: {error}; nothing was replaced") from error
    with transaction(database) as connection:
        connection.execute("insert or replace into backups values (?, ?, ?)", (str(path), utc_text(now), mails))
    return Backup(path, mails, size, tuple(files), left_out)


def known_backups(database: sqlite_utils.Database) -> tuple[KnownBackup, ...]:
    """The backups made of this archive, oldest first, whether they still exist or not."""
    rows = database.conn.execute("select path, made_at from backups order by made_at, path")
    return tuple(KnownBackup(Path(path), made_at) for path, made_at in rows)


def is_backup(path: Path) -> bool:
    """Whether we wrote it."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return "backup_files" in _tables(connection)
    except sqlite3.Error:
        return False


def prepare_backup(source: Path, beside: Path) -> Prepared:
    """Unpack a backup (or a plain copy of an archive) to `beside`, check it whole and bring it up to date."""
    if not source.is_file():
        raise UsageError(f"{source} is not there; name the file that `answers backup` wrote")
    try:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            _check(connection, source)
            with closing(sqlite3.connect(beside)) as copy:
                connection.backup(copy)
        made_at, files = _take_out(beside)
    except sqlite3.OperationalError as error:
        raise DatabaseError(f"{source} cannot be restored: {error}; nothing was changed") from error
    except sqlite3.DatabaseError as error:
        raise DatabaseError(f"{source} is no backup or is damaged ({error}); nothing was changed") from error
    database = open_database(beside)
    mails = database.conn.execute("select count(*) from messages").fetchone()[0]
    database.conn.close()
    return Prepared(beside, made_at, mails, files)


def put_in_place(prepared: Path, path: Path) -> None:
    """Make the prepared archive the one at `path`: all of it or, after a crash, none of it.

    A sound archive is overwritten by one transaction of its own, which every process that has it open sees. What is
    missing or damaged is replaced as a file; the damaged one stays beside it.
    """
    if is_sound(path) and _page_size(path) == _page_size(prepared):
        with closing(sqlite3.connect(prepared)) as source, closing(sqlite3.connect(path, timeout=30)) as target:
            target.execute("pragma secure_delete = on")
            source.backup(target)
            target.execute("pragma wal_checkpoint(truncate)").fetchall()
        return
    with closing(sqlite3.connect(prepared, isolation_level=None)) as connection:
        connection.execute("pragma journal_mode = delete")
    # The log of the old file first: beside a new file it would be taken for that one's.
    for suffix in ("-wal", "-shm", ""):
        old = Path(f"{path}{suffix}")
        if old.exists():
            old.replace(f"{path}.damaged{suffix}")
    prepared.replace(path)
    _flush(path.parent)


def is_sound(path: Path) -> bool:
    """Whether it can be read and its pages fit together."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path)) as connection:
            return bool(connection.execute("pragma quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.Error:
        return False


def gather_files(folder: Path, *, with_secrets: bool) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """(name -> content of what belongs to a workspace, what was left out because it holds a secret)."""
    files = {name: (folder / name).read_bytes() for name in BESIDE if (folder / name).is_file()}
    config = folder / CONFIG_NAME
    if not config.is_file():
        return files, ()
    text = config.read_text(encoding="utf-8", errors="replace")
    if with_secrets:
        return {**files, CONFIG_NAME: text.encode(), **_secret_files(folder, text)}, ()
    cleaned = without_secrets(text)
    if cleaned is None:
        return files, (CONFIG_NAME,)
    left_out = ("passwords",) if cleaned != text else ()
    return {**files, CONFIG_NAME: cleaned.encode()}, (*left_out, *_secret_files(folder, text))


def without_secrets(text: str) -> str | None:
    """answers.toml with a comment in place of each secret; None when a secret cannot be told from the rest."""
    secrets = [value for value in _secrets(_parse(text)) if len(value) >= LEAST_SECRET]
    keys = secret_keys()
    lines = []
    for line in text.split("\n"):
        key = _KEY.match(line)
        is_secret = key is not None and key[1] in keys
        lines.append(f"# {key[1]} = left out of the backup" if key and is_secret else line)
    cleaned = "\n".join(lines)
    if any(value in cleaned for value in secrets) or list(_secrets(_parse(cleaned))):
        return None
    return cleaned


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {"": {"password": text}}  # nobody can tell what in it is secret


def _secrets(document: Mapping[str, Any]) -> Iterator[str]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif key in secret_keys():
            yield str(value)


def _secret_files(folder: Path, text: str) -> dict[str, bytes]:
    """The files in the workspace that hold secrets, as the settings name them."""
    found = {}
    for section in _parse(text).values():
        for key in secret_keys():
            name = section.get(f"{key}_file") if isinstance(section, Mapping) else None
            if isinstance(name, str) and Path(name).name == name and (folder / name).is_file():
                found[name] = (folder / name).read_bytes()
    return found


def _copy(connection: sqlite3.Connection, path: Path, files: Mapping[str, bytes], now: datetime) -> int:
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        # All pages in one step, under one read transaction: nobody is kept from writing, and nothing starts over.
        connection.backup(copy, pages=-1)
        copy.execute("pragma journal_mode = delete")
        copy.execute("create table backup_files (name text primary key, content blob not null)")
        copy.execute("create table backup_facts (made_at text not null)")
        copy.execute("insert into backup_facts values (?)", (utc_text(now),))
        copy.executemany("insert into backup_files values (?, ?)", files.items())
        answer = copy.execute("pragma integrity_check(1)").fetchone()[0]
        if answer != "ok":
            raise DatabaseError(f"the archive is damaged ({answer}); no backup was made, restore an earlier one")
        mails: int = copy.execute("select count(*) from messages").fetchone()[0]
    _flush(path)
    return mails


def _check(connection: sqlite3.Connection, source: Path) -> None:
    answer = connection.execute("pragma integrity_check(1)").fetchone()[0]
    if answer != "ok":
        raise DatabaseError(f"{source} is damaged ({answer.splitlines()[-1]}); nothing was changed")
    if not {"messages", "schema_migrations"} <= _tables(connection):
        raise DatabaseError(f"{source} is no backup of answers; nothing was changed")
    refuse_newer(connection, source)


def _take_out(path: Path) -> tuple[datetime | None, dict[str, bytes]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if "backup_files" not in _tables(connection):
            return None, {}
        made_at = connection.execute("select made_at from backup_facts").fetchone()[0]
        files = dict(connection.execute("select name, content from backup_files").fetchall())
        connection.execute("pragma secure_delete = on")
        connection.execute("drop table backup_files")
        connection.execute("drop table backup_facts")
    return datetime.fromisoformat(made_at), files


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}


def _page_size(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        size: int = connection.execute("pragma page_size").fetchone()[0]
    return size


@contextmanager
def _new_file(path: Path) -> Iterator[None]:
    """A private file that is gone afterwards unless it was renamed."""
    try:
        path.unlink(missing_ok=True)  # of a run that was killed
        path.touch(mode=0o600)
        yield
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
