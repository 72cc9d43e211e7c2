"""The daemon: it only asks; restarts, faults and clocks make no digest twice and lose none."""

import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import servers
import time_machine
from digest_material import BERLIN, MONDAY
from digest_workspace import ask, make_workspace
from smtp_server import run_smtp

from digest.daemon import LONGEST_RETRY_SECONDS, Daemon, Job, Reports, make_scheduler, retry_delay
from digest.steps import poll_step
from digest.wiring import make_daemon, watch_mailbox
from harvester.database import open_database
from harvester.errors import AnswersError, ServiceDown, TryLater
from harvester.locks import hold_lock
from harvester.workspace import find_workspace

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


def nothing(database):
    return False


def daemon_of(workspace, poll=nothing, analyze=nothing):
    return make_daemon(workspace, poll=poll, analyze=analyze, build_site=nothing)


def pass_by(workspace, moment, daemon=None):
    """All jobs once, as at that moment."""
    daemon = daemon or daemon_of(workspace)
    with time_machine.travel(moment, tick=False):
        for job in daemon.jobs:
            daemon.run_job(job.name)
    return daemon


def digests(server):
    return [raw for _, raw in server.took if b"X-Answers-Harvester: digest" in raw]


def subjects(server):
    return [
        line.decode() for _, raw in server.took for line in raw.split(b"\r\n") if line.startswith(b"Subject: Answers")
    ]


@pytest.fixture
def database(workspace):
    database = workspace.open_database()
    ask(database, "Does it work with SAP?")
    yield database
    database.conn.close()


def test_a_restart_on_digest_day_sends_no_second(workspace, database, mail_server):
    pass_by(workspace, MONDAY - MINUTE)
    assert digests(mail_server) == []
    for minutes in (0, 1, 2, 60, 600, 1439):
        pass_by(workspace, MONDAY + MINUTE * minutes)  # a new daemon each time
    assert len(digests(mail_server)) == 1


def test_a_missed_monday_is_caught_up_once(workspace, database, mail_server):
    pass_by(workspace, MONDAY)
    ask(database, "Asked while it was down?", at=MONDAY + timedelta(days=2))
    for days in (9, 9.5, 10, 13.9):  # Wednesday to Sunday of the next week
        pass_by(workspace, MONDAY + timedelta(days=days))
    assert len(digests(mail_server)) == 2


@pytest.mark.parametrize(
    ("first_monday", "mondays"),
    [
        (datetime(2026, 3, 16, 8, tzinfo=BERLIN), 4),  # summer time begins on 29 March
        (datetime(2026, 10, 12, 8, tzinfo=BERLIN), 4),  # and ends on 25 October
        (datetime(2026, 12, 14, 8, tzinfo=BERLIN), 5),  # week 53 and New Year
    ],
)
def test_one_digest_a_week_through_clock_changes_and_new_year(tmp_path, first_monday, mondays):
    with run_smtp("ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        daemon = None
        sent_at = []
        for hours in range(mondays * 7 * 24 - 1):
            # Across a clock change, "in an hour" is an hour of real time.
            now = first_monday.astimezone(UTC) + timedelta(hours=hours)
            if now.astimezone(BERLIN).isoweekday() not in (1, 7) and hours % 12:
                continue
            if hours % 24 == 0:
                ask(database, f"Question {hours}?", at=now - MINUTE)
            before = len(digests(server))
            daemon = pass_by(workspace, now, daemon)
            if len(digests(server)) > before:
                sent_at.append(now.astimezone(BERLIN))
        assert [(moment.isoweekday(), moment.hour) for moment in sent_at] == [(1, 8)] * mondays
        database.conn.close()


def test_no_digest_is_made_while_the_mailbox_cannot_be_read(workspace, database, mail_server):
    path = workspace.config_path
    path.write_text(path.read_text().replace("[imap]", '[imap]\nhost = "127.0.0.1"\nsecurity = "none"'))
    workspace = find_workspace(path)
    is_down = True

    def poll(database):
        if is_down:
            raise ServiceDown("IMAP cannot be reached")
        return False

    daemon = daemon_of(workspace, poll=poll)
    for minutes in range(0, 60, 5):
        pass_by(workspace, MONDAY + MINUTE * minutes, daemon)
    assert digests(mail_server) == []
    assert subjects(mail_server) == ["Subject: Answers needs you: poll fails"]
    is_down = False
    for minutes in range(60, 70, 5):
        pass_by(workspace, MONDAY + MINUTE * minutes, daemon)
    assert len(digests(mail_server)) == 1
    assert subjects(mail_server) == [
        "Subject: Answers needs you: poll fails",
        "Subject: Answers is well again: poll fails",
    ]


def test_a_blip_is_nobodys_business(workspace, database, mail_server):
    errors = [ServiceDown("down"), ServiceDown("down"), None, None]

    def analyze(database):
        if error := errors.pop(0):
            raise error
        return False

    daemon = daemon_of(workspace, analyze=analyze)
    for minutes in range(4):
        pass_by(workspace, MONDAY - timedelta(days=1) + MINUTE * minutes, daemon)
    assert subjects(mail_server) == []


def test_trouble_that_outlives_a_restart_is_told_once(workspace, database, mail_server):
    def analyze(database):
        raise TryLater("the disk is full")

    for minutes in range(0, 120, 10):
        pass_by(workspace, MONDAY - timedelta(days=1) + MINUTE * minutes, daemon_of(workspace, analyze=analyze))
    assert subjects(mail_server) == ["Subject: Answers needs you: analyze fails"]
    pass_by(workspace, MONDAY - timedelta(hours=12))
    assert subjects(mail_server)[1:] == ["Subject: Answers is well again: analyze fails"]


def test_the_digest_goes_out_once_the_mail_server_is_back(tmp_path):
    workspace = make_workspace(tmp_path / "work", servers.free_port())
    database = workspace.open_database()
    ask(database, "Does it work with SAP?")
    daemon = daemon_of(workspace)
    for minutes in range(0, 30, 5):
        pass_by(workspace, MONDAY + MINUTE * minutes, daemon)
    with run_smtp("ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        for minutes in range(30, 40, 5):
            pass_by(workspace, MONDAY + MINUTE * minutes, daemon_of(workspace))
        assert len(digests(server)) == 1
        # Half an hour of silence is told late rather than never.
        assert [subject.split(":")[1] for subject in subjects(server)] == [
            " Answers needs you",
            " Answers is well again",
        ]
    database.conn.close()


def test_without_recipients_there_is_no_digest_job(tmp_path):
    workspace = make_workspace(tmp_path / "work", 25, to=())
    assert [job.name for job in daemon_of(workspace).jobs] == ["analyze", "site"]


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


def test_a_new_mail_is_captured_at_once_where_the_server_pushes(tmp_path, imap_server):
    workspace = make_workspace(tmp_path / "work", servers.free_port(), to=())
    path = workspace.config_path
    imap = f'host = "127.0.0.1"\nport = {imap_server.port}\nsecurity = "none"\npassword = "{servers.PASSWORD}"\n'
    path.write_text(path.read_text().replace('username = "answers@acme.example"', f'{imap}username = "{servers.USER}"'))
    workspace = find_workspace(path)
    daemon = make_daemon(workspace, poll=partial(poll_step, workspace), analyze=nothing, build_site=nothing)
    database = workspace.open_database()
    threads = [
        threading.Thread(target=daemon.work, daemon=True),
        threading.Thread(target=watch_mailbox, args=(workspace, daemon), daemon=True),
    ]
    try:
        for thread in threads:
            thread.start()
        wait_until(lambda: database["mailboxes"].count == 1)
        time.sleep(0.5)  # the watcher is in IDLE by now
        imap_server.append([b"From: ana@acme.example\r\nSubject: x\r\nMessage-ID: <1@acme.example>\r\n\r\nHello\r\n"])
        wait_until(lambda: database["messages"].count == 1)
    finally:
        daemon.stop()
        threads[0].join(timeout=10)
        database.conn.close()


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


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
