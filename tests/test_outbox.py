"""At most one digest a week and recipient, whatever the mail server, the network or the power does."""

import email
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
import servers
from digest_material import MONDAY
from digest_workspace import ask, make_workspace, receive
from sent_mails import WEEK, digests, notices, state
from smtp_server import run_smtp

from digest.dispatch import MARKETING, resend_digest, send_digest, send_due_digest
from digest.notices import tell_owner
from digest.store import find_entry, load_alarms
from harvester.errors import (
    DeliveryRefused,
    DeliveryUnknown,
    ServiceDown,
    TryLater,
    UsageError,
)

EVERYBODY = {"marketing@acme.example", "answers@acme.example"}


@pytest.fixture
def database(workspace):
    database = workspace.open_database()
    ask(database, "Does it work with our old SAP system?", topic=1)
    ask(database, "Would it read from SAP at night?", company="initech.example", topic=1)
    yield database
    database.conn.close()


def test_a_digest_arrives_once_at_everybody_and_at_our_own_mailbox(workspace, database, mail_server):
    outcome = send_digest(workspace, database, MONDAY)
    assert outcome.state == "sent"
    ((recipients, raw),) = mail_server.took
    assert set(recipients) == EVERYBODY
    found = email.message_from_bytes(raw, policy=policy.default)
    assert found["To"] == "marketing@acme.example"
    assert found["Subject"] == '"Topic 1?" - 2 companies, new'
    entry = find_entry(database, MARKETING, WEEK)
    assert (entry.state, entry.pending, entry.message_id) == ("sent", (), found["Message-ID"])
    assert raw == entry.mail


def test_the_sent_mail_is_in_the_outbox_folder(workspace, database, mail_server):
    folder = send_digest(workspace, database, MONDAY).folder
    assert folder == workspace.outbox_folder / WEEK
    assert (folder / "digest.eml").read_bytes() == mail_server.took[0][1]
    assert "Topic 1?" in (folder / "digest.txt").read_text()
    assert "Topic 1?" in (folder / "digest.html").read_text()
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert oct((folder / "digest.eml").stat().st_mode & 0o777) == "0o600"


def test_a_second_call_in_the_same_week_sends_nothing(workspace, database, mail_server):
    send_digest(workspace, database, MONDAY)
    ask(database, "Something new?", at=MONDAY + timedelta(hours=1))
    assert send_digest(workspace, database, MONDAY + timedelta(days=1)).state == "already"
    assert send_due_digest(workspace, database, MONDAY + timedelta(days=1)).state == "not-due"
    assert len(mail_server.took) == 1
    assert send_due_digest(workspace, database, MONDAY + timedelta(days=7)).state == "sent"
    assert len(mail_server.took) == 2


@pytest.mark.parametrize(
    ("fault", "error", "exit_code"),
    [("drop_at_data", ServiceDown, 69), ("busy", TryLater, 75)],
)
def test_what_surely_did_not_go_out_is_sent_again_with_the_same_bytes(tmp_path, fault, error, exit_code):
    with run_smtp(fault, fault, "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        for _ in range(2):
            with pytest.raises(error) as caught:
                send_due_digest(workspace, database, MONDAY)
            assert caught.value.exit_code == exit_code
            assert state(database) == "frozen"
        frozen = find_entry(database, MARKETING, WEEK).mail
        ask(database, "Something that came later?", at=MONDAY + timedelta(minutes=5))
        assert send_due_digest(workspace, database, MONDAY + timedelta(hours=2)).state == "sent"
        assert [raw for _, raw in server.took] == [frozen]
        database.conn.close()


@pytest.mark.parametrize("fault", ["drop_after_data", "stall_after_data", "drop_untaken"])
def test_what_may_have_gone_out_is_not_sent_again_and_the_owner_is_told_once(tmp_path, fault):
    with run_smtp(fault, "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port, timeout=1)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(DeliveryUnknown, match="--resend --week 2026-W47"):
            send_due_digest(workspace, database, MONDAY)
        assert state(database) == "unknown"
        for minutes in range(1, 4):
            now = MONDAY + timedelta(minutes=minutes)
            assert send_due_digest(workspace, database, now).state == "not-due"
            tell_owner(workspace.config, database, now)
        assert len(digests(server)) == (0 if fault == "drop_untaken" else 1)
        ((recipients, notice),) = notices(server)
        assert recipients == ("owner@acme.example",)
        assert notice["To"] == "owner@acme.example"
        assert WEEK in notice["Subject"]
        assert "--resend" in notice.get_content()
        database.conn.close()


def test_a_copy_in_our_own_mailbox_proves_that_it_went_out(tmp_path):
    with run_smtp("drop_after_data", "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(DeliveryUnknown):
            send_due_digest(workspace, database, MONDAY)
        tell_owner(workspace.config, database, MONDAY)
        receive(database, find_entry(database, MARKETING, WEEK).message_id, MONDAY)
        now = MONDAY + timedelta(minutes=10)
        assert send_due_digest(workspace, database, now).state == "not-due"
        assert state(database) == "sent"
        tell_owner(workspace.config, database, now)
        assert [notice["Subject"].split(":")[0] for _, notice in notices(server)] == [
            "Answers needs you",
            "Answers is well again",
        ]
        assert load_alarms(database) == ()
        assert len(digests(server)) == 1
        database.conn.close()


SEND = """
import sys, pathlib
sys.path.insert(0, {tests!r})
from digest_material import MONDAY
from digest.dispatch import send_due_digest
from harvester.workspace import find_workspace
workspace = find_workspace(pathlib.Path({config!r}))
print("go", flush=True)
send_due_digest(workspace, workspace.open_database(), MONDAY)
"""


def kill_while_sending(workspace, until):
    script = SEND.format(tests=str(Path(__file__).parent), config=str(workspace.config_path))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent)
    deadline = time.monotonic() + 20
    while not until() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert until()


def test_kill_after_the_mail_was_taken_sends_no_second(tmp_path):
    with run_smtp("stall_after_data", "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        kill_while_sending(workspace, lambda: len(server.took) == 1)
        assert state(database) == "sending"
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=1)).state == "not-due"
        assert state(database) == "unknown"
        assert [alarm.key for alarm in load_alarms(database)] == ["digest:2026-W47"]
        assert len(digests(server)) == 1
        database.conn.close()


def test_kill_before_the_mail_was_handed_over_sends_it_later(tmp_path):
    with run_smtp("ok") as server:
        workspace = make_workspace(tmp_path / "work", servers.free_port())
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(ServiceDown) as caught:
            send_due_digest(workspace, database, MONDAY)
        assert caught.value.exit_code == 69
        assert state(database) == "frozen"
        workspace = make_workspace(tmp_path / "work", server.port)
        assert send_due_digest(workspace, database, MONDAY + timedelta(hours=1)).state == "sent"
        assert len(server.took) == 1
        database.conn.close()


def test_a_note_to_the_owner_that_may_be_lost_is_sent_again_an_hour_later(tmp_path):
    with run_smtp("drop_untaken", "drop_untaken", "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(DeliveryUnknown):
            send_due_digest(workspace, database, MONDAY)
        for minutes in range(0, 180, 10):
            tell_owner(workspace.config, database, MONDAY + timedelta(minutes=minutes))
        assert server.connections == 3
        assert len(notices(server)) == 1
        database.conn.close()


def test_a_refused_mail_is_not_tried_again_by_itself(tmp_path):
    with run_smtp("refuse", "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(DeliveryRefused, match="550"):
            send_due_digest(workspace, database, MONDAY)
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=1)).state == "not-due"
        with pytest.raises(DeliveryRefused, match="--resend"):
            send_digest(workspace, database, MONDAY + timedelta(minutes=1))
        assert digests(server) == []
        assert resend_digest(workspace, database, MONDAY + timedelta(hours=1), None).state == "sent"
        assert len(digests(server)) == 1
        database.conn.close()


def test_resend_sends_the_same_bytes_to_everybody(workspace, database, mail_server):
    send_digest(workspace, database, MONDAY)
    ask(database, "Something new?", at=MONDAY + timedelta(hours=1))
    resend_digest(workspace, database, MONDAY + timedelta(days=2), WEEK)
    assert mail_server.took[0] == mail_server.took[1]
    with pytest.raises(UsageError, match="2026-W40"):
        resend_digest(workspace, database, MONDAY, "2026-W40")


def test_two_at_the_same_time_send_one(tmp_path):
    with run_smtp("stall_after_data") as server:
        workspace = make_workspace(tmp_path / "work", server.port, timeout=2)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        outcomes = []

        def send():
            own = workspace.open_database()
            try:
                outcomes.append(send_due_digest(workspace, own, MONDAY).state)
            except (TryLater, DeliveryUnknown) as error:
                outcomes.append(type(error).__name__)
            own.conn.close()

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["DeliveryUnknown", "TryLater", "TryLater", "TryLater"]
        assert len(server.took) == 1
        database.conn.close()


def test_names_companies_numbers_and_links_of_prospects_never_reach_the_mail(workspace, mail_server):
    database = workspace.open_database()
    message = ask(
        database,
        "Could you call Li Wen at Globex on +49 30 1234567, write to li@globex.example or see https://globex.example/x?",
        topic=1,
    )
    database.conn.execute("insert into people values (?, 'from', 'li@globex.example', 'Li Wen', 0)", (message,))
    database.conn.execute("update topics set name = 'Should we ask Li Wen of Globex?'")
    send_digest(workspace, database, MONDAY)
    found = email.message_from_bytes(mail_server.took[0][1], policy=policy.default)
    forms = [found["Subject"], *(part.get_content() for part in found.iter_parts())]
    for form in forms:
        for private in ("Wen", "Globex", "globex.example", "1234567"):
            assert private not in form
    assert "[link]" in forms[1]
    database.conn.close()
