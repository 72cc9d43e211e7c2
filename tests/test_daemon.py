"""The daemon only asks: jobs wake each other, wait, fail and end; locks let one in."""

import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from digest_material import MONDAY

from digest.daemon import LONGEST_RETRY_SECONDS, Daemon, Job, Reports, make_scheduler, retry_delay
from harvester.database import open_database
from harvester.errors import AnswersError, ServiceDown, TryLater
from harvester.locks import hold_lock

ROOT = Path(__file__).parent.parent
MINUTE = timedelta(minutes=1)


@dataclass
class Log:
    """What was reported, and a clock that stands still."""

    now: datetime = MONDAY
    said: list[tuple[str, str]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)

    def reports(self):
        return Reports(
            trouble=lambda job, sentence, now: self.said.append((job, sentence)),
            over=lambda job, now: self.said.append((job, "over")),
            tell=lambda now: None,
        )

    def job(self, name, *, error=None, news=False, **settings):
        def run():
            self.ran.append(name)
            if error is not None:
                raise error
            return news

        return Job(name, MINUTE * 10, run, **settings)

    def daemon(self, *jobs):
        return Daemon(jobs, self.reports(), clock=lambda: self.now, chance=lambda: 1.0)


def test_news_wake_the_next_job_and_silence_does_not():
    log = Log()
    daemon = log.daemon(
        log.job("poll", news=True, wakes=("analyze",)), log.job("analyze", wakes=("site",)), log.job("site")
    )
    daemon.ring("poll")
    while (name := daemon._next()) is not None:
        daemon.run_job(name)
    assert log.ran == ["poll", "analyze"]


def test_asking_twice_before_it_runs_is_asking_once():
    log = Log()
    daemon = log.daemon(log.job("poll"))
    daemon.ring("poll")
    daemon.ring("poll")
    assert [daemon._next(), daemon._next()] == ["poll", None]


def test_a_failing_job_waits_longer_each_time_but_never_a_minute():
    delays = [retry_delay(failures, 1.0).total_seconds() for failures in range(1, 12)]
    assert delays[:4] == [5, 10, 20, 40]
    assert max(delays) == LONGEST_RETRY_SECONDS < 60
    spread = {retry_delay(5, chance / 10).total_seconds() for chance in range(11)}
    assert min(spread) == LONGEST_RETRY_SECONDS / 2
    assert len(spread) == 11
    assert retry_delay(10_000, 0).total_seconds() > 0


def test_nothing_is_tried_before_the_delay_is_over():
    log = Log()
    daemon = log.daemon(log.job("poll", error=ServiceDown("the server is down")))
    assert not daemon.run_job("poll")
    log.now += timedelta(seconds=4)
    daemon.run_job("poll")
    assert log.ran == ["poll"]
    log.now += timedelta(seconds=1)
    daemon.ring_again()
    assert daemon._next() == "poll"
    daemon.run_job("poll")
    assert log.ran == ["poll", "poll"]
    assert log.said == [("poll", "the server is down")] * 2


def test_a_job_that_needs_another_waits_until_that_works():
    log = Log()
    errors = [ServiceDown("down"), None]

    def poll():
        log.ran.append("poll")
        if error := errors.pop(0):
            raise error
        return False

    daemon = log.daemon(Job("poll", MINUTE, poll), log.job("digest", needs=("poll",)))
    assert not daemon.run_job("digest")
    assert not daemon.run_job("poll")
    assert not daemon.run_job("digest")
    log.now += MINUTE
    assert daemon.run_job("poll")
    assert daemon.run_job("digest")
    assert log.ran == ["poll", "poll", "digest"]


def test_an_unexpected_error_ends_the_job_and_not_the_daemon():
    log = Log()
    daemon = log.daemon(log.job("site", error=ZeroDivisionError("li@globex.example")), log.job("poll"))
    assert not daemon.run_job("site")
    assert daemon.run_job("poll")
    assert "ZeroDivisionError" in log.said[0][1]
    assert "globex" not in log.said[0][1]


def test_the_scheduler_drops_no_late_run_and_stacks_none():
    log = Log()
    daemon = log.daemon(log.job("poll"), log.job("digest"))
    scheduler = make_scheduler(daemon)
    scheduler.start(paused=True)
    try:
        jobs = scheduler.get_jobs()
        assert {job.id for job in jobs} >= {"poll", "digest"}
        for job in jobs:
            assert job.misfire_grace_time is None
            assert job.coalesce is True
            assert job.max_instances == 1
    finally:
        scheduler.shutdown()


DAEMON = """
import sys, time
from datetime import timedelta
from digest.daemon import Daemon, Job, Reports, run_daemon
def work():
    print("working", flush=True)
    time.sleep({seconds})
    print("done", flush=True)
    return False
reports = Reports(lambda *a: None, lambda *a: None, lambda *a: None)
run_daemon(Daemon((Job("work", timedelta(hours=1), work),), reports), grace_seconds={grace})
print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("seconds", "grace", "said"),
    [(0, 5, ["working", "done", "stopped"]), (1, 5, ["working", "done", "stopped"]), (60, 0.3, ["working", "stopped"])],
)
def test_a_signal_lets_the_job_end_or_interrupts_it_after_the_grace(number, seconds, grace, said):
    script = DAEMON.format(seconds=seconds, grace=grace)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout.readline() == "working\n"
    time.sleep(0.2)
    process.send_signal(number)
    started = time.monotonic()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert [line for line in ("working\n" + output).splitlines() if " " not in line] == said
    assert time.monotonic() - started < 10


def test_an_idle_daemon_uses_next_to_no_cpu():
    log = Log()
    daemon = log.daemon(log.job("poll"))
    scheduler = make_scheduler(daemon)
    scheduler.start()
    before = time.process_time()
    threading.Timer(2, daemon.stop).start()
    daemon.work()
    scheduler.shutdown()
    assert time.process_time() - before < 0.1


LOCK = """
import sys, time, pathlib
from harvester.locks import hold_lock
with hold_lock(pathlib.Path(sys.argv[1]), "taken"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_turns_the_second_away_at_once_and_dies_with_its_holder(tmp_path):
    path = tmp_path / "run.lock"
    holder = subprocess.Popen([sys.executable, "-c", LOCK, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert holder.stdout.readline() == "held\n"
    started = time.monotonic()
    with pytest.raises(TryLater, match="another one works here"), hold_lock(path, "another one works here"):
        pytest.fail("two held the lock")
    assert time.monotonic() - started < 0.5
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with hold_lock(path, "another one works here"):
        assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_several_that_start_at_once_share_one_new_database(tmp_path):
    for attempt in range(10):
        path = tmp_path / f"{attempt}.db"
        together = threading.Barrier(4)
        failures = []

        def start(path=path, together=together, failures=failures):
            together.wait()
            try:
                open_database(path).conn.close()
            except AnswersError as error:
                failures.append(str(error))

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
