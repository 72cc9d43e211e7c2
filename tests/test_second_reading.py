"""Reading everything again tells what changes before it is changed, keeps ids and decisions, and is never half done.

The archive is made older by hand: sentences cut as less clever patterns would have cut them, some missed, some too
many.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database
from terminal import reply_on_terminal
from topic_material import HOSTING, MONDAY, PRICE, SAP
from typer.testing import CliRunner

from answers import app
from harvester.capture import load_files
from harvester.database import open_database, transaction
from harvester.errors import TryLater
from harvester.records import ReadingSettings, Roster
from nlp.analysis import analyze, analyze_again
from nlp.changes import Changes, compare, tell
from nlp.decision_store import carry_out, load_assigned
from nlp.decisions import dismiss_topic, merge_topics, move_insights, rename_topic
from nlp.extraction import fingerprint
from nlp.second_reading import Said, Taken, find_known_ids
from nlp.second_reading_store import load_state
from nlp.store import all_topics, find_topic, load_insights

ROOT = Path(__file__).parent.parent
BERLIN = ZoneInfo("Europe/Berlin")
SETTINGS = ReadingSettings(Roster(("acme.example",)))
CONFIG = '[company]\nname = "Acme"\ndomains = ["acme.example"]\n[engine]\nworkers = 1\n'
ANSWERS = (
    (PRICE, "It is 12 euros per user and month."),
    (SAP, "Yes, there is an interface to SAP."),
    (HOSTING, "Your data is stored in Frankfurt, in the European Union."),
)


def write_mails(folder: Path) -> None:
    folder.mkdir()
    asked = [(question, answer) for questions, answer in ANSWERS for question in questions]
    for number, (question, answer) in enumerate(asked):
        (folder / f"{number:02d}.eml").write_text(
            f"From: Rona Reyes <rona@acme.example>\nTo: Li Chen <li@company{number}.example>\nSubject: Re: hello\n"
            f"Date: Mon, 2 Nov 2026 09:14:{number:02d} +0100\nMessage-ID: <{number}@acme.example>\n"
            f"Content-Type: text/plain; charset=utf-8\n\nHi Li,\n\n{answer}\n\nBest regards,\nRona\n\n"
            f"On Sun, 1 Nov 2026 at 17:02, Li Chen <li@company{number}.example> wrote:\n> {question}\n",
            encoding="utf-8",
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace in which everything is understood."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "answers.toml").write_text(CONFIG)
    write_mails(tmp_path / "mails")
    database = open_database(folder / "answers.db")
    load_files(database, (tmp_path / "mails",), MONDAY, lambda count: None)
    analyze(database, SETTINGS, workers=1, zone=BERLIN, now=MONDAY)
    database.conn.close()
    return folder


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    database = open_database(folder / "answers.db")
    yield database
    database.conn.close()


def read_again(database: Database, *, says: bool = True) -> Changes:
    told: list[Changes] = []

    def decide(changes: Changes) -> bool:
        told.append(changes)
        return says

    analyze_again(database, SETTINGS, workers=1, zone=BERLIN, now=MONDAY, decide=decide)
    return told[0]


def contents(path: Path) -> list[str]:
    """Everything but when which command ran."""
    with closing(sqlite3.connect(path)) as connection:
        return [
            line for line in connection.iterdump() if not line.startswith(('INSERT INTO "runs"', "INSERT INTO runs"))
        ]


def standing(database: Database) -> dict[int, tuple[str, int | None]]:
    return {insight.id: (insight.text, insight.topic) for insight in load_insights(database)}


def make_older(database: Database, texts: dict[int, str], *, missed: tuple[int, ...] = ()) -> None:
    """texts: insight -> as it was cut then. missed: insights that were not found then."""
    with transaction(database) as connection:
        for number, text in texts.items():
            connection.execute(
                "update insights set text = ?, fingerprint = ? where id = ?", (text, fingerprint(text), number)
            )
        connection.executemany("delete from insights where id = ?", ((number,) for number in missed))
        for number in texts:
            connection.execute("delete from vectors where insight = ?", (number,))


def test_nothing_changes_and_it_says_so(folder: Path, database: Database) -> None:
    before = contents(folder / "answers.db")
    changes = read_again(database)
    assert not changes
    assert contents(folder / "answers.db") == before
    assert tell(changes) == ("Everything was read again and nothing changes: 16 mails, 16 insights, 3 topics.",)


def test_sentences_that_are_cut_differently_keep_their_ids_and_topics(database: Database) -> None:
    now = standing(database)
    cut = {number: text.rstrip("?").lower() for number, (text, _) in now.items()}
    cut[15] = "the servers located that store"  # five of nine words, but in a row
    make_older(database, cut)
    changes = read_again(database)
    assert set(changes.reworded) == set(now)
    assert changes.reworded[15] == ("the servers located that store", HOSTING[3])
    assert (dict(changes.gone), dict(changes.new), dict(changes.members)) == ({}, {}, {})
    assert standing(database) == now


def test_a_topic_of_which_no_sentence_is_recognised_keeps_its_id(database: Database) -> None:
    """Better patterns cut another half of each sentence out: new insights, but the same mails about the same."""
    topics = {topic.id: topic for topic in all_topics(database)}
    prices = [number for number, (text, _) in standing(database).items() if text in PRICE]
    (topic,) = {standing(database)[number][1] for number in prices}
    assert topic is not None
    carry_out(database, rename_topic(topics[topic], "Price of a seat", "Mia"), "Mia", MONDAY)
    halves = {number: " ".join(standing(database)[number][0].split()[-3:]) + f" please {number}" for number in prices}
    make_older(database, halves)
    changes = read_again(database)
    assert set(changes.gone) == set(prices)
    assert {text for text, found in standing(database).values() if found == topic} == set(PRICE)
    assert {one.id: one.name for one in all_topics(database)} == {
        **{number: known.name for number, known in topics.items()},
        topic: "Price of a seat",
    }
    assert (dict(changes.emptied), dict(changes.born)) == ({}, {})


def test_what_people_decided_stays(database: Database) -> None:
    price, sap, hosting = (find_topic(database, f"T-{number:03d}") for number in (1, 2, 3))
    moved = next(number for number, (_, topic) in standing(database).items() if topic == sap.id)
    carry_out(database, move_insights(hosting, load_assigned(database, [moved])), "Mia", MONDAY)
    carry_out(database, merge_topics(price, hosting), "Mia", MONDAY)
    carry_out(database, dismiss_topic(find_topic(database, "T-002")), "Mia", MONDAY)
    carry_out(database, rename_topic(find_topic(database, "T-003"), "Where is our data?", "Mia"), "Mia", MONDAY)
    decided = [(one.id, one.name, one.merged_into, one.dismissed) for one in all_topics(database)]
    wanted = standing(database)
    make_older(database, {number: text.rstrip("?") for number, (text, _) in wanted.items()}, missed=(16,))
    read_again(database)
    assert [(one.id, one.name, one.merged_into, one.dismissed) for one in all_topics(database)] == decided
    found = standing(database)
    assert {number: found[number] for number in wanted if number != 16} == {
        number: one for number, one in wanted.items() if number != 16
    }
    assert wanted[16] in found.values()


def test_what_changes_is_told_before_anything_is_changed(folder: Path, database: Database) -> None:
    wanted = standing(database)
    make_older(database, {1: "We ate well.", 2: PRICE[1].rstrip("?")}, missed=(16,))
    older = contents(folder / "answers.db")
    changes = read_again(database, says=False)
    assert contents(folder / "answers.db") == older
    assert dict(changes.gone) == {1: "We ate well."}
    assert sorted(changes.new.values()) == sorted((PRICE[0], wanted[16][0]))
    assert dict(changes.reworded) == {2: (PRICE[1].rstrip("?"), PRICE[1])}
    lines = tell(changes)
    assert '  - #1 "We ate well."' in lines
    assert f'  ~ #2 "{PRICE[1].rstrip("?")}" -> "{PRICE[1]}"' in lines
    assert any(line.startswith("insights: 1 gone, 2 new, 1 with other words") for line in lines)
    read_again(database)
    assert set(standing(database).values()) == set(wanted.values())
    assert not read_again(database)


def test_a_long_list_of_changes_is_cut_for_people_and_whole_for_scripts() -> None:
    texts = {number: f"line {number}\x1b[2J\n" for number in range(30)}
    empty = compare(*[_state({}), _state(texts)], {"insights": 30})
    lines = tell(empty)
    assert "  ... and 20 more; --json lists all" in lines
    assert not any("\x1b" in line or "\n" in line for line in lines)
    assert len(empty.as_json()["insights_new"]) == 30


def _state(texts: dict[int, str]):
    from nlp.changes import State

    return State({}, texts, {})


def test_a_decision_made_meanwhile_is_not_overrun(folder: Path, database: Database) -> None:
    make_older(database, {1: "does it cost per user and month"})

    def decide(changes: Changes) -> bool:
        with closing(open_database(folder / "answers.db").conn) as connection:
            other = Database(connection)
            carry_out(other, rename_topic(find_topic(other, "T-001"), "Renamed", "Mia"), "Mia", MONDAY)
        return True

    with pytest.raises(TryLater, match="run the command again"):
        analyze_again(database, SETTINGS, workers=1, zone=BERLIN, now=MONDAY, decide=decide)
    assert find_topic(database, "T-001").name == "Renamed"
    assert standing(database)[1][0] == "does it cost per user and month"
    read_again(database)
    assert (find_topic(database, "T-001").name, standing(database)[1][0]) == ("Renamed", PRICE[0])


def test_mail_that_comes_in_meanwhile_waits_for_the_next_run(folder: Path, database: Database, tmp_path: Path) -> None:
    make_older(database, {1: "does it cost per user and month"})
    late = (tmp_path / "mails" / "00.eml").read_text().replace("<0@", "<late@").replace("company0", "late")
    (tmp_path / "late.eml").write_text(late)

    def decide(changes: Changes) -> bool:
        with closing(open_database(folder / "answers.db").conn) as connection:
            load_files(Database(connection), (tmp_path / "late.eml",), MONDAY, lambda count: None)
        return True

    analyze_again(database, SETTINGS, workers=1, zone=BERLIN, now=MONDAY, decide=decide)
    assert standing(database)[1][0] == PRICE[0]
    assert database.conn.execute("select count(*) from messages").fetchone()[0] == 17
    assert analyze(database, SETTINGS, workers=1, zone=BERLIN, now=MONDAY).harvest.added == 1


def test_ids_are_kept_by_overlap_and_never_by_luck() -> None:
    before = {number: Said(number, f"what does the seat number {number} cost us", 1) for number in range(1, 7)}
    same = {number + 10: Said(number, f"tell us what the seat number {number} is", 9) for number in range(1, 7)}
    assert find_known_ids(before, same) == (Taken(born=9, known=1),)
    halves = {n: replace(one, topic=8 if n < 14 else 9) for n, one in same.items()}
    assert find_known_ids(before, halves) == ()
    elsewhere = {n: replace(one, message=one.message + 100) for n, one in same.items()}
    assert find_known_ids(before, elsewhere) == ()
    still_there = {**same, 1: before[1]}
    assert find_known_ids(before, still_there) == ()


def answers(folder: Path, *arguments: str, exit_code: int = 0) -> str:
    done = CliRunner().invoke(app, ["--config", str(folder / "answers.toml"), *arguments], catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    return done.output


def test_the_command_tells_first_and_a_dry_run_changes_nothing(folder: Path, database: Database) -> None:
    make_older(database, {1: "does it cost per user and month"})
    database.conn.close()
    older = contents(folder / "answers.db")
    said = answers(folder, "analyze", "--all", "--dry-run")
    assert '~ #1 "does it cost per user and month"' in said
    assert said.endswith("Nothing was changed.\n")
    assert contents(folder / "answers.db") == older
    document = json.loads(answers(folder, "analyze", "--all", "--dry-run", "--json"))
    assert document["changed"] is False
    assert document["changes"]["insights_reworded"][0]["before"] == "does it cost per user and month"
    said = answers(folder, "analyze", "--all")
    assert said.index("~ #1") < said.index("16 brought up to date")
    assert "nothing changes: 16 mails" in answers(folder, "analyze", "--all", "--yes")
    assert "go with --all" in answers_error(folder, "analyze", "--dry-run")


def answers_error(folder: Path, *arguments: str) -> str:
    done = subprocess.run(command(folder, *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    return done.stderr


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "answers.py"), "--config", str(folder / "answers.toml"), *arguments]


@pytest.mark.parametrize("reply", ["n", "y"])
def test_on_a_terminal_it_asks_before_it_changes(folder: Path, database: Database, reply: str) -> None:
    make_older(database, {1: "does it cost per user and month"})
    database.conn.close()
    assert b"~ #1" in reply_on_terminal(command(folder, "analyze", "--all"), reply)
    with closing(open_database(folder / "answers.db").conn) as connection:
        assert (standing(Database(connection))[1][0] == PRICE[0]) is (reply == "y")


def test_counts_are_those_that_people_see(database: Database) -> None:
    state = load_state(database)
    assert (len(state.mails), len(state.texts)) == (16, 16)
    assert {topic: len(one.members) for topic, one in state.topics.items()} == {1: 6, 2: 5, 3: 5}
