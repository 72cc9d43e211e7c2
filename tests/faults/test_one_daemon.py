"""Only one daemon works on a workspace; the second is turned away, and a killed one leaves no lock behind."""

import subprocess
import time
from pathlib import Path

import mailroom
from promises import Promise

from harvester.errors import TryLater
from harvester.locks import hold_lock

SENTENCE = "another `answers run` already works on"


def start_daemon(folder: Path) -> subprocess.Popen[str]:
    return mailroom.start(folder, "run")


def wait_until_held(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with hold_lock(folder / "run.lock", "held"):
                pass
        except TryLater:
            return
        time.sleep(0.02)
    raise AssertionError("nobody took the lock")


def timed(folder: Path, verb: str) -> tuple[subprocess.CompletedProcess[str], float]:
    started = time.monotonic()
    done = mailroom.answers(folder, verb)
    return done, time.monotonic() - started


def test_the_second_daemon_is_turned_away_and_kill_9_frees_the_lock(tmp_path: Path, full: bool, promise: Promise):
    (tmp_path / "answers.toml").write_text('[company]\nname = "M"\ndomains = ["marrowby.example"]\n')
    rounds = 10 if full else 2
    slowest = 0.0
    for _ in range(rounds):
        first = start_daemon(tmp_path)
        try:
            wait_until_held(tmp_path)
            second, seconds = timed(tmp_path, "run")
            _, start_seconds = timed(tmp_path, "doctor")  # as many imports, and nobody to wait for
            slowest = max(slowest, seconds - start_seconds)
            assert second.returncode == 75
            assert second.stderr.count("\n") == 1
            assert second.stderr.startswith(SENTENCE)
            assert first.poll() is None
        finally:
            first.kill()
            first.communicate()
        with hold_lock(tmp_path / "run.lock", "still held after kill -9"):
            pass
    assert slowest < 2
    promise(
        "one daemon",
        "a second `answers run`; then SIGKILL of the first",
        rounds,
        "the second ends as soon as Python has started, exit code 75, one sentence; the lock is free at once",
    )


def test_of_several_started_at_once_one_stays(tmp_path: Path, promise: Promise):
    (tmp_path / "answers.toml").write_text('[company]\nname = "M"\ndomains = ["marrowby.example"]\n')
    daemons = [start_daemon(tmp_path) for _ in range(5)]
    try:
        deadline = time.monotonic() + 60
        while sum(daemon.poll() is None for daemon in daemons) > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        codes = [daemon.poll() for daemon in daemons]
    finally:
        for daemon in daemons:
            daemon.kill()
            daemon.communicate()
    assert sorted(code for code in codes if code is not None) == [75] * 4
    promise("one daemon", "five started at once", 1, "one stays, four end with exit code 75")
