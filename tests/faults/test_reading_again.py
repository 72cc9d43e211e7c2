"""Killed at any moment, `analyze --all` leaves the archive as it was or as it is to be, and no copy of it behind.

The same holds for `analyze --regroup`.
"""

import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import mailroom
import pytest

TODAY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
CONFIG = '[company]\nname = "Marrowby"\ndomains = ["marrowby.example"]\n[engine]\nworkers = 1\n'
QUESTIONS = (
    "What does it cost per user and month?",
    "How much is a licence for one user per month?",
    "Could you tell me the monthly price per user?",
    "Do you integrate with SAP?",
    "Is there an interface to SAP?",
)
# As less clever patterns would have left it: two sentences cut differently, one that is none, one missed.
OLDER = """
update insights set text = 'it cost per user and month', fingerprint = 'itcostperuserandmonth' where id = 1;
update insights set text = 'We ate well.', fingerprint = 'weatewell' where id = 2;
delete from vectors where insight in (1, 2);
delete from insights where id = 5;
"""
# As an early mistake would have left it: a question about SAP among the prices.
MISPLACED = "update assignments set topic = (select topic from assignments where insight = 1) where insight = 5;"


def make_archive(folder: Path, older: str) -> Path:
    (folder / "mails").mkdir(parents=True)
    (folder / "answers.toml").write_text(CONFIG)
    for number, question in enumerate(QUESTIONS):
        (folder / "mails" / f"{number}.eml").write_text(
            f"From: Ana <ana@marrowby.example>\nTo: Li <li@globex{number}.example>\nSubject: Re: hello\n"
            f"Date: Mon, 2 Nov 2026 09:14:{number:02d} +0100\nMessage-ID: <{number}@marrowby.example>\n\n"
            f"Hi Li,\n\nYes, gladly.\n\n"
            f"On Sun, 1 Nov 2026 at 17:02, Li <li@globex{number}.example> wrote:\n> {question}\n"
        )
    for arguments in (("load", str(folder / "mails")), ("analyze",)):
        assert mailroom.answers(folder, *arguments).returncode == 0
    with closing(sqlite3.connect(folder / "answers.db")) as connection:
        connection.execute("pragma foreign_keys = on")
        connection.executescript(older)
        connection.execute("pragma wal_checkpoint(truncate)")
    return folder


def contents(folder: Path) -> list[str]:
    """Everything but when it was done."""
    with closing(sqlite3.connect(folder / "answers.db")) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        lines = [line for line in connection.iterdump() if not line.startswith('INSERT INTO "runs"')]
    return [TODAY.sub("", line) for line in lines]


@pytest.mark.parametrize(("option", "before"), [("--all", OLDER), ("--regroup", MISPLACED)], ids=["all", "regroup"])
def test_killed_anywhere_it_leaves_the_old_or_the_new_archive(
    tmp_path: Path, full: bool, option: str, before: str
) -> None:
    folder = make_archive(tmp_path / "work", before)
    raw = (folder / "answers.db").read_bytes()
    older = contents(folder)
    log = tmp_path / "points.log"
    assert mailroom.answers(folder, "analyze", option, crash=(log, 0)).returncode == 0
    newer = contents(folder)
    assert newer != older
    points = log.read_text().splitlines()
    done = max(place for place, line in enumerate(points, 1) if line.endswith("os.remove"))
    taken_over = [
        place for place, line in enumerate(points, 1) if line.endswith("sql begin immediate") and place < done
    ]
    begin, commit = taken_over[-1], max(p for p, line in enumerate(points[:done], 1) if line.endswith("sql commit"))
    steps = range(begin, commit) if full else (begin + 3,)
    chosen = {len(points) // 3, *steps, commit, done + 3}
    found = set()
    for point in sorted(chosen):
        for path in folder.glob("answers.db*"):
            path.unlink()
        (folder / "answers.db").write_bytes(raw)
        killed = mailroom.answers(folder, "analyze", option, crash=(log, point))
        # The last point is so near the end that a run with a side effect less may reach it alive.
        assert killed.returncode == -signal.SIGKILL or (point > done and not killed.returncode), killed.stderr
        assert [path.name for path in folder.glob(".draft-*") if path.stat().st_size] == []
        left = contents(folder)
        assert left in (older, newer), points[point - 1]
        found.add(left == newer)
    assert found == {False, True}
    assert mailroom.answers(folder, "analyze", option).returncode == 0
    assert contents(folder) == newer
