"""A disk without room stops the work with one sentence, harms nothing, and the work goes on when there is room."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mailroom
import old_databases
import pytest
from digest_workspace import make_workspace
from promises import Promise
from servers import ImapServer, is_needed
from smtp_server import run_smtp

from digest.wiring import make_daemon
from harvester.database import FULL_SENTENCE
from harvester.errors import DiskFull

NAME = "disk full"
SENTENCE = "the disk is full"
NOW = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)


class SmallDisk:
    """A tmpfs of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resize(self, megabytes: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(self.folder)], check=True)

    def fill(self) -> None:
        """To the last byte."""
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError:
                return

    def clear(self) -> None:
        (self.folder / "ballast").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        (pytest.fail if is_needed("dovecot") else pytest.skip)(f"cannot mount a tmpfs: {mounted.stderr.decode()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_poll_that_fills_the_disk_is_told_and_goes_on_when_there_is_room(
    dovecot: ImapServer, disk: SmallDisk, full: bool, promise: Promise
):
    mails = mailroom.make_mails(3000 if full else 900, smallest=8_000)
    mailroom.deliver(dovecot, mails)
    folder = mailroom.make_workspace(disk.folder / "work", dovecot)
    stored = []
    for megabytes in (4, 4, 5, 6):
        disk.resize(megabytes)
        done = mailroom.answers(folder, "poll")
        assert done.returncode == 1
        assert SENTENCE in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        found = mailroom.compare(folder, mails)
        assert (found.twice, found.altered, found.foreign, found.integrity) == (0, 0, 0, "ok")
        assert found.missing > 0
        stored.append(len(mails) - found.missing)
    assert stored == sorted(stored)
    assert stored[-1] > stored[0] > 0
    disk.resize(200)
    assert mailroom.answers(folder, "poll").returncode == 0
    found = mailroom.compare(folder, mails)
    assert found.is_whole, found
    promise(
        NAME,
        f"`answers poll` of {len(mails):,} mails into a tmpfs of 4 MB, which grows",
        f"{len(stored)} times full",
        "one sentence, exit 1, earlier mails intact; with room the same command goes on: 0 missing, 0 twice",
    )


def test_every_command_on_a_full_disk_says_so_and_changes_nothing(
    dovecot: ImapServer, disk: SmallDisk, tmp_path: Path, full: bool, promise: Promise
):
    mails = mailroom.make_mails(60, largest=2000)
    mailroom.deliver(dovecot, mails)
    disk.resize(40)
    folder = mailroom.make_workspace(disk.folder / "work", dovecot)
    for verb in ("poll", "analyze", "site"):
        assert mailroom.answers(folder, verb).returncode == 0, verb
    backup = tmp_path / "kept"
    assert mailroom.answers(folder, "backup", str(backup)).returncode == 0
    mailroom.deliver(dovecot, mailroom.make_mails(300, seed=7))
    page = (folder / "site" / "index.html").read_bytes()
    before = old_databases.contents(folder / "answers.db")
    disk.fill()
    tried = (
        ("poll",),
        ("load", str(Path(__file__).parent.parent / "mails")),
        ("analyze",),
        ("analyze", "--all"),
        ("site",),
        ("digest", "--dry-run"),
        ("backup", str(folder / "b")),
        ("restore", str(backup)),
        ("forget", "li@globex.example", "--yes"),
    )
    refused = []
    for arguments in tried if full else [one for one in tried if one[0] not in ("analyze", "digest")]:
        done = mailroom.answers(folder, *arguments)
        assert "Traceback" not in done.stderr, (arguments, done.stderr)
        if done.returncode:
            refused.append(arguments[0])
            assert len(done.stderr.splitlines()) <= 2, (arguments, done.stderr)
            assert "full" in done.stderr or "space" in done.stderr.lower(), (arguments, done.stderr)
    assert {"poll", "load", "backup", "restore"} <= set(refused)
    assert (folder / "site" / "index.html").read_bytes() == page
    disk.clear()
    after = old_databases.contents(folder / "answers.db")
    kept = ("messages", "captures", "readings", "parts", "insights", "topics", "assignments", "outbox")
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}
    assert mailroom.answers(folder, "poll").returncode == 0
    assert mailroom.compare(folder, []).integrity == "ok"
    promise(
        NAME,
        "every command that writes, on a disk without a free byte",
        f"{len(refused)} commands",
        "each refused with a sentence, none with a traceback; all tables and pages as before",
    )


def test_the_daemon_outlives_a_full_disk_and_catches_up_by_itself(
    dovecot: ImapServer, disk: SmallDisk, full: bool, promise: Promise
):
    mails = mailroom.make_mails(1500 if full else 600, smallest=12_000)
    folder = mailroom.make_workspace(disk.folder / "work", dovecot, poll_every=0.05)
    daemon = mailroom.start(folder, "run")
    assert daemon.stderr is not None
    log: list[str] = []  # as it comes
    reader = threading.Thread(target=log.extend, args=(daemon.stderr,))
    reader.start()
    try:
        wait_until(lambda: (folder / "answers.db").exists(), 30)
        mailroom.deliver(dovecot, mails)
        wait_until(lambda: any("kind=DiskFull" in line for line in log), 120)
        assert daemon.poll() is None
        disk.resize(300)
        roomy = time.monotonic()
        wait_until(lambda: mailroom.compare(folder, mails).missing == 0, 90)
        seconds = time.monotonic() - roomy
    finally:
        daemon.terminate()
        reader.join(timeout=60)
        with daemon:
            daemon.wait(timeout=60)
    found = mailroom.compare(folder, mails)
    assert found.is_whole, found
    assert any("job works again" in line for line in log), log
    assert not any("Traceback" in line for line in log), log
    promise(
        NAME,
        f"`answers run` while {len(mails):,} mails fill a tmpfs of 4 MB; then it grows",
        "1 daemon",
        f"said once a try, went on by itself after {seconds:.0f} s: 0 missing, 0 twice",
    )


def test_the_owner_is_told_once_although_nothing_can_be_noted(disk: SmallDisk, promise: Promise):
    with run_smtp() as smtp:
        disk.resize(40)
        workspace = make_workspace(disk.folder / "work", smtp.port)
        workspace.open_database().conn.close()
        reports = make_daemon(workspace, poll=bool, analyze=bool, build_site=bool).reports
        disk.fill()
        for minutes in range(0, 60, 1):
            with pytest.raises(DiskFull):
                reports.trouble("poll", FULL_SENTENCE, NOW + timedelta(minutes=minutes))
        assert [recipients for recipients, _ in smtp.took] == [("owner@acme.example",)]
        assert b"the disk is full" in smtp.took[0][1].replace(b"=\r\n", b"")
        disk.clear()
        for minutes in range(3):  # one that was noted in time, but of which it cannot be noted that he was told
            reports.trouble("site", "the pages cannot be built", NOW + timedelta(minutes=minutes))
        disk.fill()
        for minutes in range(10, 40):
            with pytest.raises(DiskFull):
                reports.tell(NOW + timedelta(minutes=minutes))
        assert len(smtp.took) == 1
        disk.clear()
        reports.tell(NOW + timedelta(minutes=41))
        reports.tell(NOW + timedelta(minutes=42))
        assert len(smtp.took) == 2
        for _ in range(3):
            reports.over("poll", NOW + timedelta(minutes=61))
            reports.tell(NOW + timedelta(minutes=61))
        assert len(smtp.took) == 3
    promise(
        NAME, "a job fails for an hour, and no alarm can be stored", "60 failures", "owner told once, and once after"
    )


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.5)
