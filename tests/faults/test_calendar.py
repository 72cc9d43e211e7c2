"""Whatever the calendar does and however long the program was down: one digest a week, and one to catch up."""

import email
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from digest_workspace import ask, make_workspace
from promises import Promise
from smtp_server import SmtpServer, run_smtp

from digest.daemon import Daemon
from digest.dispatch import MARKETING
from digest.store import load_entries
from digest.wiring import make_daemon
from harvester.workspace import Workspace

NAME = "missed weeks, clock changes, week 53"
BERLIN = ZoneInfo("Europe/Berlin")


def start(workspace: Workspace) -> Daemon:
    def nothing(database: object) -> bool:
        return False

    return make_daemon(workspace, poll=nothing, analyze=nothing, build_site=nothing)


def live(workspace: Workspace, since: datetime, until: datetime, step: timedelta, server: SmtpServer) -> list[datetime]:
    """Run a daemon from one moment to another; returns when digests went out, in Berlin's time."""
    daemon = start(workspace)
    sent = []
    now = since.astimezone(UTC)
    while now < until.astimezone(UTC):
        before = len(server.took)
        with time_machine.travel(now, tick=False):
            for job in daemon.jobs:
                daemon.run_job(job.name)
        sent += [now.astimezone(BERLIN)] * (len(server.took) - before)
        now += step
    return sent


def text_of(raw: bytes) -> str:
    body = email.message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize(
    ("name", "last_monday", "back"),
    [
        ("summer time begins on 29 March", (2026, 3, 16), 23),
        ("winter time begins on 25 October", (2026, 10, 12), 24),
        ("week 53 and New Year", (2026, 12, 14), 22),
        ("an ordinary autumn", (2026, 11, 2), 27),
    ],
)
def test_three_weeks_down_are_caught_up_by_one_digest_that_covers_all(
    tmp_path: Path, promise: Promise, name: str, last_monday: tuple[int, int, int], back: int
):
    monday = datetime(*last_monday, 8, 0, tzinfo=BERLIN)
    hour = timedelta(hours=1)
    with run_smtp("ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        ask(database, "Asked before?", at=monday - timedelta(days=1))
        assert live(workspace, monday - 3 * hour, monday + 9 * hour, hour, server) == [monday]
        for week in range(3):
            ask(database, f"Asked in week {week} of the silence?", company=f"c{week}.example",
                at=monday + timedelta(days=3 + 7 * week))  # fmt: skip
        again = monday + timedelta(days=back)
        next_monday = monday + timedelta(days=28)
        sent = live(workspace, again, next_monday - hour, hour, server)
        assert sent == [again]
        caught_up = text_of(server.took[1][1])
        for week in range(3):
            assert f"week {week} of the silence" in caught_up
        entries = load_entries(database, MARKETING)
        assert entries[1].covers_from == entries[0].covers_until
        ask(database, "Asked when all was well again?", at=next_monday - 2 * hour)
        assert live(workspace, next_monday - hour, next_monday + timedelta(days=6), hour, server) == [next_monday]
        assert "week 0 of the silence" not in text_of(server.took[2][1]).split("28")[0]
        weeks = [entry.week for entry in load_entries(database, MARKETING)]
        assert len(set(weeks)) == 3
        if "53" in name:
            assert "2026-W53" in weeks or "2027-W01" in weeks
        database.conn.close()
    promise(
        NAME,
        f"down for three weeks, Europe/Berlin, frozen clock: {name}",
        1,
        "exactly 1 catch-up digest, covering everything since the last; the next on its Monday at 08:00",
    )


@pytest.mark.parametrize(
    ("day", "what"), [((2026, 3, 29), "a time that the clocks skip"), ((2026, 10, 25), "a time that they show twice")]
)
def test_a_digest_at_half_past_two_goes_out_once_on_the_day_of_the_change(
    tmp_path: Path, promise: Promise, day: tuple[int, int, int], what: str
):
    midnight = datetime(*day, tzinfo=BERLIN)
    with run_smtp("ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port, digest='day = "sunday"\ntime = "02:30"')
        database = workspace.open_database()
        for week in range(3):
            sunday = midnight + timedelta(days=7 * (week - 1))
            ask(database, f"Asked before Sunday {week}?", at=sunday - timedelta(days=1))
            sent = live(workspace, sunday, sunday + timedelta(hours=12), timedelta(minutes=10), server)
            assert len(sent) == 1
            assert sent[0].date() == sunday.date()
        database.conn.close()
    promise(NAME, f"a digest every Sunday at 02:30, Europe/Berlin: {what}", "3 Sundays", "exactly 1 each")


def test_every_week_of_the_long_year_has_one_digest(tmp_path: Path, full: bool, promise: Promise):
    first = datetime(2026, 10, 5 if full else 26, 8, 0, tzinfo=BERLIN)
    weeks = 18 if full else 12
    with run_smtp("ok") as server:
        workspace = make_workspace(tmp_path / "work", server.port)
        database = workspace.open_database()
        sent = []
        for week in range(weeks):
            monday = first + timedelta(days=7 * week)
            ask(database, f"Asked before Monday {week}?", at=monday - timedelta(days=1))
            around = (monday - timedelta(hours=30), monday + timedelta(days=1))
            sent += live(workspace, *around, timedelta(hours=1), server)
        found = [entry.week for entry in load_entries(database, MARKETING) if entry.state == "sent"]
        database.conn.close()
    assert [(moment.isoweekday(), moment.hour) for moment in sent] == [(1, 8)] * weeks
    assert len(set(found)) == weeks
    assert "2026-W53" in found
    promise(
        NAME,
        "a new daemon every week from October to New Year, week 53",
        f"{weeks} weeks",
        "exactly 1 each, Monday 08:00",
    )
