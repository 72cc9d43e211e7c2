"""Brings a backup back, all of it or nothing, without what was forgotten since and without sending a digest twice.

What today's archive knows and the backup cannot know is carried over: whom to forget, and which digests went out. When
there is no archive any more, the weeks in between count as unknown until their copies are found in the mailbox.
"""

import json
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from sqlite_utils import Database

from digest.audiences import Audience, audiences_of, due_period, envelope_of, schedule_of
from digest.dispatch import is_sending_configured
from digest.forgetting import erase_from_tables, find_all, resume_erasures
from digest.mail import digest_message_id
from digest.store import load_entries
from harvester.backups import CONFIG_NAME, Prepared, is_sound, prepare_backup, put_in_place
from harvester.config import Config, load_config
from harvester.database import open_database, transaction, utc_text
from harvester.errors import AnswersError, ConfigurationError, UsageError
from harvester.locks import hold_lock
from harvester.private_files import write_private
from harvester.store import end_run, start_run
from harvester.tombstone_store import SALT_KEY, unfinished_erasures
from harvester.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back. unknown: weeks whose digest may have gone out. files: settings that were missing here."""

    mails: int
    made_at: datetime
    erased_again: int
    unknown: tuple[str, ...]
    files: tuple[str, ...]
    needs_secrets: bool


def restore(config_path: Path, source: Path, now: datetime) -> Restored:
    """Make the backup the archive of the workspace. Refused while `answers run` works there."""
    folder = config_path.parent
    path = folder / "answers.db"
    beside = folder / ".answers.db.restoring"
    with _alone(folder), _removed(beside):
        prepared = prepare_backup(source, beside)
        config, written = _settings(config_path, prepared)
        database = open_database(beside)
        try:
            has_today = is_sound(path)
            if has_today:
                _carry_over(path, database)
            made_at = prepared.made_at or _last_trace(database, now)
            unknown = () if has_today else _note_unknown(database, config, made_at, now)
            erased = _erase_again(database, now)
            database.conn.execute("pragma wal_checkpoint(truncate)").fetchall()
        finally:
            database.conn.close()
        for name, content in written.items():
            write_private(folder / name, content)
        put_in_place(beside, path)
        database = open_database(path)
        try:
            end_run(database, start_run(database, "restore", now), "done", f"{prepared.mails} mails", now)
        finally:
            database.conn.close()
    needs_secrets = _finish(config_path, now)
    return Restored(prepared.mails, made_at, erased, unknown, tuple(written), needs_secrets)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with ExitStack() as locks:
        for name, what in (
            ("run.lock", "`answers run` works on this archive; stop it, restore, and start it again"),
            ("answers.db.analyze.lock", "`answers analyze` is at work on this archive; try again when it has ended"),
            ("outbox.lock", "a digest is being sent; try again in a minute"),
        ):
            locks.enter_context(hold_lock(folder / name, what))
        yield


@contextmanager
def _removed(path: Path) -> Iterator[None]:
    """What is prepared there is private, and gone afterwards."""

    def remove() -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)

    try:
        remove()  # of a run that was killed
        path.touch(mode=0o600)
        yield
    except OSError as error:
        raise AnswersError(f"the backup cannot be restored to {path.parent}: {error.strerror}") from error
    finally:
        remove()


def _settings(config_path: Path, prepared: Prepared) -> tuple[Config, dict[str, bytes]]:
    """(the settings of this workspace, files that are missing here and lie in the backup)."""
    folder = config_path.parent
    missing = {name: content for name, content in prepared.files.items() if not (folder / name).exists()}
    if config_path.exists():
        missing.pop(CONFIG_NAME, None)
        text = config_path.read_text(encoding="utf-8", errors="replace")
    elif CONFIG_NAME in missing:
        missing[config_path.name] = missing.pop(CONFIG_NAME)
        text = missing[config_path.name].decode("utf-8", "replace")
    else:
        raise UsageError(f"{config_path.name} is neither here nor in the backup; run `answers init` first")
    return _without_secret_files(config_path, text), missing


def _without_secret_files(config_path: Path, text: str) -> Config:
    """The settings even while the files of their passwords are not there yet."""
    try:
        document = tomllib.loads(text)
        for section in document.values():
            for key in [key for key in section if key.endswith("_file") and key != "ca_file"]:
                del section[key]
        return Config.model_validate(document)
    except (tomllib.TOMLDecodeError, ValidationError, AttributeError, TypeError):
        return load_config(config_path)  # says what is wrong with it


def _carry_over(path: Path, database: Database) -> None:
    today = open_database(path)
    try:
        with transaction(database) as connection:
            _carry_tombstones(today.conn, connection)
            _carry_outbox(today.conn, connection)
            backups = today.conn.execute("select path, made_at, mails from backups").fetchall()
            connection.executemany("insert or replace into backups values (?, ?, ?)", backups)
    finally:
        today.conn.close()


def _carry_outbox(today: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    """What went out since the backup was made, and what became of what was on its way then."""
    columns = [row[1] for row in today.execute("pragma table_info(outbox)") if row[1] != "id"]
    rows = today.execute(f"select {', '.join(columns)} from outbox where state <> 'frozen'").fetchall()
    marks = ", ".join("?" * len(columns))
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
    connection.executemany(
        f"insert into outbox ({', '.join(columns)}) values ({marks}) on conflict (audience, week) do update set"
        f" {changes}",
        rows,
    )


def _carry_tombstones(today: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    """Whom we were asked to forget since; their erasure is done again on what came back."""
    rows = today.execute("select id, kind, asked_at from erasures order by id").fetchall()
    if not rows:
        return
    query = "select value from engine where key = ?"
    salt, other = today.execute(query, (SALT_KEY,)).fetchone(), connection.execute(query, (SALT_KEY,)).fetchone()
    has_stones = connection.execute("select exists (select 1 from tombstones)").fetchone()[0]
    if other and other != salt and has_stones:
        raise UsageError(
            "the backup is of another archive, and both have forgotten somebody; move answers.db away to restore it"
        )
    connection.execute("insert or replace into engine (key, value) values (?, ?)", (SALT_KEY, salt[0]))
    known = {digest for (digest,) in connection.execute("select digest from tombstones")}
    for erasure, kind, asked_at in rows:
        stones = today.execute("select digest, kind from tombstones where erasure = ?", (erasure,)).fetchall()
        new = [(digest, of) for digest, of in stones if digest not in known]
        if new:
            cursor = connection.execute("insert into erasures (kind, asked_at) values (?, ?)", (kind, asked_at))
            connection.executemany(
                "insert into tombstones values (?, ?, ?)", [(digest, of, cursor.lastrowid) for digest, of in new]
            )


def _erase_again(database: Database, now: datetime) -> int:
    pending = [erasure for erasure, is_erased in unfinished_erasures(database.conn) if not is_erased]
    for erasure in pending:
        finding, insights = find_all(database, erasure)
        erase_from_tables(database, erasure, finding, insights, now)
    return len(pending)


def _note_unknown(database: Database, config: Config, made_at: datetime, now: datetime) -> tuple[str, ...]:
    """What was due since the backup and may have gone out: never sent again by itself."""
    if not is_sending_configured(config):
        return ()
    schedule = schedule_of(config)
    noted = []
    days = max(0, (now - made_at).days)
    for moment in (*(made_at + timedelta(days=day) for day in range(days + 1)), now):
        for audience in audiences_of(config):
            period = due_period(audience, load_entries(database, audience.name), schedule, moment)
            if period:
                _add_unknown(database, config, audience, period, moment)
                noted.append(period)
    return tuple(noted)


def _add_unknown(database: Database, config: Config, audience: Audience, period: str, moment: datetime) -> None:
    envelope = envelope_of(config, audience)
    recipients = json.dumps([*envelope.to, *([envelope.receipt] if envelope.receipt else [])])
    with transaction(database) as connection:
        connection.execute(
            "insert into outbox (audience, week, message_id, recipients, pending, mail, state, state_at, covers_from,"
            " covers_until, detail) values (?, ?, ?, ?, ?, x'', 'unknown', ?, '', ?, ?)",
            (
                audience.name,
                period,
                digest_message_id(audience.name, period, envelope.domain),
                recipients,
                recipients,
                utc_text(moment),
                utc_text(moment),
                "a backup was restored; whether it went out before is not known",
            ),
        )


def _last_trace(database: Database, now: datetime) -> datetime:
    """When a copy of an archive was last at work."""
    row = database.conn.execute(
        "select max(moment) from (select max(started_at) as moment from runs"
        " union select max(captured_at) from messages)"
    ).fetchone()
    return datetime.fromisoformat(row[0]) if row[0] else now


def _finish(config_path: Path, now: datetime) -> bool:
    """Take the forgotten out of pages and free space, too. Returns whether passwords are missing."""
    try:
        workspace = Workspace(config_path, load_config(config_path))
    except ConfigurationError:
        return True
    database = workspace.open_database()
    try:
        resume_erasures(workspace, database, now)
    finally:
        database.conn.close()
    return False


def count_today(path: Path) -> int:
    """How many mails would be replaced."""
    if not is_sound(path):
        return 0
    try:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("select count(*) from messages").fetchone()[0])
    except sqlite3.Error:
        return 0
