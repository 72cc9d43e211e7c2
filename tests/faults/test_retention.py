"""After keep_raw_days a mail is its redacted insights and nothing else; running it again changes nothing."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import forgotten
import pytest
import time_machine
from archive import CONFIG, Archive
from promises import Promise

from digest.steps import analyze_step
from harvester.workspace import find_workspace
from nlp.retention import apply_retention

NAME = "retention"
FIRST = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAYS = 30
PETRA = "petra@quillfeather.example"
# Said by name in what was asked, in the context, in the answer, in the subject; and by number.
ASKED = "What does the zephyrwick adapter cost when Petra Lindqvist-Okafor (+44 20 7946 0958) orders thirty of them?"
ANSWERED = "The zephyrwick adapter costs ninety euros, as Petra Lindqvist-Okafor was told."


def mail(number: int) -> bytes:
    message = forgotten.mail(
        f"{number}",
        f"Petra Lindqvist-Okafor <{PETRA}>",
        f"{ANSWERED} Offer {number}.\n\n"
        + forgotten.attributed(
            ASKED.replace("zephyrwick", f"zephyrwick{number}")
            + f"\n\nThe weather here is fine.\n\nKind regards from marrowstone{number} hall"
        ),
        f"Re: oxlipforge {number} for Petra Lindqvist-Okafor",
    )
    return message.as_bytes()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Twelve mails, one a week; each read on the day it came in."""
    folder = tmp_path / "work"
    folder.mkdir()
    config = CONFIG.format(imap=1, smtp=1, user="answers@marrowby.example", password="x")
    config = config.replace("redact = false", f"redact = true\nkeep_raw_days = {DAYS}")
    (folder / "answers.toml").write_text(config.replace('host = "127.0.0.1"', 'host = ""'))
    (folder / "answers.toml").chmod(0o600)
    archive = Archive(folder)
    (tmp_path / "mails").mkdir()
    for number in range(12):
        (tmp_path / "mails" / f"{number}.eml").write_bytes(mail(number))
        with time_machine.travel(FIRST + timedelta(weeks=number), tick=False):
            archive.run("load", str(tmp_path / "mails" / f"{number}.eml"))
    return archive


def state(archive: Archive) -> dict[str, int]:
    (row,) = archive.rows(
        "select (select count(*) from messages where raw is not null),"
        " (select count(*) from messages where raw is null),"
        " (select count(*) from parts where text <> ''), (select count(*) from insights),"
        " (select count(*) from insights where text like '%Lindqvist%' or answer like '%Lindqvist%'"
        " or context like '%Lindqvist%' or fingerprint like '%lindqvist%' or text like '%7946%')"
    )
    return dict(zip(("originals", "reduced", "parts", "insights", "named"), row, strict=True))


def test_each_day_exactly_the_old_mails_are_reduced_and_insights_stay_redacted(archive: Archive, promise: Promise):
    newest = FIRST + timedelta(weeks=11)
    with time_machine.travel(newest, tick=False):
        # 30 days before the newest: weeks 0 to 6 are older, 7 is 28 days old.
        assert any(b"marrowstone" in path.read_bytes() for path in archive.folder.glob("answers.db*"))
        archive.run("analyze")
        assert (state(archive)["originals"], state(archive)["reduced"]) == (5, 7)
        insights = state(archive)["insights"]
        assert insights == 12
        assert state(archive)["named"] == 5
    days = {2: 5, 3: 4, 9: 4, 10: 3, 16: 3, 17: 2, 23: 2, 24: 1, 30: 1, 31: 0}
    for day, kept in days.items():
        with time_machine.travel(newest + timedelta(days=day), tick=False):
            for _ in range(2):
                archive.run("analyze")
                found = state(archive)
                assert (found["originals"], found["reduced"], found["insights"]) == (kept, 12 - kept, 12), day
                assert found["named"] == kept
    assert state(archive)["parts"] == 0
    with time_machine.travel(newest + timedelta(days=90), tick=False):
        before = archive.json("export")
        archive.run("analyze", "--all")
        archive.run("load", str(archive.folder.parent / "mails"))
        archive.run("analyze")
        archive.run("site")
        after = archive.json("export")
        assert after["insights"] == before["insights"]
        assert {one["id"]: one["companies"] for one in after["topics"]} == {
            one["id"]: one["companies"] for one in before["topics"]
        }
        runs = {run["verb"]: run["detail"] for run in archive.json("status")["last_runs"]}
        assert runs["retention"] == "1 old mails reduced to their 1 insights"
        assert len(archive.json("search", "adapter", "cost")) == 12
        assert not archive.json("search", "Lindqvist")
        assert not archive.json("search", "oxlipforge")
    texts = [one["text"] for one in after["insights"]]
    assert all("[name]" in text and "[phone]" in text and "zephyrwick" in text for text in texts), texts[0]
    with closing(sqlite3.connect(archive.folder / "answers.db")) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    left = [path.name for path in archive.folder.glob("answers.db*") if b"marrowstone" in path.read_bytes()]
    assert left == []
    promise(
        NAME,
        f"12 mails, one a week, keep_raw_days = {DAYS}, a frozen clock moved from day to day, `analyze` twice on each",
        f"{len(days) + 1} days",
        "exact counts; bytes, parts and subjects gone from file and log, 12 of 12 insights redacted; idempotent",
    )


def test_the_daemon_reduces_even_when_nothing_new_comes_in(archive: Archive):
    workspace = find_workspace(archive.folder / "answers.toml")
    with time_machine.travel(FIRST + timedelta(weeks=11), tick=False):
        archive.run("analyze")
    database = workspace.open_database()
    with time_machine.travel(FIRST + timedelta(weeks=30), tick=False):
        assert analyze_step(workspace, database) is False
    database.conn.close()
    assert state(archive) == {"originals": 0, "reduced": 12, "parts": 0, "insights": 12, "named": 0}


def test_what_nobody_understood_yet_keeps_its_bytes(archive: Archive):
    with time_machine.travel(FIRST + timedelta(weeks=100), tick=False):
        assert archive.json("status")["unread"] == 12
        workspace = find_workspace(archive.folder / "answers.toml")
        database = workspace.open_database()
        assert apply_retention(database, workspace.config, workspace.now()).mails == 0
        database.conn.close()
    assert state(archive)["originals"] == 12
