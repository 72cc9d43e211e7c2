"""Grouping everything anew mends what the stream got wrong; ids go on by overlap, and what people decided stays.

The stream's mistakes are made by hand: insights that stand in another topic, a topic in two pieces.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlite_utils import Database
from topic_material import HOSTING, LONELY, MONDAY, PRICE, SAP, Told, add_insights

from harvester.database import open_database, transaction
from harvester.errors import AnswersError, TryLater
from harvester.records import ReadingSettings, Roster
from nlp import regrouping_store
from nlp.analysis import analyze_again
from nlp.changes import Changes, tell
from nlp.comparison import VECTORS_DECIDE
from nlp.decision_store import carry_out, load_assigned, take_back
from nlp.decisions import (
    Ruling,
    dismiss_topic,
    keep_apart,
    merge_topics,
    move_insights,
    pin_facets,
    rename_topic,
    rule_on_page,
    set_status,
    split_topic,
    undo_decision,
)
from nlp.embedding import Encoders
from nlp.growth import SCHEME, grow_topics
from nlp.page_store import name_page
from nlp.records import Topic
from nlp.regrouping import find_followers, find_heirs
from nlp.store import (
    all_topics,
    decision_log,
    find_topic,
    insert_topic,
    living_topics,
    load_insights,
    next_topic_id,
    topic_insights,
)
from nlp.topics import Crowd, place_insights

SETTINGS = ReadingSettings(Roster(("acme.example",)))
WEEK = timedelta(weeks=1)
PRICES, SAPS, HOSTINGS = range(1, 7), range(7, 12), range(12, 17)


@pytest.fixture
def grown(database: Database, encoders: Encoders) -> Database:
    """T-001 about prices, T-002 about SAP, T-003 about hosting, all right, and one insight that waits."""
    add_insights(database, (*PRICE, *SAP, *HOSTING, LONELY))
    grow_topics(database, encoders, MONDAY)
    assert standing(database) == {**right(), 17: None}
    return database


def right() -> dict[int, int | None]:
    return {number: topic for topic, members in enumerate((PRICES, SAPS, HOSTINGS), 1) for number in members}


def standing(database: Database) -> dict[int, int | None]:
    return {insight.id: insight.topic for insight in load_insights(database)}


def put(database: Database, topic: int, *insights: int) -> None:
    """As the machine would have placed them."""
    with transaction(database) as connection:
        connection.executemany("update assignments set topic = ? where insight = ?", ((topic, one) for one in insights))


def found_topic(database: Database, name: str, *insights: int) -> int:
    """A topic that the machine founded one week later."""
    number = next_topic_id(database)
    slug = name.lower().rstrip("?").replace(" ", "-")
    with transaction(database) as connection:
        insert_topic(connection, Topic(number, name, slug, "machine", "open", "other", "consideration", MONDAY + WEEK))
    put(database, number, *insights)
    return number


def regroup(database: Database, decide: Callable[[Changes], bool] = lambda changes: True, *, weeks: int = 2) -> Changes:
    told: list[Changes] = []

    def asked(changes: Changes) -> bool:
        told.append(changes)
        return decide(changes)

    analyze_again(
        database,
        SETTINGS,
        workers=1,
        zone=ZoneInfo("Europe/Berlin"),
        now=MONDAY + weeks * WEEK,
        decide=asked,
        everything=False,
        regroup=True,
    )
    return told[0]


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_what_is_right_stays_as_it_is_to_the_last_byte(grown: Database, tmp_path: Path) -> None:
    before = contents(tmp_path / "answers.db")
    changes = regroup(grown)
    assert not changes
    assert tell(changes) == ("Everything was grouped anew and nothing changes: 0 mails, 17 insights, 3 topics.",)
    assert contents(tmp_path / "answers.db") == before


def test_mistakes_are_mended_and_a_second_run_changes_nothing(grown: Database, tmp_path: Path) -> None:
    put(grown, 1, *SAPS[:2])
    piece = found_topic(grown, "Which country?", *HOSTINGS[:2])
    changes = regroup(grown)
    assert standing(grown) == {**right(), 17: None}
    assert (dict(changes.members), dict(changes.led)) == ({1: (0, 2), 2: (2, 0), 3: (2, 0)}, {piece: 3})
    assert (changes.moves.moved, changes.moves.placed, changes.fixed) == (4, 16, 0)
    assert [topic.id for topic in living_topics(grown)] == [1, 2, 3]
    assert tell(changes)[1:6] == (
        "topics: 3 go on under their id, 1 lead on to another, 0 hold nothing any more; new: 0",
        "decided by people, all that they hold stays there: 0 topics",
        "insights: of 16 in topics 4 go to another and 0 to none; 0 that waited find one",
        f'  T-001 "{topic(grown, 1).name}": 0 came, 2 went',
        f'  T-002 "{topic(grown, 2).name}": 2 came, 0 went',
    )
    assert f'  > T-004 "Which country?" leads on to T-003 "{topic(grown, 3).name}"' in tell(changes)
    after = contents(tmp_path / "answers.db")
    assert not regroup(grown, weeks=3)
    assert contents(tmp_path / "answers.db") == after


def test_same_archive_same_result(grown: Database, tmp_path: Path) -> None:
    put(grown, 1, *SAPS[:3])
    found_topic(grown, "Which country?", *HOSTINGS[:2])
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        grown.conn.backup(copy)
    other = open_database(tmp_path / "copy.db")
    assert regroup(grown)
    assert regroup(other)
    other.conn.close()
    assert contents(tmp_path / "answers.db") == contents(tmp_path / "copy.db")


def test_what_waited_finds_its_topic_and_what_comes_in_is_read(grown: Database) -> None:
    with transaction(grown) as connection:
        connection.execute("delete from assignments where insight in (11, 16)")
    add_insights(grown, ("What is the price per user and month?",), first=30)
    changes = regroup(grown)
    assert standing(grown) == {**right(), 17: None, 30: 1}
    assert changes.moves.found == 3  # of them one that was not compared with anything yet


DECISIONS: dict[str, Callable[[Database], Ruling]] = {
    "rename": lambda database: rename_topic(topic(database, 1), "Price list", "Mia"),
    "dismiss": lambda database: dismiss_topic(topic(database, 1)),
    "pin": lambda database: pin_facets(topic(database, 1), "cost", None, "Mia"),
    "claimed": lambda database: set_status(topic(database, 1), "claimed", "Mia", MONDAY.date()),
    "published": lambda database: set_status(
        topic(database, 1), "published", "https://www.acme.example/price", MONDAY.date()
    ),
    "wont-do": lambda database: set_status(topic(database, 1), "wont-do", "no time", MONDAY.date()),
    "page": lambda database: rule_on_page(
        topic(database, 1), name_page(database, "https://www.acme.example/price", MONDAY), "not", None, "Mia"
    ),
    "merge": lambda database: merge_topics(topic(database, 1), topic(database, 3)),
    "merge into": lambda database: merge_topics(topic(database, 3), topic(database, 1)),
    "split": lambda database: split_topic(
        topic(database, 1),
        topic_insights(database)[1],
        load_assigned(database, [1, 2]),
        new_id=next_topic_id(database),
        name="Seats",
        author="Mia",
        now=MONDAY,
    ),
    "move": lambda database: move_insights(topic(database, 1), load_assigned(database, [HOSTINGS[0]])),
    "apart": lambda database: keep_apart(topic(database, 1), topic(database, 2)),
}


def topic(database: Database, number: int):
    return find_topic(database, f"T-{number:03d}")


def own_topics(database: Database) -> dict[int, int]:
    return dict(database.conn.execute("select insight, topic from assignments").fetchall())


@pytest.mark.parametrize("verb", DECISIONS)
def test_what_people_decided_about_keeps_all_that_it_holds(grown: Database, verb: str) -> None:
    put(grown, 1, *SAPS[:2])
    carry_out(grown, DECISIONS[verb](grown), "Mia", MONDAY)
    fixed = {1} | {"merge": {3}, "merge into": {3}, "split": {4}, "apart": {2}}.get(verb, set())

    def look() -> tuple[object, ...]:
        held = {insight: one for insight, one in own_topics(grown).items() if one in fixed}
        rows = [one for one in all_topics(grown) if one.id in fixed]
        rulings = grown.conn.execute("select * from page_rulings").fetchall()
        return held, rows, rulings, grown.conn.execute("select * from assignments where decided_by = 'Mia'").fetchall()

    before = look()
    assert regroup(grown).fixed == len({topic(grown, one).merged_into or one for one in fixed})
    assert look() == before
    assert own_topics(grown)[SAPS[0]] == 1
    assert not regroup(grown, weeks=3)


def test_what_was_taken_back_holds_nothing_any_more(grown: Database) -> None:
    put(grown, 1, *SAPS[:2])
    carry_out(grown, keep_apart(topic(grown, 1), topic(grown, 2)), "Mia", MONDAY)
    (decision,) = decision_log(grown)
    take_back(grown, undo_decision(decision, {one.id: one for one in all_topics(grown)}), MONDAY)
    regroup(grown)
    assert standing(grown) == {**right(), 17: None}


def test_what_was_moved_out_of_a_topic_does_not_hold_the_rest_of_it(grown: Database) -> None:
    put(grown, 1, *SAPS[:3])
    carry_out(grown, move_insights(topic(grown, 2), load_assigned(grown, [SAPS[0]])), "Mia", MONDAY)
    regroup(grown)
    assert standing(grown) == {**right(), 17: None}


def test_a_decision_can_be_undone_afterwards(grown: Database) -> None:
    piece = found_topic(grown, "Which country?", *HOSTINGS[:2])
    carry_out(grown, move_insights(topic(grown, 2), load_assigned(grown, [HOSTINGS[0]])), "Mia", MONDAY)
    regroup(grown)
    assert (standing(grown)[HOSTINGS[0]], topic(grown, piece).merged_into) == (2, 3)
    (decision,) = decision_log(grown)
    take_back(grown, undo_decision(decision, {one.id: one for one in all_topics(grown)}), MONDAY)
    assert standing(grown) == {**right(), 17: None}
    regroup(grown, weeks=3)
    assert own_topics(grown) == right()
    assert not regroup(grown, weeks=4)


def test_names_that_a_digest_has_shown_stay_with_the_id(grown: Database) -> None:
    grown.conn.execute("update topics set name = 'What about SAP, then?' where id = 2")
    grown.conn.execute(
        "insert into outbox (audience, week, message_id, recipients, mail, state, state_at, covers_from, covers_until)"
        " values ('marketing', '2026-W45', '<1@acme.example>', '[]', x'', 'sent', '', '', '')"
    )
    grown.conn.execute("insert into outbox_topics values (1, 2, 1, 'top', 5, 0)")
    put(grown, 2, *PRICES[:2])
    regroup(grown)
    assert (standing(grown)[SAPS[0]], topic(grown, 2).name) == (2, "What about SAP, then?")


def test_a_topic_made_of_known_ones_is_as_old_as_they_are(grown: Database) -> None:
    """What the prices come from goes on without them: theirs is another topic, but no new one."""
    put(grown, 2, *PRICES[:3])
    put(grown, 3, *PRICES[3:])
    changes = regroup(grown)
    assert standing(grown) == {**right(), 17: None, **dict.fromkeys(PRICES, 4)}
    assert f'  + T-004 "{topic(grown, 4).name}" is new: 3 of T-002, 3 of T-003' in tell(changes)
    assert changes.as_json()["topics_from"] == [{"id": "T-004", "from": [["T-002", 3], ["T-003", 3]]}]
    assert topic(grown, 4).born_at == MONDAY


def test_a_topic_of_what_waited_is_new(grown: Database) -> None:
    with transaction(grown) as connection:
        connection.execute("delete from assignments where topic = 1")
    regroup(grown)
    assert topic(grown, standing(grown)[PRICES[0]] or 0).born_at == MONDAY + 2 * WEEK


def test_a_no_changes_nothing(grown: Database, tmp_path: Path) -> None:
    put(grown, 1, *SAPS[:2])
    before = contents(tmp_path / "answers.db")
    assert regroup(grown, lambda changes: False)
    assert contents(tmp_path / "answers.db") == before


def test_interrupted_it_leaves_the_archive_as_it_was(grown: Database, tmp_path: Path) -> None:
    put(grown, 1, *SAPS[:2])
    before = contents(tmp_path / "answers.db")

    def interrupt(changes: Changes) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        regroup(grown, interrupt)
    assert contents(tmp_path / "answers.db") == before
    assert not list(tmp_path.glob(".draft-*"))


def test_a_decision_made_meanwhile_is_not_overrun(grown: Database, tmp_path: Path) -> None:
    put(grown, 1, *SAPS[:2])

    def decide(changes: Changes) -> bool:
        with closing(open_database(tmp_path / "answers.db").conn) as connection:
            other = Database(connection)
            carry_out(other, rename_topic(topic(other, 1), "Price list", "Mia"), "Mia", MONDAY)
        return True

    with pytest.raises(TryLater, match="run the command again"):
        regroup(grown, decide)
    assert (topic(grown, 1).name, standing(grown)[SAPS[0]]) == ("Price list", 1)
    regroup(grown)
    assert standing(grown)[SAPS[0]] == 1


def test_where_vectors_decide_and_most_are_forgotten_it_refuses(grown: Database, encoders: Encoders) -> None:
    with transaction(grown) as connection:
        key = f"{VECTORS_DECIDE}{SCHEME}/{encoders.name}"
        connection.execute("insert into engine (key, value) values (?, x'796573')", (key,))
    with pytest.raises(AnswersError, match="half of the insights have an answer"):
        regroup(grown)


def test_beyond_what_can_be_grouped_at_once_it_refuses(grown: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regrouping_store, "MOST_REGROUPED", 15)
    with pytest.raises(AnswersError, match="at most 15 insights anew, and here 16"):
        regroup(grown)
    carry_out(grown, rename_topic(topic(grown, 1), "Price list", "Mia"), "Mia", MONDAY)
    assert regroup(grown).fixed == 1


def test_an_empty_archive_has_nothing_to_group(database: Database) -> None:
    assert not regroup(database)


def test_what_is_alike_finds_together_before_a_topic_that_stands_draws_it_in() -> None:
    """Four much alike, only one of them somewhat like the topic of the first three."""
    alike = np.full((7, 7), 0.9)
    alike[:3, 3:] = alike[3:, :3] = 0.3
    alike[:3, 3] = alike[3, :3] = 0.65
    numbers = np.arange(7, dtype=np.int64)
    topics = np.array([1, 1, 1, 0, 0, 0, 0], dtype=np.int64)
    crowd = Crowd(np.eye(7, dtype=np.float32), topics, numbers, numbers, Told(alike))
    one_by_one = {placed.row: placed.topic for placed in place_insights(crowd, 2, 0.0).placed}
    assert one_by_one == {3: 1, 4: 2, 5: 2, 6: 2}
    together = {placed.row: placed.topic for placed in place_insights(crowd, 2, 0.0, groups_first=True).placed}
    assert together == {3: 2, 4: 2, 5: 2, 6: 2}


def test_ids_go_on_by_overlap_and_never_by_luck() -> None:
    before = {**dict.fromkeys(range(10), 1), **dict.fromkeys(range(10, 14), 2)}
    same = {**dict.fromkeys(range(7), 21), **dict.fromkeys((7, 8, 9, *range(10, 14)), 22)}
    assert find_followers(before, same, {21, 22}) == {21: 1, 22: 2}
    joined = dict.fromkeys(range(14), 21)
    assert find_followers(before, joined, {21}) == {21: 1}
    halves = {**dict.fromkeys(range(5), 21), **dict.fromkeys(range(5, 10), 22)}
    assert find_followers(before, halves, {21, 22}) == {}
    thirds = {**dict.fromkeys(range(3), 21), 3: 22, 4: 23, 5: 24}  # three of ten are too few to be called the ten
    assert find_followers(before, thirds, {21, 22, 23, 24}) == {}
    elsewhere = {**dict.fromkeys(range(6), 3), **dict.fromkeys(range(6, 10), 21)}  # most went to one that stands
    assert find_followers(before, elsewhere, {21}) == {}


def test_of_pieces_that_are_equally_large_the_older_goes_on() -> None:
    before = {1: 5, 2: 5, 3: 4, 4: 4}
    assert find_followers(before, dict.fromkeys(range(1, 5), 21), {21}) == {21: 4}


def test_a_single_insight_is_an_overlap_only_when_it_is_all() -> None:
    assert find_followers({1: 4}, {1: 21}, {21}) == {21: 4}
    assert find_followers({1: 4}, {1: 21, 2: 21}, {21}) == {}
    assert find_followers({1: 4, 2: 4}, {1: 21}, {21}) == {}


def test_an_address_leads_on_to_where_at_least_half_is() -> None:
    before = dict.fromkeys(range(6), 1)
    assert find_heirs(before, {0: 9, 1: 9, 2: 9, 3: 8}) == {1: 9}
    assert find_heirs(before, {0: 9, 1: 9, 2: 9, 3: 8, 4: 8, 5: 8}) == {1: 8}
    assert find_heirs(before, {0: 9, 1: 9, 2: 8}) == {}
    assert find_heirs(before, {}) == {}
