"""Brings mails into the database, from a mailbox or from files; the server is not changed before all is stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import sqlite_utils

from harvester.config import Imap
from harvester.errors import FetchRefused
from harvester.files import read_mails
from harvester.imap import ASKED_AT_ONCE, BATCH_BYTES, BATCH_MAILS, Mailbox, open_mailbox
from harvester.mailbox_store import known_uids, last_seen_uid, retire_captures, store_poll
from harvester.records import RawMail
from harvester.store import Stored, store_captures

# Each mail that the server fails at costs some five connections to find.
MOST_REFUSALS = 60

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Captured:
    """seen: mails looked at; new: mails never stored before; vanished: mails that were gone when we asked for them.

    withheld: mails that the server lists but fails to hand over.
    """

    seen: int
    new: int
    vanished: int = 0
    withheld: int = 0

    @property
    def sentence(self) -> str:
        """The counts, for `status` and logs."""
        withheld = f", {self.withheld} withheld by the server" if self.withheld else ""
        return f"{self.seen} seen, {self.new} new{withheld}"


@dataclass(frozen=True, slots=True)
class Request:
    """How to ask. at_once: mails per request; withheld: UIDs that the server fails at, alone as well."""

    at_once: int = ASKED_AT_ONCE
    withheld: frozenset[int] = frozenset()


def poll(database: sqlite_utils.Database, settings: Imap, now: datetime, progress: Progress) -> Captured:
    """One pass over the mailbox: store whatever is not stored yet. progress: gets the size of each stored batch.

    A mail that the server fails at is searched for and left out, so that it holds up no other.
    """
    request, refusals = Request(), 0
    stored: list[Stored] = []

    def store(batch: tuple[RawMail, ...]) -> None:
        stored.append(store_captures(database, batch, now))
        progress(len(batch))

    while True:
        try:
            with open_mailbox(settings) as mailbox:
                vanished = capture_folder(database, mailbox, settings, now, store, request)
        except FetchRefused as refusal:
            refusals += 1
            if refusals >= MOST_REFUSALS:
                raise
            request = ask_for_less(request, refusal.uids)
        else:
            new = sum(batch.new for batch in stored)
            return Captured(new + sum(batch.known for batch in stored), new, vanished, len(request.withheld))


def ask_for_less(request: Request, refused: tuple[int, ...]) -> Request:
    """How to ask after the server failed at these mails: for an eighth of them at once; one alone is left out."""
    if len(refused) == 1:
        return Request(withheld=request.withheld | {*refused})
    return replace(request, at_once=max(1, len(refused) // 8))


def capture_folder(
    database: sqlite_utils.Database,
    mailbox: Mailbox,
    settings: Imap,
    now: datetime,
    store: Callable[[tuple[RawMail, ...]], None],
    request: Request,
) -> int:
    """Store what the folder holds and we do not; each batch is durable before the next is asked for.

    Returns how many mails vanished between listing and fetching.
    """
    last_uid = last_seen_uid(database, settings.host, settings.folder, mailbox.uidvalidity)
    if went_back(mailbox.next_uid, last_uid):
        retire_captures(database, settings.host, settings.folder, mailbox.uidvalidity)
    known = known_uids(database, settings.host, settings.folder, mailbox.uidvalidity)
    on_server = mailbox.list_uids()
    wanted = missing_uids(on_server, known | request.withheld)
    seen = 0
    for batch in mailbox.fetch(wanted, request.at_once):
        store(batch)
        seen += len(batch)
    if settings.after.startswith("move:"):
        # Includes what an earlier poll stored but could no longer move.
        stored_uids = known_uids(database, settings.host, settings.folder, mailbox.uidvalidity)
        mailbox.move(tuple(uid for uid in on_server if uid in stored_uids), settings.after.removeprefix("move:"))
    store_poll(database, settings.host, settings.folder, mailbox.uidvalidity, max(on_server, default=0), now)
    return len(wanted) - seen


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
