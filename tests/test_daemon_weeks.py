"""A daemon with a real workspace: restarts, faults and clocks make no digest twice and lose none."""

import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import servers
import time_machine
from digest_material import BERLIN, MONDAY
from digest_workspace import ask, make_workspace
from smtp_server import run_smtp

from digest.steps import poll_step
from digest.wiring import make_daemon, watch_mailbox
from harvester.errors import ServiceDown, TryLater
from harvester.workspace import find_workspace

MINUTE = timedelta(minutes=1)


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
