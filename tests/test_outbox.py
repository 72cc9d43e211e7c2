"""At most one digest a week and recipient, whatever the mail server, the network or the power does."""

import email
import os
import signal
import ssl
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
from smtp_server import run_smtp

from digest.dispatch import MARKETING, resend_digest, send_digest, send_due_digest, write_digest
from digest.notices import tell_owner
from digest.records import OutgoingMail
from digest.smtp import check_login, deliver
from digest.store import change_state, find_entry, load_alarms, load_entries
from harvester.config import load_config
from harvester.errors import (
    ConfigurationError,
    DeliveryRefused,
    DeliveryUnknown,
    ServiceDown,
    TryLater,
    UsageError,
)
from harvester.workspace import find_workspace

WEEK = "2026-W47"
FIVE = (*(f"m{n}@acme.example" for n in range(4)), "bad@acme.example")
EVERYBODY = {"marketing@acme.example", "answers@acme.example"}


@pytest.fixture
def database(workspace):
    database = workspace.open_database()
    ask(database, "Does it work with our old SAP system?", topic=1)
    ask(database, "Would it read from SAP at night?", company="initech.example", topic=1)
    yield database
    database.conn.close()


def state(database, week=WEEK):
    entry = find_entry(database, MARKETING, week)
    return entry.state if entry else None


def digests(server):
    return [(set(to), raw) for to, raw in server.took if b"X-Answers-Harvester: digest" in raw]


def notices(server):
    return [(to, email.message_from_bytes(raw, policy=policy.default)) for to, raw in server.took if b": notice" in raw]


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


def test_one_refused_recipient_does_not_keep_it_from_the_others(tmp_path):
    with run_smtp("refuse_bad", "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port, to=FIVE)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        assert send_due_digest(workspace, database, MONDAY).state == "sent"
        tell_owner(workspace.config, database, MONDAY)
        ((recipients, _),) = digests(server)
        assert recipients == {*FIVE, "answers@acme.example"} - {"bad@acme.example"}
        ((_, notice),) = notices(server)
        assert "bad@acme.example" in notice.get_content()
        assert state(database) == "sent"
        database.conn.close()


def test_a_recipient_put_off_gets_it_later_and_the_others_only_once(tmp_path):
    with run_smtp("defer_bad", "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port, to=FIVE)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(TryLater):
            send_due_digest(workspace, database, MONDAY)
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=5)).state == "sent"
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=9)).state == "not-due"
        assert [sorted(to) for to, _ in digests(server)] == [
            sorted({*FIVE, "answers@acme.example"} - {"bad@acme.example"}),
            ["bad@acme.example"],
        ]
        database.conn.close()


def test_a_recipient_put_off_is_still_served_when_only_our_copy_tells_that_the_others_have_it(tmp_path):
    with run_smtp("defer_bad", "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port, to=FIVE)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(TryLater):
            send_due_digest(workspace, database, MONDAY)
        entry = find_entry(database, MARKETING, WEEK)
        others = tuple(address for address in entry.recipients if address != "bad@acme.example")
        change_state(database, entry, "sending", MONDAY, pending=others, later=("bad@acme.example",))  # and killed
        receive(database, entry.message_id, MONDAY)
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=5)).state == "sent"
        assert [sorted(to) for to, _ in digests(server)][1:] == [["bad@acme.example"]]
        database.conn.close()


def test_our_copy_of_the_first_attempt_proves_nothing_about_the_second(tmp_path):
    with run_smtp("defer_bad", "ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port, to=FIVE)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(TryLater):
            send_due_digest(workspace, database, MONDAY)
        entry = find_entry(database, MARKETING, WEEK)
        receive(database, entry.message_id, MONDAY)
        change_state(database, entry, "sending", MONDAY)  # to bad@ alone, and killed
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=5)).state == "not-due"
        assert state(database) == "unknown"
        assert [alarm.key for alarm in load_alarms(database)] == ["digest:2026-W47"]
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


def test_a_digest_that_missed_its_week_is_replaced_by_one_that_covers_both(tmp_path):
    with run_smtp("ok") as server:
        workspace = make_workspace(tmp_path / "work", servers.free_port())
        database = workspace.open_database()
        ask(database, "Asked in the first week?")
        for day in range(7):
            with pytest.raises(ServiceDown):
                send_due_digest(workspace, database, MONDAY + timedelta(days=day))
        workspace = make_workspace(tmp_path / "work", server.port)
        ask(database, "Asked in the second week?", company="initech.example", at=MONDAY + timedelta(days=3))
        next_monday = MONDAY + timedelta(days=7)
        assert send_due_digest(workspace, database, next_monday - timedelta(minutes=1)).state == "not-due"
        assert send_due_digest(workspace, database, next_monday).state == "sent"
        ((_, raw),) = digests(server)
        text = email.message_from_bytes(raw, policy=policy.default).get_body(("plain",)).get_content()
        assert "first week" in text
        assert "second week" in text
        assert [entry.state for entry in load_entries(database, MARKETING)] == ["failed", "sent"]
        database.conn.close()


def test_three_weeks_down_are_caught_up_by_exactly_one(workspace, database, mail_server):
    send_due_digest(workspace, database, MONDAY)
    ask(database, "Asked while it was down?", at=MONDAY + timedelta(days=3))
    back = MONDAY + timedelta(days=24)
    sent = [send_due_digest(workspace, database, back + timedelta(hours=hour)).state for hour in range(5)]
    assert sent == ["sent", *["not-due"] * 4]
    text = email.message_from_bytes(mail_server.took[1][1], policy=policy.default).get_body(("plain",)).get_content()
    assert "while it was down" in text


def test_nothing_to_say_sends_nothing_and_is_not_asked_again_that_week(workspace, mail_server):
    database = workspace.open_database()
    assert send_due_digest(workspace, database, MONDAY).state == "nothing"
    assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=1)).state == "not-due"
    ask(database, "Asked on Tuesday?", at=MONDAY + timedelta(days=1))
    assert send_due_digest(workspace, database, MONDAY + timedelta(days=2)).state == "not-due"
    assert mail_server.took == []
    assert send_digest(workspace, database, MONDAY + timedelta(days=2)).state == "sent"
    database.conn.close()


def test_a_quiet_week_loses_no_news(workspace, mail_server):
    database = workspace.open_database()
    assert send_due_digest(workspace, database, MONDAY).state == "nothing"
    ask(database, "Asked on Tuesday?", at=MONDAY + timedelta(days=1))
    assert send_due_digest(workspace, database, MONDAY + timedelta(days=7)).state == "sent"
    database.conn.close()


def test_dry_run_writes_three_files_and_sends_and_remembers_nothing(workspace, database, mail_server):
    outcome = write_digest(workspace, database, MONDAY)
    assert sorted(path.name for path in outcome.folder.iterdir()) == ["digest.eml", "digest.html", "digest.txt"]
    assert (mail_server.connections, state(database)) == (0, None)
    assert send_digest(workspace, database, MONDAY).state == "sent"
    assert write_digest(workspace, database, MONDAY + timedelta(hours=1)).state == "written"


def test_a_past_week_is_written_in_hindsight(workspace, database):
    loaded_today = MONDAY + timedelta(days=60)
    ask(database, "Asked long ago?", at=MONDAY - timedelta(days=31), captured_at=loaded_today)
    outcome = write_digest(workspace, database, loaded_today, week="2026-W43")
    assert outcome.week == "2026-W43"
    assert "Asked long ago?" in (outcome.folder / "digest.txt").read_text()
    with pytest.raises(UsageError, match="has not come yet"):
        write_digest(workspace, database, MONDAY, week="2026-W50")


def test_dry_run_needs_no_server_and_nobody_to_write_to(tmp_path):
    (tmp_path / "answers.toml").write_text('[company]\nname = "Acme"\ndomains = ["acme.example"]\n')
    workspace = find_workspace(tmp_path / "answers.toml")
    database = workspace.open_database()
    ask(database, "Does it work with SAP?")
    assert write_digest(workspace, database, MONDAY).state == "written"
    with pytest.raises(ConfigurationError) as caught:
        send_digest(workspace, database, MONDAY)
    assert len(caught.value.problems) == 2
    assert caught.value.exit_code == 78
    database.conn.close()


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


@pytest.mark.parametrize(
    "stranger",
    ["li@globex.example", "x@evil-acme.example", "x@acme.example.evil.example", "x@acme.example>\r\nRCPT TO:<y@z"],
)
def test_no_mail_leaves_for_a_stranger(workspace, mail_server, stranger):
    mail = OutgoingMail("<1@acme.example>", "answers@acme.example", (stranger,), b"Subject: x\r\n\r\nx\r\n", "", "")
    with pytest.raises(DeliveryRefused):
        deliver(workspace.config, mail, ("marketing@acme.example", stranger), lambda delivery: None)
    assert mail_server.connections == 0


def test_our_own_domains_and_configured_recipients_are_no_strangers(tmp_path, mail_server):
    workspace = make_workspace(tmp_path / "work", mail_server.port, to=("agency@elsewhere.example",))
    mail = OutgoingMail("<1@acme.example>", "answers@acme.example", (), b"Subject: x\r\n\r\n.dot\r\n..\r\n", "", "")
    recipients = ("agency@elsewhere.example", "ana@team.acme.example", "Owner@acme.example")
    assert deliver(workspace.config, mail, recipients, lambda delivery: None).accepted == recipients
    assert mail_server.took[0][1] == mail.raw  # dots arrive as they are


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    servers.make_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return folder, context


def smtp_settings(tmp_path, port, security, ca_file="", password="canary-7fb1e2"):
    path = tmp_path / "answers.toml"
    path.write_text(
        f'[company]\nname = "Acme"\ndomains = ["acme.example"]\n[smtp]\nhost = "localhost"\nport = {port}\n'
        f'security = "{security}"\nca_file = "{ca_file}"\nusername = "answers@acme.example"\npassword = "{password}"\n'
        "timeout_seconds = 5\n"
    )
    return load_config(path).smtp


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_login_over_tls_with_an_own_ca(tmp_path, certificates, security):
    folder, context = certificates
    with run_smtp(user="answers@acme.example", password="canary-7fb1e2", **{security: context}) as server:
        check_login(smtp_settings(tmp_path, server.port, security, folder / "ca.pem"))
        with pytest.raises(ServiceDown, match="ca_file"):
            check_login(smtp_settings(tmp_path, server.port, security))
        with pytest.raises(ServiceDown, match="username and password") as caught:
            check_login(smtp_settings(tmp_path, server.port, security, folder / "ca.pem", password="wrong-1f2e"))
        assert "wrong-1f2e" not in repr(caught.value) + str(caught.value.__cause__)


def test_starttls_is_never_skipped_when_the_server_has_none(tmp_path, mail_server):
    with pytest.raises(ServiceDown, match="starttls"):
        check_login(smtp_settings(tmp_path, mail_server.port, "starttls"))
    assert mail_server.took == []


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
