"""Takes stored mails through the readers and keeps what they understood. The parent of the workers; the only writer."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlite_utils

from harvester.database import transaction
from harvester.known_texts import separate_known_texts
from harvester.people import name_authors
from harvester.reading import Reader, open_readers
from harvester.records import FailedReading, Reading, ReadingSettings, Status
from harvester.store import Unread, store_failure, store_reading, stored_mails, unread_mails
from harvester.thread_store import known_names, known_texts_of, place_in_thread
from harvester.threads import linked_ids

CHUNK = 200
VERSION = "3"  # of the reading code; raised when parts or the gate change


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """How many mails were read, and how many of them could not be."""

    read: int
    failed: int


def read_new_mails(
    database: sqlite_utils.Database, settings: ReadingSettings, workers: int, progress: Callable[[int], None]
) -> ReadCounts:
    """Understand everything stored that is not yet understood; stops anywhere and resumes there."""
    return _read_chunks(database, settings, workers, progress, lambda after: unread_mails(database, CHUNK))


def read_all_mails(
    database: sqlite_utils.Database, settings: ReadingSettings, workers: int, progress: Callable[[int], None]
) -> ReadCounts:
    """Understand every mail whose bytes are still kept again, with today's code."""
    return _read_chunks(database, settings, workers, progress, lambda after: stored_mails(database, after, CHUNK))


def _read_chunks(
    database: sqlite_utils.Database,
    settings: ReadingSettings,
    workers: int,
    progress: Callable[[int], None],
    next_mails: Callable[[int], tuple[Unread, ...]],
) -> ReadCounts:
    """next_mails: the mails to read after the one with a given number."""
    read = failed = excluded = after = 0
    with open_readers(settings, workers) as readers:
        while mails := next_mails(after):
            outcomes = _read_chunk(database, mails, settings, readers)
            read += len(mails)
            failed += sum(isinstance(outcome, FailedReading) for outcome in outcomes)
            excluded += sum(_is_excluded(outcome) for outcome in outcomes)
            after = mails[-1].message
            progress(len(mails))
    if excluded:
        # Their bytes are deleted from the tables; this deletes them from the log beside the database, too.
        database.conn.execute("pragma wal_checkpoint(truncate)").fetchall()
    return ReadCounts(read, failed)


def _is_excluded(outcome: Reading | FailedReading) -> bool:
    return isinstance(outcome, Reading) and outcome.verdict.status is Status.EXCLUDED


def _read_chunk(
    database: sqlite_utils.Database, mails: tuple[Unread, ...], settings: ReadingSettings, read: Reader
) -> list[Reading | FailedReading]:
    outcomes = list(read([mail.raw for mail in mails]))
    with transaction(database) as connection:
        for mail, outcome in zip(mails, outcomes, strict=True):
            if isinstance(outcome, FailedReading):
                store_failure(connection, mail.message, outcome, VERSION, tries=2)
                continue
            reading = _with_archive(connection, mail.message, outcome, settings)
            place = place_in_thread(connection, mail.message, reading)
            store_reading(connection, mail.message, reading, version=VERSION, place=place)
    return outcomes


def _with_archive(connection: sqlite3.Connection, message: int, reading: Reading, settings: ReadingSettings) -> Reading:
    """What only the archive can tell: whose name a quote bears, which text is an earlier mail and which is not."""
    parts, mail = reading.parts, reading.mail
    ancestors = linked_ids(mail)
    if ancestors:
        parts = separate_known_texts(parts, mail, known_texts_of(connection, ancestors, before=message))
    is_nameless = any(part.author is None and part.author_name for part in parts)
    if is_nameless or parts is not reading.parts:
        company = reading.verdict.company
        names = known_names(connection, company, before=message) if company else {}
        parts = name_authors(parts, mail, settings.roster, names)
    return replace(reading, parts=parts)
