"""Takes stored mails through the readers and keeps what they understood. The parent of the workers; the only writer."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlite_utils

from harvester.database import transaction
from harvester.people import name_authors
from harvester.reading import read_many
from harvester.records import FailedReading, Part, Reading, ReadingSettings, Role
from harvester.store import (
    Unread,
    known_names,
    known_text,
    place_in_thread,
    store_failure,
    store_reading,
    stored_mails,
    unread_mails,
)
from harvester.threads import remove_known_text

CHUNK = 200
VERSION = "1"  # of the reading code; raised when parts or the gate change


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """How many mails were read, and how many of them could not be."""

    read: int
    failed: int


def read_new_mails(
    database: sqlite_utils.Database, settings: ReadingSettings, workers: int, progress: Callable[[int], None]
) -> ReadCounts:
    """Understand everything stored that is not yet understood; stops anywhere and resumes there."""
    read = failed = 0
    while mails := unread_mails(database, CHUNK):
        failed += _read_chunk(database, mails, settings, workers)
        read += len(mails)
        progress(len(mails))
    return ReadCounts(read, failed)


def read_all_mails(
    database: sqlite_utils.Database, settings: ReadingSettings, workers: int, progress: Callable[[int], None]
) -> ReadCounts:
    """Understand every mail whose bytes are still kept again, with today's code."""
    read = failed = after = 0
    while mails := stored_mails(database, after, CHUNK):
        failed += _read_chunk(database, mails, settings, workers)
        read += len(mails)
        after = mails[-1].message
        progress(len(mails))
    return ReadCounts(read, failed)


def _read_chunk(
    database: sqlite_utils.Database, mails: tuple[Unread, ...], settings: ReadingSettings, workers: int
) -> int:
    readings = list(read_many((mail.raw for mail in mails), settings, workers))
    with transaction(database) as connection:
        for mail, outcome in zip(mails, readings, strict=True):
            if isinstance(outcome, FailedReading):
                store_failure(connection, mail.message, outcome, VERSION, tries=2)
                continue
            reading = _with_archive(connection, outcome, settings)
            place = place_in_thread(connection, mail.message, reading)
            store_reading(connection, mail.message, reading, version=VERSION, place=place)
    return sum(isinstance(outcome, FailedReading) for outcome in readings)


def _with_archive(connection: sqlite3.Connection, reading: Reading, settings: ReadingSettings) -> Reading:
    """What only the archive can tell: whose name a quote bears, and which unmarked text is an earlier mail."""
    parts = reading.parts
    if reading.verdict.company and any(part.author is None and part.author_name for part in parts):
        names = known_names(connection, reading.verdict.company)
        parts = name_authors(parts, reading.mail, settings.roster, names)
    if reading.mail.in_reply_to and not any(part.role in (Role.QUOTED, Role.FORWARDED) for part in parts):
        original = known_text(connection, reading.mail.in_reply_to[:1])
        parts = tuple(piece for part in parts for piece in separate_known_text(part, original))
    return replace(reading, parts=parts)


def separate_known_text(part: Part, original: str) -> tuple[Part, ...]:
    """Split an own part into what is really new and what stands word for word in the mail it answers."""
    if part.role is not Role.OWN or not original:
        return (part,)
    own, quoted = remove_known_text(part.text, original)
    if not quoted:
        return (part,)
    quote = Part(Role.QUOTED, quoted, depth=1)
    return (replace(part, text=own), quote) if own.strip() else (quote,)
