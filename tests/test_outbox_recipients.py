"""A recipient who is refused or put off neither loses his digest nor keeps it from the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from digest_material import MONDAY
from digest_workspace import ask, make_workspace, receive
from sent_mails import WEEK, digests, notices, state
from smtp_server import SmtpServer, run_smtp
from sqlite_utils import Database

from digest.dispatch import MARKETING, send_due_digest
from digest.notices import tell_owner
from digest.store import change_state, find_entry, load_alarms
from harvester.errors import (
    TryLater,
)
from harvester.workspace import Workspace

FIVE = (*(f"m{n}@acme.example" for n in range(4)), "bad@acme.example")


@contextmanager
def put_off_one(folder: Path) -> Iterator[tuple[SmtpServer, Workspace, Database]]:
    """The digest went to all but one, whom the server takes from now on."""
    with run_smtp("defer_bad", "ok") as server:
        workspace = make_workspace(folder, server.port, to=FIVE)
        database = workspace.open_database()
        ask(database, "Does it work with SAP?")
        with pytest.raises(TryLater):
            send_due_digest(workspace, database, MONDAY)
        yield server, workspace, database
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
    with put_off_one(tmp_path / "work") as (server, workspace, database):
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=5)).state == "sent"
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=9)).state == "not-due"
        assert [sorted(to) for to, _ in digests(server)] == [
            sorted({*FIVE, "answers@acme.example"} - {"bad@acme.example"}),
            ["bad@acme.example"],
        ]


def test_a_recipient_put_off_is_still_served_when_only_our_copy_tells_that_the_others_have_it(tmp_path):
    with put_off_one(tmp_path / "work") as (server, workspace, database):
        entry = find_entry(database, MARKETING, WEEK)
        others = tuple(address for address in entry.recipients if address != "bad@acme.example")
        change_state(database, entry, "sending", MONDAY, pending=others, later=("bad@acme.example",))  # and killed
        receive(database, entry.message_id, MONDAY)
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=5)).state == "sent"
        assert [sorted(to) for to, _ in digests(server)][1:] == [["bad@acme.example"]]


def test_our_copy_of_the_first_attempt_proves_nothing_about_the_second(tmp_path):
    with put_off_one(tmp_path / "work") as (_, workspace, database):
        entry = find_entry(database, MARKETING, WEEK)
        receive(database, entry.message_id, MONDAY)
        change_state(database, entry, "sending", MONDAY)  # to bad@ alone, and killed
        assert send_due_digest(workspace, database, MONDAY + timedelta(minutes=5)).state == "not-due"
        assert state(database) == "unknown"
        assert [alarm.key for alarm in load_alarms(database)] == ["digest:2026-W47"]
