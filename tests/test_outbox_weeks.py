"""Which weeks a digest covers, when there is none, and what is written to look at without sending."""

import email
from datetime import timedelta
from email import policy

import pytest
import servers
from digest_material import MONDAY
from digest_workspace import ask, make_workspace
from sent_mails import digests, state
from smtp_server import run_smtp

from digest.dispatch import MARKETING, send_digest, send_due_digest, write_digest
from digest.store import load_entries
from harvester.errors import (
    ConfigurationError,
    ServiceDown,
    UsageError,
)
from harvester.workspace import find_workspace


@pytest.fixture
def database(workspace):
    database = workspace.open_database()
    ask(database, "Does it work with our old SAP system?", topic=1)
    ask(database, "Would it read from SAP at night?", company="initech.example", topic=1)
    yield database
    database.conn.close()


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
