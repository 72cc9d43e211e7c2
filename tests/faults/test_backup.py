"""A backup is whole whatever goes on meanwhile; bringing it back loses nothing and sends nothing again."""

import hashlib
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mailroom
import old_databases
import pytest
import time_machine
from archive import CONFIG, Archive
from promises import Promise
from servers import PASSWORD, USER, ImapServer
from smtp_server import SmtpServer, run_smtp

from harvester.database import open_database
from harvester.files import hash_mail
from harvester.records import RawMail
from harvester.resources import data_folder
from harvester.store import store_captures

NAME = "backup and restore"
MONDAY = datetime(2026, 11, 16, 8, 30, tzinfo=UTC)
SUNDAY = MONDAY - timedelta(hours=20)
SAMPLES = sorted((data_folder() / "sample" / "mails").glob("*.eml"))


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with run_smtp() as server:
        yield server


def make_archive(folder: Path, imap_port: int, smtp_port: int) -> Archive:
    folder.mkdir()
    config = folder / "answers.toml"
    config.write_text(CONFIG.format(imap=imap_port, smtp=smtp_port, user=USER, password=PASSWORD))
    config.chmod(0o600)
    return Archive(folder)


def check(path: Path) -> int:
    """Number of mails of a backup in which everything is whole; fails otherwise."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert connection.execute("pragma foreign_key_check").fetchall() == []
        rows = connection.execute("select sha256, raw from messages").fetchall()
        captured = connection.execute("select count(distinct message) from captures").fetchone()[0]
    assert all(hashlib.sha256(raw).hexdigest() == sha256 for sha256, raw in rows)
    assert captured == len(rows)
    return len(rows)


@contextmanager
def writing(path: Path) -> Iterator[threading.Event]:
    """Somebody stores batch after batch as fast as he can, as `answers poll` does."""
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        database = open_database(path)
        number = 0
        while not stop.is_set():
            raws = [b"Subject: %d\r\n\r\n%s\r\n" % (number + one, os.urandom(3000).hex().encode()) for one in range(50)]
            number += len(raws)
            store_captures(
                database, [RawMail(raw, hash_mail(raw), Path(f"{number}.eml"), MONDAY) for raw in raws], MONDAY
            )
            begun.set()
        database.conn.close()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(20)
    try:
        yield stop
    finally:
        stop.set()
        writer.join()


def test_six_backups_under_a_writer_are_whole(tmp_path: Path, promise: Promise):
    archive = make_archive(tmp_path / "work", 1, 1)
    archive.run("status")
    counts = []
    with writing(archive.folder / "answers.db"):
        for number in range(6):
            path = tmp_path / f"{number}.backup"
            before = archive.rows("select count(*) from messages")[0][0]
            made = archive.json("backup", str(path))
            after = archive.rows("select count(*) from messages")[0][0]
            counts.append(check(path))
            assert counts[-1] == made["mails"]
            assert before <= counts[-1] <= after
            assert counts[-1] % 50 == 0  # a batch is in it whole or not at all
            assert path.stat().st_mode & 0o777 == 0o600
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    promise(
        NAME,
        "`answers backup` while another process stores batch after batch",
        f"6 backups of {counts[0]:,} to {counts[-1]:,} mails",
        "6 of 6 whole: integrity ok, every hash right, no batch by half",
    )


@pytest.mark.parametrize("loss", ["everything", "nothing", "damaged"])
def test_restoring_and_polling_loses_nothing_and_sends_nothing_again(
    dovecot: ImapServer, smtp: SmtpServer, tmp_path: Path, loss: str, promise: Promise
):
    mails = [path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for path in SAMPLES[:24]]
    archive = make_archive(tmp_path / "work", dovecot.port, smtp.port)
    backup = tmp_path / "sunday.backup"
    with time_machine.travel(SUNDAY, tick=True):
        dovecot.append(mails[:16])
        archive.run("poll")
        archive.run("analyze")
        archive.run("digest", "--due")
        archive.run("backup", str(backup))
    with time_machine.travel(MONDAY, tick=True) as clock:
        dovecot.append(mails[16:])
        archive.run("poll")
        archive.run("analyze")
        archive.run("digest", "--due")
        sent = [raw for recipients, raw in smtp.took if "marketing@marrowby.example" in recipients]
        assert len(sent) == 2
        copies = [raw for recipients, raw in smtp.took if USER in recipients]
        dovecot.append(copies)
        folder = archive.folder
        if loss == "everything":
            folder = tmp_path / "new machine"
            folder.mkdir()
        elif loss == "damaged":
            for path in folder.glob("answers.db-*"):
                path.unlink()
            with (folder / "answers.db").open("r+b") as file:
                file.seek(4096 * 3)
                file.write(b"\xff" * 40_000)
        clock.shift(3600)
        restored = Archive(folder)
        said = restored.json("restore", str(backup))
        assert said["mails"] == 16
        assert said["unknown"] == ([] if loss == "nothing" else ["2026-W47"])
        if loss == "everything":
            assert PASSWORD not in (folder / "answers.toml").read_text()
            os.environ["ANSWERS_IMAP__PASSWORD"] = PASSWORD
        try:
            for _ in range(2):
                restored.run("poll")
                restored.run("analyze")
                restored.run("digest", "--due")
                clock.shift(3600)
        finally:
            os.environ.pop("ANSWERS_IMAP__PASSWORD", None)
        found = mailroom.compare(folder, [*mails, *normalised(dovecot, len(copies))])
        assert found.is_whole, found
        assert [raw for recipients, raw in smtp.took if "marketing@marrowby.example" in recipients] == sent
        weeks = restored.rows("select week, state from outbox order by week")
        assert weeks == [("2026-W46", "sent"), ("2026-W47", "sent")]
    promise(
        NAME,
        f"backup on Sunday, digest on Monday, lost: {loss}; `restore`, then poll, analyze, `digest --due` twice",
        f"{len(mails)} mails, 8 of them after the backup",
        "0 missing, 0 twice, 0 altered, 0 digests sent again",
    )


def normalised(dovecot: ImapServer, copies: int) -> list[bytes]:
    """What the server gives for the copies of the digest."""
    with dovecot.connect() as client:
        client.select_folder("INBOX", readonly=True)
        uids = client.search("ALL")[-copies:] if copies else []
        return [found[b"BODY[]"] for found in client.fetch(uids, ["BODY.PEEK[]"]).values()]


def test_without_a_copy_in_the_mailbox_no_digest_goes_out_twice_and_a_person_can_send_it(
    dovecot: ImapServer, smtp: SmtpServer, tmp_path: Path, promise: Promise
):
    archive = make_archive(tmp_path / "work", dovecot.port, smtp.port)
    with time_machine.travel(SUNDAY, tick=True):
        dovecot.append([path.read_bytes() for path in SAMPLES[:12]])
        archive.run("poll")
        archive.run("analyze")
        archive.run("digest", "--due")
        archive.run("backup", str(tmp_path / "b"))
    smtp.took.clear()
    (archive.folder / "answers.db").unlink()
    with time_machine.travel(MONDAY, tick=True):
        archive.run("restore", str(tmp_path / "b"))
        dovecot.append([path.read_bytes() for path in SAMPLES[12:18]])
        archive.run("poll")
        archive.run("analyze")
        archive.run("digest", "--due")
        assert smtp.took == []
        assert any("2026-W47" in warning for warning in archive.json("status")["warnings"])
        archive.run("digest", "--resend", "--week", "2026-W47")
        assert len(smtp.took) == 1
    with time_machine.travel(MONDAY + timedelta(days=7), tick=True):
        dovecot.append([path.read_bytes() for path in SAMPLES[18:24]])
        archive.run("poll")
        archive.run("analyze")
        archive.run("digest", "--due")
        assert len(smtp.took) == 2
    promise(
        NAME,
        "the same, and the mailbox holds no copy of that digest",
        "1 week",
        "none sent by itself, `status` says so, `--resend` sends it once; the next week's goes out",
    )


def test_no_secret_gets_into_a_backup_unless_asked_for(tmp_path: Path, promise: Promise):
    archive = make_archive(tmp_path / "work", 1, 1)
    (archive.folder / "smtp.secret").write_text("canary-of-a-file-99")
    (archive.folder / "smtp.secret").chmod(0o600)
    (archive.folder / "answers.toml").write_text(
        CONFIG.format(imap=1, smtp=1, user=USER, password=PASSWORD).replace(
            "[smtp]", '[smtp]\npassword_file = "smtp.secret"'
        )
    )
    plain = archive.json("backup", str(tmp_path / "plain"))
    assert plain["left_out"] == ["passwords", "smtp.secret"]
    assert PASSWORD.encode() not in (tmp_path / "plain").read_bytes()
    assert b"canary-of-a-file-99" not in (tmp_path / "plain").read_bytes()
    assert b"Marrowby" in (tmp_path / "plain").read_bytes()
    archive.run("backup", str(tmp_path / "full"), "--with-secrets")
    assert PASSWORD.encode() in (tmp_path / "full").read_bytes()
    assert b"canary-of-a-file-99" in (tmp_path / "full").read_bytes()
    promise(NAME, "passwords in answers.toml and in a file of their own", "2 backups", "0 hits unless --with-secrets")


def test_what_cannot_be_restored_is_refused_and_changes_nothing(tmp_path: Path, promise: Promise):
    archive = make_archive(tmp_path / "work", 1, 1)
    archive.run("load", *map(str, SAMPLES[:5]))
    path = archive.folder / "answers.db"
    good = tmp_path / "good"
    archive.run("backup", str(good))
    archive.run("load", *map(str, SAMPLES[5:8]))
    damaged, newer, other, text = (tmp_path / name for name in ("damaged", "newer", "other", "text"))
    raw = bytearray(good.read_bytes())
    raw[8192:60_000] = b"\xee" * (60_000 - 8192)
    damaged.write_bytes(raw)
    shutil.copy(good, newer)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("insert into schema_migrations values (9001, 'future', '2030-01-01')")
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("create table songs (name text)")
    text.write_text("no database at all\n" * 100)
    before = old_databases.contents(path)
    for source, sentence in (
        (damaged, "damaged"),
        (newer, "newer version"),
        (other, "is no backup"),
        (text, "is no backup"),
        (tmp_path / "absent", "is not there"),
        (archive.folder, "is not there"),
    ):
        done = mailroom.answers(archive.folder, "restore", str(source))
        assert done.returncode in (1, 2), done
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert old_databases.contents(path) == before
    daemon = mailroom.start(archive.folder, "run")
    try:
        deadline = time.monotonic() + 30
        while not (archive.folder / "run.lock").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        done = mailroom.answers(archive.folder, "restore", str(good))
        assert done.returncode == 75
        assert "stop it" in done.stderr
    finally:
        daemon.terminate()
        daemon.communicate(timeout=60)
    assert archive.rows("select count(*) from messages") == [(8,)]
    assert [one.name for one in archive.folder.iterdir() if "restoring" in one.name] == []
    promise(
        NAME,
        "a damaged file, a newer schema, another database, text, nothing, a running daemon",
        "7 refusals",
        "one sentence each, the archive as before",
    )


@pytest.mark.parametrize("state", ["sound", "damaged"])
def test_killed_while_restoring_it_is_the_old_archive_or_the_backup(
    tmp_path: Path, full: bool, promise: Promise, state: str
):
    master = make_archive(tmp_path / "master", 1, 1)
    master.run("load", *map(str, SAMPLES[:5]))
    backup = tmp_path / "five"
    master.run("backup", str(backup))
    master.run("load", *map(str, SAMPLES[5:40]))
    if state == "damaged":
        for path in master.folder.glob("answers.db-*"):
            path.unlink()
        with (master.folder / "answers.db").open("r+b") as file:
            file.seek(4096 * 2)
            file.write(b"\xff" * 60_000)
    log = tmp_path / "whole.log"
    assert (
        mailroom.answers(master.copy(tmp_path / "whole").folder, "restore", str(backup), crash=(log, 0)).returncode == 0
    )
    side_effects = len(log.read_text().splitlines())
    points = sorted({*range(1, side_effects + 1, max(1, side_effects // (60 if full else 3))), side_effects - 1})
    seen = []
    for point in points:
        copy = master.copy(tmp_path / f"point-{point}")
        done = mailroom.answers(copy.folder, "restore", str(backup), crash=(tmp_path / "points.log", point))
        assert done.returncode == -signal.SIGKILL, point
        try:
            seen.append(copy.rows("select count(*) from messages")[0][0])
            assert seen[-1] in ((5, 40) if state == "sound" else (0, 5, 40)), (point, seen[-1])
            if state == "sound":
                assert copy.rows("pragma integrity_check") == [("ok",)]
        except sqlite3.DatabaseError:
            assert state == "damaged"  # still the damaged one, or moved aside
        copy.run("restore", str(backup))
        assert check(copy.folder / "answers.db") == 5
        shutil.rmtree(copy.folder)
    if state == "sound":
        assert set(seen) == {5, 40}
    promise(
        NAME,
        f"SIGKILL of `answers restore` at its n-th side effect; the archive before: {state}",
        f"{len(points)} of N = {side_effects} points",
        "the archive as before or the backup, whole; restoring again succeeds",
    )


def test_what_was_forgotten_stays_forgotten_after_restoring(tmp_path: Path, promise: Promise):
    archive = make_archive(tmp_path / "work", 1, 1)
    archive.run("load", *map(str, SAMPLES[:12]))
    archive.run("analyze")
    archive.run("backup", str(tmp_path / "before"))
    domain = archive.rows("select company from insights where company not like '%@%' limit 1")[0][0]
    insights = archive.rows(f"select count(*) from insights where company <> '{domain}'")
    archive.run("forget", domain, "--yes")
    assert domain.encode() in (tmp_path / "before").read_bytes()
    said = archive.json("restore", str(tmp_path / "before"))
    assert said["erased_again"] == 1
    archive.run("load", *map(str, SAMPLES[:12]))
    archive.run("analyze", "--all")
    for path in archive.folder.glob("answers.db*"):
        assert domain.encode() not in path.read_bytes(), path
    assert archive.rows("select count(*) from insights") == insights
    promise(NAME, "a backup from before somebody was forgotten", "1 restore, `load`, `analyze --all`", "still 0 hits")
