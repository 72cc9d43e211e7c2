"""The monthly note goes out once, with the first digest of the next month, by the same outbox as the digest."""

import email
from datetime import UTC, date, datetime, time, timedelta
from email import policy

import pytest
from digest_material import BERLIN, MONDAY
from digest_workspace import ask, make_workspace
from typer.testing import CliRunner

from answers import app
from digest.archive import load_archive
from digest.audiences import MONTHLY, WEEKLY, audiences_of, due_period
from digest.dispatch import is_digest_due, resend_digest, send_digest, send_due_digest, write_digest
from digest.store import find_entry, load_entries
from digest.windows import Schedule, month_before, month_slot, month_windows, parse_month
from harvester.errors import ConfigurationError, UsageError

NOTE = 'executives = ["ceo@acme.example"]'
SCHEDULE = Schedule(1, time(8), BERLIN)
FIRST_MONDAY = datetime(2026, 12, 7, 7, 0, tzinfo=UTC)  # 08:00 in Berlin


@pytest.fixture
def workspace(tmp_path, mail_server):
    return make_workspace(tmp_path / "work", mail_server.port, digest=NOTE)


@pytest.fixture
def database(workspace):
    database = workspace.open_database()
    for company in ("globex", "initech", "hooli"):
        ask(database, "Does it work with SAP?", company=f"{company}.example", at=MONDAY, topic=1)
    yield database
    database.conn.close()


def notes(server):
    return [(to, raw) for to, raw in server.took if b"audience=executive" in raw]


def digests(server):
    return [(to, raw) for to, raw in server.took if b"audience=marketing" in raw]


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (datetime(2026, 11, 30, 22, 59, tzinfo=UTC), "2026-M10"),
        (datetime(2026, 11, 30, 23, 1, tzinfo=UTC), "2026-M11"),  # December in Berlin
        (datetime(2027, 1, 4, tzinfo=UTC), "2026-M12"),
    ],
)
def test_the_month_before_is_that_of_the_companys_calendar(moment, month):
    assert month_before(moment, BERLIN) == month


def test_a_month_is_compared_with_the_one_before():
    windows = month_windows("2027-M01", BERLIN)
    assert (windows.recent.first, windows.recent.last) == (date(2027, 1, 1), date(2027, 1, 31))
    assert (windows.before.first, windows.before.last) == (date(2026, 12, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("month", "slot"),
    [
        ("2026-M11", FIRST_MONDAY),
        ("2026-M05", datetime(2026, 6, 1, 6, 0, tzinfo=UTC)),
        ("2026-M12", datetime(2027, 1, 4, 7, 0, tzinfo=UTC)),
    ],
)
def test_its_day_is_the_first_digest_day_of_the_next_month(month, slot):
    assert month_slot(month, SCHEDULE) == slot


def test_a_month_is_typed_either_way():
    assert parse_month("2026-10") == parse_month("2026-M10") == "2026-M10"
    for wrong in ("2026-13", "2026-00", "October", "2026-W10", ""):
        with pytest.raises(UsageError, match="is not a month"):
            parse_month(wrong)


def test_it_goes_out_once_to_those_named_and_to_nobody_else(workspace, database, mail_server):
    assert due_period(MONTHLY, (), SCHEDULE, FIRST_MONDAY - timedelta(minutes=1)) is None
    assert due_period(MONTHLY, (), SCHEDULE, FIRST_MONDAY) == "2026-M11"
    assert is_digest_due(workspace, database, FIRST_MONDAY)
    assert send_due_digest(workspace, database, FIRST_MONDAY).state == "sent"
    ((recipients, raw),) = notes(mail_server)
    assert set(recipients) == {"ceo@acme.example", "answers@acme.example"}
    assert [set(to) for to, _ in digests(mail_server)] == [{"marketing@acme.example", "answers@acme.example"}]
    for hours in (0, 1, 24, 24 * 7, 24 * 24):
        send_due_digest(workspace, database, FIRST_MONDAY + timedelta(hours=hours))
    assert len(notes(mail_server)) == 1
    assert find_entry(database, "executive", "2026-M11").state == "sent"
    found = email.message_from_bytes(raw, policy=policy.default)
    assert found["Subject"] == 'November 2026: 3 companies asked - "Topic 1?" first'
    assert found["List-Id"] == "<executive-digest.acme.example>"
    assert found["Auto-Submitted"] == "auto-generated"


def test_a_missed_day_is_caught_up_in_the_same_month(workspace, database, mail_server):
    ask(database, "What does a seat cost?", at=MONDAY - timedelta(days=40), topic=2)
    send_due_digest(workspace, database, datetime(2026, 11, 2, 7, 0, tzinfo=UTC))
    send_due_digest(workspace, database, FIRST_MONDAY + timedelta(days=20))
    assert [entry.week for entry in load_entries(database, "executive")] == ["2026-M10", "2026-M11"]
    assert len(notes(mail_server)) == 2


def test_who_names_somebody_late_in_a_month_gets_no_old_note_at_once(workspace, database, mail_server):
    send_due_digest(workspace, database, FIRST_MONDAY + timedelta(days=10))
    assert notes(mail_server) == []
    send_due_digest(workspace, database, datetime(2027, 1, 4, 7, 0, tzinfo=UTC))
    assert [entry.state for entry in load_entries(database, "executive")] == ["skipped"]  # nobody asked in December


def test_a_month_without_questions_is_asked_about_only_once(workspace, database, mail_server):
    database.conn.execute("update insights set asked_at = '2026-08-01T08:00:00+00:00'")
    send_due_digest(workspace, database, FIRST_MONDAY)
    assert find_entry(database, "executive", "2026-M11").state == "skipped"
    assert notes(mail_server) == []


def test_it_can_be_looked_at_sent_by_hand_and_sent_again(workspace, database, mail_server):
    with pytest.raises(UsageError, match="2026-M11 is not over yet; this is 2026-M10"):
        write_digest(workspace, database, MONDAY, week="2026-11", audience=MONTHLY)
    written = write_digest(workspace, database, FIRST_MONDAY, audience=MONTHLY)
    assert sorted(path.name for path in written.folder.iterdir()) == ["note.eml", "note.html", "note.txt"]
    assert written.folder.name == "2026-M11"
    assert mail_server.took == []
    assert send_digest(workspace, database, FIRST_MONDAY, audience=MONTHLY).state == "sent"
    assert send_digest(workspace, database, FIRST_MONDAY, audience=MONTHLY).state == "already"
    assert resend_digest(workspace, database, FIRST_MONDAY, "2026-11", MONTHLY).state == "sent"
    assert len({raw for _, raw in notes(mail_server)}) == 1
    assert len(notes(mail_server)) == 2


def test_without_anybody_named_there_is_no_note(tmp_path, mail_server):
    workspace = make_workspace(tmp_path / "plain", mail_server.port)
    assert audiences_of(workspace.config) == (WEEKLY,)
    database = workspace.open_database()
    with pytest.raises(ConfigurationError, match=r"\[digest\] executives: is required"):
        send_digest(workspace, database, FIRST_MONDAY, audience=MONTHLY)
    database.conn.close()


def test_the_command_takes_a_month(workspace, database):
    def run(*arguments):
        return CliRunner().invoke(app, ["--config", str(workspace.config_path), "digest", *arguments])

    assert isinstance(run("--month", "2026-10", "--week", "2026-W47").exception, UsageError)
    assert isinstance(run("--month", "2026-10", "--due").exception, UsageError)
    said = run("--month", "2026-09", "--dry-run").stdout
    assert said.startswith("Nothing to say in 2026-M09: nobody asked anything.")


def test_the_note_has_a_web_copy_beside_the_digests(workspace, database, mail_server):
    send_due_digest(workspace, database, FIRST_MONDAY)
    assert [(one.audience, one.path) for one in load_archive(database, workspace.outbox_folder)] == [
        ("executive", "2026-M11/"),
        ("marketing", "2026-W50/"),
    ]
