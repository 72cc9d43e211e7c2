"""`answers analyze --regroup` tells first, asks on a terminal, refuses in one sentence, and is never half done."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database
from terminal import QUESTION, reply_on_terminal
from topic_material import HOSTING, MONDAY, PRICE, SAP
from typer.testing import CliRunner

from answers import app
from harvester.capture import load_files
from harvester.database import open_database
from harvester.records import ReadingSettings, Roster
from nlp.analysis import analyze
from nlp.decision_store import carry_out
from nlp.decisions import rename_topic
from nlp.extraction import fingerprint
from nlp.store import find_topic, load_insights

ROOT = Path(__file__).parent.parent
CONFIG = '[company]\nname = "Acme"\ndomains = ["acme.example"]\n[engine]\nworkers = 1\n'
RIGHT = [1] * 6 + [2] * 5 + [3] * 5
MISTAKE = "update assignments set topic = 1 where insight in (7, 8)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace in which two questions about SAP stand among the prices."""
    folder, mails = tmp_path / "work", tmp_path / "mails"
    folder.mkdir()
    mails.mkdir()
    (folder / "answers.toml").write_text(CONFIG)
    for number, question in enumerate((*PRICE, *SAP, *HOSTING)):
        (mails / f"{number:02d}.eml").write_text(
            f"From: Rona Reyes <rona@acme.example>\nTo: Li Chen <li@company{number}.example>\nSubject: Re: hello\n"
            f"Date: Mon, 2 Nov 2026 09:14:{number:02d} +0100\nMessage-ID: <{number}@acme.example>\n\n"
            f"Hi Li,\n\nYes, gladly.\n\nBest regards,\nRona\n\n"
            f"On Sun, 1 Nov 2026 at 17:02, Li Chen <li@company{number}.example> wrote:\n> {question}\n"
        )
    with closing(open_database(folder / "answers.db").conn) as connection:
        database = Database(connection)
        load_files(database, (mails,), MONDAY, lambda count: None)
        settings = ReadingSettings(Roster(("acme.example",)))
        analyze(database, settings, workers=1, zone=ZoneInfo("Europe/Berlin"), now=MONDAY)
        assert topics(folder) == RIGHT
        connection.execute(MISTAKE)
    return folder


def topics(folder: Path) -> list[int | None]:
    """Of the insights, in order of their words as they were asked."""
    with closing(open_database(folder / "answers.db").conn) as connection:
        return [insight.topic for insight in sorted(load_insights(Database(connection)), key=lambda one: one.message)]


def contents(folder: Path) -> list[str]:
    """Everything but when which command ran."""
    with closing(sqlite3.connect(folder / "answers.db")) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        return [line for line in connection.iterdump() if not line.startswith('INSERT INTO "runs"')]


def answers(folder: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["--config", str(folder / "answers.toml"), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "answers.py"), "--config", str(folder / "answers.toml"), *arguments]


def test_a_dry_run_tells_everything_and_changes_nothing(folder: Path) -> None:
    before = contents(folder)
    said = answers(folder, "analyze", "--regroup", "--dry-run")
    assert said.startswith("Everything was grouped anew: 16 mails, 16 insights, 3 topics. What changes:\n")
    assert "topics: 3 go on under their id, 0 lead on to another, 0 hold nothing any more; new: 0\n" in said
    assert "insights: of 16 in topics 2 go to another and 0 to none; 0 that waited find one\n" in said
    assert ": 0 came, 2 went\n" in said
    assert "but a backup that was made before: `answers backup FOLDER`." in said
    assert said.endswith("Nothing was changed.\n")
    document = json.loads(answers(folder, "analyze", "--regroup", "--dry-run", "--json"))
    assert (document["changed"], document["changes"]["insights_moved"], document["changes"]["topics_decided"]) == (
        False,
        2,
        0,
    )
    assert contents(folder) == before


def test_what_is_changed_is_noted_and_again_there_is_nothing_to_change(folder: Path) -> None:
    assert json.loads(answers(folder, "analyze", "--regroup", "--json"))["changed"] is True
    assert topics(folder) == RIGHT
    after = contents(folder)
    assert answers(folder, "analyze", "--regroup", "--yes") == (
        "Everything was grouped anew and nothing changes: 16 mails, 16 insights, 3 topics.\n"
    )
    assert contents(folder) == after
    with closing(sqlite3.connect(folder / "answers.db")) as connection:
        (detail,) = connection.execute("select detail from runs order by id desc limit 1").fetchone()
    assert detail == "everything grouped anew, nothing changed"


def test_both_at_once_read_again_and_group_anew(folder: Path) -> None:
    """Prices that were cut quite differently, in a topic that a person named: its id and name come back."""
    with closing(open_database(folder / "answers.db").conn) as connection:
        database = Database(connection)
        carry_out(database, rename_topic(find_topic(database, "T-001"), "Price list", "Mia"), "Mia", MONDAY)
        connection.execute("update assignments set topic = 2 where insight in (7, 8)")
        for number, text in enumerate(PRICE, 1):
            cut = " ".join(text.split()[-3:]) + f" please {number}"
            connection.execute(
                "update insights set text = ?, fingerprint = ? where id = ?", (cut, fingerprint(cut), number)
            )
            connection.execute("delete from vectors where insight = ?", (number,))
        connection.execute("update assignments set topic = 3 where insight = 9")
    said = answers(folder, "analyze", "--all", "--regroup")
    assert "insights: 6 gone, 6 new, 0 with other words" in said
    assert topics(folder) == RIGHT
    with closing(open_database(folder / "answers.db").conn) as connection:
        assert find_topic(Database(connection), "T-001").name == "Price list"
    assert "nothing changes" in answers(folder, "analyze", "--all", "--regroup")


@pytest.mark.parametrize("reply", ["n", "y"])
def test_on_a_terminal_it_asks_before_it_changes(folder: Path, reply: str) -> None:
    seen = reply_on_terminal(command(folder, "analyze", "--regroup"), reply)
    assert seen.index(b"What changes") < seen.index(b"answers backup") < seen.index(QUESTION)
    assert (topics(folder) == RIGHT) is (reply == "y")


def test_killed_while_it_asks_it_leaves_the_archive_as_it_was_and_no_copy(folder: Path) -> None:
    before = contents(folder)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(folder, "analyze", "--regroup"), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        seen = b""
        while b"[y/N]" not in seen:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGKILL)
    os.close(ours)
    assert contents(folder) == before
    assert [path for path in folder.glob(".draft-*") if path.stat().st_size] == []
    answers(folder, "analyze", "--regroup")
    assert topics(folder) == RIGHT
