"""Killed at any moment, the command loses no mail, stores none twice and alters none."""

import random
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import mailroom
from promises import Promise
from servers import ImapServer

from harvester.capture import poll
from harvester.workspace import find_workspace

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
NAME = "every mail captured once, byte-identical"


def kill_at_random(folder: Path, chance: random.Random, longest_seconds: float) -> bool:
    """Whether it was still running when it was killed."""
    process = mailroom.start(folder, "poll")
    time.sleep(chance.uniform(0.1, longest_seconds))
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def kill_at_point(folder: Path, log: Path, point: int) -> bool:
    return mailroom.answers(folder, "poll", crash=(log, point)).returncode == -signal.SIGKILL


def count_side_effects(folder: Path, log: Path) -> int:
    assert mailroom.answers(folder, "poll", crash=(log, 0)).returncode == 0
    return len(log.read_text().splitlines())


def test_3000_mails_survive_kills_at_random_times_and_points(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    mails = mailroom.make_mails(3000 if full else 500)
    mailroom.deliver(dovecot, mails)
    started = time.monotonic()
    side_effects = count_side_effects(mailroom.make_workspace(tmp_path / "whole", dovecot), tmp_path / "whole.log")
    seconds = time.monotonic() - started
    assert mailroom.compare(tmp_path / "whole", mails).is_whole
    chance = random.Random(11)
    kills = rounds = 0
    log = tmp_path / "points.log"
    while kills < (60 if full else 6):
        rounds += 1
        folder = mailroom.make_workspace(tmp_path / f"round-{rounds}", dovecot)
        has_ended = False
        while not has_ended:
            if chance.random() < 0.4:
                was_killed = kill_at_random(folder, chance, seconds)
            else:
                was_killed = kill_at_point(folder, log, chance.randrange(1, side_effects))
            kills += was_killed
            has_ended = not was_killed
        assert mailroom.answers(folder, "poll").returncode == 0
        found = mailroom.compare(folder, mails)
        assert found.is_whole, found
    points = len(set(log.read_text().splitlines()))
    assert points >= (20 if full else 3)
    promise(
        NAME,
        f"{len(mails):,} mails on Dovecot; SIGKILL of `answers poll` at random times and points, again and again",
        f"{kills} kills, {points} distinct points, {rounds} archives",
        "0 missing, 0 twice, 0 altered, integrity ok",
    )


def test_a_crash_after_every_single_side_effect_loses_nothing(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    mails = mailroom.make_mails(5)
    mailroom.deliver(dovecot, mails)
    changes = {"after": "move:Done"}
    with dovecot.connect() as client:
        client.create_folder("Done")
    first = mailroom.make_workspace(tmp_path / "whole", dovecot, **changes)
    side_effects = count_side_effects(first, tmp_path / "whole.log")
    points = range(1, side_effects + 1, 1 if full else 20)
    log = tmp_path / "points.log"
    for point in points:
        with dovecot.connect() as client:
            client.select_folder("Done")
            if uids := client.search("ALL"):
                client.move(uids, "INBOX")
        folder = mailroom.make_workspace(tmp_path / f"point-{point}", dovecot, **changes)
        assert kill_at_point(folder, log, point), point
        with dovecot.connect() as client:
            moved = client.select_folder("Done", readonly=True)[b"EXISTS"]
        if moved:  # only what is safely stored may have been moved
            assert mailroom.compare(folder, mails).missing == 0
        workspace = find_workspace(folder / "answers.toml")
        database = workspace.open_database()
        poll(database, workspace.config.imap, NOW, lambda count: None)
        database.conn.close()
        found = mailroom.compare(folder, mails)
        assert found.is_whole, (point, found)
        with dovecot.connect() as client:
            assert client.select_folder("Done", readonly=True)[b"EXISTS"] == len(mails)
    kinds = {" ".join(line.split()[1:]) for line in log.read_text().splitlines()}
    promise(
        NAME,
        "a new archive and `after = move:Done`; SIGKILL after the n-th side effect, n = 1 to N, then one more poll",
        f"{len(points)} of N = {side_effects} points, {len(kinds)} kinds",
        "0 missing, 0 twice, 0 altered, integrity ok; nothing moved that was not stored",
    )
