"""Brings mails into the database, from a mailbox or from files; the server is not changed before all is stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlite_utils

from harvester.config import Imap
from harvester.files import read_mails
from harvester.imap import BATCH_BYTES, BATCH_MAILS, Mailbox, open_mailbox
from harvester.mailbox_store import last_seen_uid, retire_captures
from harvester.records import RawMail
from harvester.store import known_uids, store_captures, store_poll

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Captured:
    """seen: mails looked at; new: mails never stored before; vanished: mails that were gone when we asked for them."""

    seen: int
    new: int
    vanished: int = 0


def poll(database: sqlite_utils.Database, settings: Imap, now: datetime, progress: Progress) -> Captured:
    """One pass over the mailbox: store whatever is not stored yet. progress: gets the size of each stored batch."""
    with open_mailbox(settings) as mailbox:
        return capture_folder(database, mailbox, settings, now, progress)


def capture_folder(
    database: sqlite_utils.Database, mailbox: Mailbox, settings: Imap, now: datetime, progress: Progress
) -> Captured:
    """Store what the folder holds and we do not; each batch is durable before the next is asked for."""
    last_uid = last_seen_uid(database, settings.host, settings.folder, mailbox.uidvalidity)
    if went_back(mailbox.next_uid, last_uid):
        retire_captures(database, settings.host, settings.folder, mailbox.uidvalidity)
    known = known_uids(database, settings.host, settings.folder, mailbox.uidvalidity)
    on_server = mailbox.list_uids()
    wanted = missing_uids(on_server, known)
    seen = new = 0
    for batch in mailbox.fetch(wanted):
        stored = store_captures(database, batch, now)
        seen += len(batch)
        new += stored.new
        progress(len(batch))
    if settings.after.startswith("move:"):
        # Includes what an earlier poll stored but could no longer move.
        stored_uids = known_uids(database, settings.host, settings.folder, mailbox.uidvalidity)
        mailbox.move(tuple(uid for uid in on_server if uid in stored_uids), settings.after.removeprefix("move:"))
    store_poll(database, settings.host, settings.folder, mailbox.uidvalidity, max(on_server, default=0), now)
    return Captured(seen, new, len(wanted) - seen)


def went_back(next_uid: int | None, last_uid: int) -> bool:
    """Whether UIDs that we have seen are given out again: the folder was made anew or restored, UIDVALIDITY or not.

    What we know of its UIDs is worth nothing then. next_uid: None where the server does not tell.
    """
    return next_uid is not None and next_uid <= last_uid


def missing_uids(on_server: tuple[int, ...], known: frozenset[int]) -> tuple[int, ...]:
    """What the server has and we do not. Compares whole sets, so that neither order nor gaps can hide a mail."""
    return tuple(uid for uid in on_server if uid not in known)


def load_files(database: sqlite_utils.Database, paths: tuple[Path, ...], now: datetime, progress: Progress) -> Captured:
    """Store the mails in these files; the same file twice adds nothing."""
    seen = new = 0
    batch: list[RawMail] = []
    size = 0
    for mail in _with_end(read_mails(paths)):
        if mail is not None:
            batch.append(mail)
            size += len(mail.raw)
        if batch and (mail is None or len(batch) >= BATCH_MAILS or size >= BATCH_BYTES):
            new += store_captures(database, batch, now).new
            seen += len(batch)
            progress(len(batch))
            batch, size = [], 0
    return Captured(seen, new)


def _with_end(mails: Iterator[RawMail]) -> Iterator[RawMail | None]:
    yield from mails
    yield None
