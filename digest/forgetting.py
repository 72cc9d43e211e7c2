"""Forgets somebody everywhere: mails, insights, topics, digests, pages, copies, logs and the file itself.

The order makes it safe to be killed anywhere: first the tombstone, which keeps everything out from then on; then the
copies; then all tables in one transaction; then the pages and the free space of the file. What was begun and not ended
goes on with the next command.
"""

import email
import email.policy
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from digest.publishing import MARKER
from digest.site import build_site
from harvester.backups import CONFIG_NAME, known_backups
from harvester.database import transaction
from harvester.erasure_store import erase_mails, sweep
from harvester.errors import DatabaseError, TryLater, UsageError
from harvester.finding_store import Finding, find_quotes, find_traces, is_own_message_id
from harvester.forgetting import Target, Tombstones, Traces, decoded_forms, parse_target
from harvester.locks import hold_lock
from harvester.people import company_of, is_answers_address
from harvester.tombstone_store import begin_erasure, finish_erasure, load_salt, load_tombstones, unfinished_erasures
from harvester.workspace import Workspace
from nlp.forgetting import ForgottenInsights, Renamed, erase_insights, find_insights
from nlp.records import topic_id

PATIENCE_SECONDS = 60
PERSONAL_FILES = ("roster.csv", "deals.csv", "pages.csv", "glossary.toml", "reasons.toml", "atlas.toml", CONFIG_NAME)
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be erased."""

    target: Target
    mails: int
    passages: int
    insights: int


@dataclass(frozen=True, slots=True)
class HeldBackup:
    """A backup made before the erasure. holds: whether it still holds the mails; None when it is not where it was."""

    path: str
    made_at: str
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, and where a person must look."""

    mails: int
    passages: int
    insights: int
    renamed: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    digests: int = 0
    files: tuple[str, ...] = ()
    backups: tuple[HeldBackup, ...] = ()
    by_hand: tuple[str, ...] = field(default=())


def plan_erasure(workspace: Workspace, database: Database, text: str, progress: Progress = lambda count: None) -> Plan:
    """Look what would go; erases nothing. Raises UsageError for what must not be forgotten."""
    target = parse_target(text, is_message_id=is_own_message_id(database.conn, text))
    _refuse_ourselves(workspace, target)
    with transaction(database) as connection:
        salt = load_salt(connection)
    finding = find_traces(database.conn, _tombstones_for(target, salt), progress)
    insights = find_insights(database, finding)
    return Plan(target, len(finding.gone), len(finding.touched), len(insights.ids))


def forget(
    workspace: Workspace, database: Database, target: Target, now: datetime, progress: Progress = lambda count: None
) -> Erased:
    """Erase all that is stored about it, and keep it out from now on."""
    with transaction(database) as connection:
        erasure = begin_erasure(connection, target, now)
    return _carry_out(workspace, database, erasure, now, progress)


def resume_erasures(workspace: Workspace, database: Database, now: datetime) -> int:
    """Go on with what was begun and cut off; returns how many erasures that was."""
    unfinished = unfinished_erasures(database.conn)
    for erasure, _ in unfinished:
        _carry_out(workspace, database, erasure, now, lambda count: None)
    return len(unfinished)


def find_all(
    database: Database, erasure: int, progress: Progress = lambda count: None
) -> tuple[Finding, ForgottenInsights]:
    """What an erasure that was begun has to erase. What comes in later is kept out by its tombstone."""
    tombstones = load_tombstones(database.conn, erasure)
    assert tombstones is not None
    finding = find_traces(database.conn, tombstones, progress)
    insights = find_insights(database, finding)
    traces = replace(finding.traces, windows=insights.windows())
    return find_quotes(database.conn, finding, traces), insights


def erase_from_tables(
    database: Database, erasure: int, finding: Finding, insights: ForgottenInsights, now: datetime
) -> tuple[Renamed, int]:
    """Everything in the database, in one transaction. Returns which topics changed and how many digests are erased."""
    with transaction(database) as connection:
        renamed = erase_insights(database, insights, finding.traces)
        erase_mails(connection, finding, erasure, now)
        digests = _erase_digests(connection, finding.traces)
        sweep(connection, finding.traces)
        connection.execute("update erasures set insights = ? where id = ?", (len(insights.ids), erasure))
        connection.execute("insert into insights_search (insights_search) values ('optimize')")
    return renamed, digests


def _carry_out(workspace: Workspace, database: Database, erasure: int, now: datetime, progress: Progress) -> Erased:
    with ExitStack() as locks:
        for path, what in (
            (f"{workspace.database_path}.analyze.lock", "`answers analyze` is at work"),
            (workspace.folder / "outbox.lock", "a digest is being sent"),
        ):
            locks.enter_context(
                hold_lock(
                    Path(path),
                    f"{what}; the erasure was noted and goes on with the next command",
                    patience_seconds=PATIENCE_SECONDS,
                )
            )
        erased = _erase(workspace, database, erasure, now, progress)
        if (workspace.site_folder / MARKER).exists():
            build_site(workspace, database, now)
        compact(database)
        with transaction(database) as connection:
            finish_erasure(connection, erasure, now)
    return erased


def _erase(workspace: Workspace, database: Database, erasure: int, now: datetime, progress: Progress) -> Erased:
    if (erasure, True) in unfinished_erasures(database.conn):
        return Erased(0, 0, 0)
    finding, insights = find_all(database, erasure, progress)
    files = (*_erase_copies(workspace.outbox_folder, finding.traces), *_erase_log_lines(workspace, finding.traces))
    renamed, digests = erase_from_tables(database, erasure, finding, insights, now)
    return Erased(
        mails=len(finding.gone),
        passages=len(finding.touched),
        insights=len(insights.ids),
        renamed=tuple(topic_id(topic) for topic in renamed.renamed),
        emptied=tuple(topic_id(topic) for topic in renamed.emptied),
        digests=digests,
        files=tuple(str(path.relative_to(workspace.folder)) for path in files),
        backups=_look_into_backups(workspace, database, finding.traces.tombstones),
        by_hand=tuple(_named_by_hand(workspace, finding.traces.tombstones)),
    )


def _refuse_ourselves(workspace: Workspace, target: Target) -> None:
    roster = workspace.reading_settings().roster
    if target.kind == "address" and is_answers_address(target.value, roster):
        raise UsageError(f"{target.value} is the mailbox itself; every mail would go")
    if target.kind != "domain":
        return
    if any(own == target.value or own.endswith(f".{target.value}") for own in roster.domains):
        raise UsageError(f"{target.value} is your own domain; every mail would go. Name one colleague's address")
    if "@" in company_of(f"somebody@{target.value}"):
        raise UsageError(f"{target.value} gives mailboxes to everybody; name one person's address")


def _tombstones_for(target: Target, salt: bytes) -> Tombstones:
    bare = Tombstones(salt, frozenset(), frozenset())
    return Tombstones(salt, frozenset((bare.digest(target.kind, target.value),)), frozenset((target.kind,)))


# ---------------------------------------------------------------- digests and copies
def _erase_digests(connection: sqlite3.Connection, traces: Traces) -> int:
    """Take the frozen mails that quote them out of the outbox; that they were sent stays known."""
    erased = 0
    rows = connection.execute("select id, mail, state, recipients, pending from outbox where mail <> x''").fetchall()
    for number, mail, state, recipients, pending in rows:
        if not _quotes(bytes(mail), traces):
            continue
        erased += 1
        if state == "frozen" and pending == recipients:
            connection.execute("delete from outbox where id = ?", (number,))  # nobody has it; composed anew when due
        elif state == "frozen":
            connection.execute(
                "update outbox set mail = x'', state = 'sent', pending = '[]', detail = 'erased before all had it'"
                " where id = ?",
                (number,),
            )
        else:
            connection.execute("update outbox set mail = x'' where id = ?", (number,))
    return erased


def _quotes(content: bytes, traces: Traces) -> bool:
    return any(traces.mark_quote(text) for text in _texts_of(content))


def _texts_of(content: bytes) -> Iterator[str]:
    """What a reader sees of a mail or page of ours, and what stands in the bytes."""
    yield from decoded_forms(content)
    if content[:4_000].lstrip()[:1] == b"<":
        return
    for part in email.message_from_bytes(content, policy=email.policy.compat32).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload.decode("utf-8", "replace")


def _erase_copies(outbox: Path, traces: Traces) -> Iterator[Path]:
    """Delete the copies of each week in which one quotes them."""
    for folder in sorted(outbox.glob("*")) if outbox.is_dir() else ():
        files = [path for path in (sorted(folder.rglob("*")) if folder.is_dir() else [folder]) if path.is_file()]
        if any(_quotes(path.read_bytes(), traces) for path in files):
            for path in files:
                path.unlink()
                yield path
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _erase_log_lines(workspace: Workspace, traces: Traces) -> Iterator[Path]:
    """Delete the lines that name them from logs that lie in the workspace."""
    logs = (*workspace.folder.glob("*.log*"), *workspace.folder.glob("logs/*"))
    for path in sorted(path for path in logs if path.is_file()):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not traces.mark(line.decode("utf-8", "replace"))]
        if len(kept) < len(lines):
            # In place: whoever has it open goes on writing at its end.
            with path.open("r+b") as file:
                file.write(b"".join(kept))
                file.truncate()
                os.fsync(file.fileno())
            yield path


# ---------------------------------------------------------------- the file itself
def compact(database: Database) -> None:
    """Leave nothing of what was deleted in the file or in the log beside it."""
    connection = database.conn
    try:
        _empty_log(connection)
        connection.execute("vacuum")
        _empty_log(connection)
    except sqlite3.OperationalError as error:
        raise DatabaseError(
            f"everything is erased from the tables, but the file could not be compacted ({error}): it needs as much"
            " free space as it is large; the next command tries again"
        ) from error


def _empty_log(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
        if time.monotonic() > deadline:
            raise TryLater(
                "everything is erased from the tables, but another process keeps reading the archive; the next command"
                " empties the log beside it"
            )
        time.sleep(0.1)


# ---------------------------------------------------------------- what a person must do
def _look_into_backups(workspace: Workspace, database: Database, tombstones: Tombstones) -> tuple[HeldBackup, ...]:
    found = [
        HeldBackup(str(backup.path), backup.made_at, _holds(backup.path, tombstones))
        for backup in known_backups(database)
    ]
    damaged = sorted(workspace.folder.glob("answers.db.damaged"))
    return (*found, *(HeldBackup(str(path), "", None) for path in damaged))


def _holds(path: Path, tombstones: Tombstones) -> bool | None:
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            finding = find_traces(connection, tombstones, lambda count: None)
            if finding.gone or finding.touched:
                return True
            files = connection.execute("select content from backup_files").fetchall()
            return any(tombstones.holds(bytes(content).decode("utf-8", "replace")) for (content,) in files)
    except sqlite3.Error:
        return None


def _named_by_hand(workspace: Workspace, tombstones: Tombstones) -> Iterator[str]:
    """Files that people write: they are not ours to change."""
    for name in PERSONAL_FILES:
        path = workspace.folder / name
        if path.is_file() and tombstones.holds(path.read_text(encoding="utf-8", errors="replace")):
            yield name
