"""Others move, expunge and flag in the same mailbox meanwhile; we miss nothing that is there and change nothing."""

import random
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import imapclient
import mailroom
from promises import Promise
from servers import ImapServer

from harvester.capture import poll
from harvester.workspace import find_workspace

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
NAME = "others may work in the mailbox meanwhile"
FOLDERS = ("INBOX", "Elsewhere", "Done")


def list_mails(client: imapclient.IMAPClient, folder: str) -> dict[int, tuple[bytes, frozenset[bytes]]]:
    """UID -> (bytes, flags) of a folder, without touching it."""
    client.select_folder(folder, readonly=True)
    found = client.fetch(client.search("ALL"), ["BODY.PEEK[]", "FLAGS"])
    return {
        uid: (fields[b"BODY[]"], frozenset(fields[b"FLAGS"]) - {b"\\Recent"})
        for uid, fields in found.items()
        if b"BODY[]" in fields
    }


class OtherClient:
    """Somebody's mail program: flags, moves, expunges and delivers at random; remembers which mails it removed."""

    def __init__(self, server: ImapServer, mails: list[bytes]) -> None:
        self.server = server
        self.mails = mails
        self.waiting = mails[len(mails) // 2 :]
        self.removed: set[bytes] = set()
        self.flags: dict[bytes, set[bytes]] = {}
        self.stopping = threading.Event()
        self.actions = 0

    def work(self) -> None:
        chance = random.Random(3)
        with self.server.connect() as client:
            while not self.stopping.is_set():
                client.select_folder("INBOX")
                uids = client.search("ALL")
                action = chance.choice(["flag", "flag", "move", "expunge", "deliver", "deliver"])
                if action == "deliver" and self.waiting:
                    mailroom.deliver(self.server, [self.waiting.pop()])
                elif uids:
                    self._touch(client, chance.choice(uids), action)
                self.actions += 1
                self.stopping.wait(0.005)

    def _touch(self, client: imapclient.IMAPClient, uid: int, action: str) -> None:
        found = client.fetch([uid], ["BODY.PEEK[]"])
        if found.get(uid, {}).get(b"BODY[]") is None:  # gone already
            return
        raw = found[uid][b"BODY[]"]
        if action == "flag":
            self.flags.setdefault(raw, set()).add(b"\\Flagged")
            client.add_flags([uid], [b"\\Flagged"])
        elif action == "move" and len(self.removed) < len(self.mails) // 3:
            with suppress(imapclient.exceptions.IMAPClientError):  # we were faster
                client.move([uid], "Elsewhere")
                self.removed.add(raw)
        elif action == "expunge" and len(self.removed) < len(self.mails) // 3:
            self.flags.setdefault(raw, set()).add(b"\\Deleted")
            client.add_flags([uid], [b"\\Deleted"])
            client.uid_expunge([uid])
            self.removed.add(raw)


def run_polls(folder: Path, other: OtherClient, polls: int) -> int:
    """That many polls while the other works; returns how many mails vanished under our hands."""
    workspace = find_workspace(folder / "answers.toml")
    database = workspace.open_database()
    thread = threading.Thread(target=other.work)
    thread.start()
    vanished = 0
    try:
        for _ in range(polls):
            vanished += poll(database, workspace.config.imap, NOW, lambda count: None).vanished
            other.stopping.wait(0.02)
    finally:
        other.stopping.set()
        thread.join()
    poll(database, workspace.config.imap, NOW, lambda count: None)
    database.conn.close()
    return vanished


def test_what_is_there_is_captured_and_nothing_is_changed_by_us(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    mails = mailroom.make_mails(600 if full else 120)
    for folder in FOLDERS[1:]:
        mailroom.deliver(dovecot, [], folder=folder)
    other = OtherClient(dovecot, mails)
    mailroom.deliver(dovecot, mails[: len(mails) // 2])
    work = mailroom.make_workspace(tmp_path / "work", dovecot)
    polls = 40 if full else 10
    run_polls(work, other, polls)
    with dovecot.connect() as client:
        before = list_mails(client, "INBOX")
    run_polls(work, Idle(dovecot, mails), 1)
    with dovecot.connect() as client:
        after = list_mails(client, "INBOX")
        assert list_mails(client, "Done") == {}
    assert after == before  # UIDs, flags and bytes
    for raw, flags in after.values():
        assert flags == frozenset(other.flags.get(raw, ())), "a flag that the other did not set"
    there = [raw for raw, _ in after.values()]
    found = mailroom.compare(work, there)
    assert (found.missing, found.twice, found.altered, found.integrity) == (0, 0, 0, "ok")
    assert mailroom.compare(work, mails).foreign == 0, "something was stored that nobody sent"
    assert len(there) + len(other.removed) + len(other.waiting) == len(mails)
    promise(
        NAME,
        "a second client delivers, flags, moves and expunges all the time",
        f"{polls} polls, {other.actions} actions of the other",
        f"0 missing of the {len(there)} that are there; flags and UIDs on the server as the other left them",
    )


class Idle(OtherClient):
    """Does nothing."""

    def work(self) -> None:
        self.stopping.wait()


def test_with_after_move_only_what_is_stored_leaves_the_folder(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    mails = mailroom.make_mails(600 if full else 120)
    for folder in FOLDERS[1:]:
        mailroom.deliver(dovecot, [], folder=folder)
    other = OtherClient(dovecot, mails)
    mailroom.deliver(dovecot, mails[: len(mails) // 2])
    work = mailroom.make_workspace(tmp_path / "work", dovecot, after="move:Done")
    polls = 40 if full else 10
    run_polls(work, other, polls)
    with dovecot.connect() as client:
        assert list_mails(client, "INBOX") == {}
        done = list_mails(client, "Done")
    found = mailroom.compare(work, [raw for raw, _ in done.values()])
    assert (found.missing, found.twice, found.altered, found.integrity) == (0, 0, 0, "ok")
    assert mailroom.compare(work, mails).foreign == 0, "something was stored that nobody sent"
    for raw, flags in done.values():
        assert flags <= other.flags.get(raw, set())
    strange = (other.removed | {raw for raw, _ in done.values()}) - set(mails)
    assert not strange, [(raw and raw[:80], raw and len(raw)) for raw in strange]
    assert len({raw for raw, _ in done.values()} | other.removed) + len(other.waiting) == len(mails)
    promise(
        NAME,
        "the same with `after = move:Done`",
        f"{polls} polls, {other.actions} actions of the other",
        f"{len(done)} moved, all of them stored before; 0 lost, flags kept",
    )
