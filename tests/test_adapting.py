"""What people decide teaches how much alike is the same: a little, from decisions alone, and undone with them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console, RenderableType
from sqlite_utils import Database
from topic_material import MONDAY, Told, add_insights

from digest.status import read_state
from digest.status_text import state_as_text
from harvester.database import open_database, transaction
from nlp.adapting import MOST_SHIFT, UNADAPTED, Adaptation, Lesson, adapt, choose_shift
from nlp.bars import LEARNED_BIRTH
from nlp.decision_store import carry_out, take_back
from nlp.decisions import keep_apart, last_decision, merge_topics, undo_decision
from nlp.embedding import load_encoders
from nlp.growth import grow_topics
from nlp.records import Decision
from nlp.store import decision_log, find_topic, living_topics
from nlp.topics import Crowd

NEAR = LEARNED_BIRTH - 0.05
FAR = LEARNED_BIRTH + 0.05


def crowd_of(topics: list[int], between: float) -> Crowd:
    """Insights 101, 102, ...; as alike as that across topics, and quite alike inside one."""
    labels = np.array(topics, dtype=np.int64)
    similarity = np.where(labels[:, None] == labels[None, :], 0.8, between)
    numbers = np.arange(len(labels), dtype=np.int64)
    return Crowd(np.eye(len(labels), dtype=np.float32), labels, numbers, numbers, Told(similarity))


def decision(verb: str, topic: int, **detail: object) -> Decision:
    return Decision(1, MONDAY, "Mia", verb, topic, detail)


TOPICS = [1, 1, 2, 2, 3, 3]
INSIGHTS = [101, 102, 103, 104, 105, 106]
MERGE = decision("merge", 2, into="T-001")
APART = decision("apart", 1, other=2)
SPLIT = decision("split", 1, born="T-003", insights=[[105, 1, "machine", 0.6], [106, 1, "machine", 0.6]])
MOVE = decision("move", 2, insights=[[103, 1, "machine", 0.6]])


def test_merges_of_what_was_not_joined_lower_the_bar() -> None:
    adaptation = adapt(crowd_of(TOPICS, NEAR), INSIGHTS, [MERGE] * 12)
    assert adaptation.decisions == 12
    assert -MOST_SHIFT <= adaptation.shift <= -0.005
    assert adaptation.sentence.startswith("adapted from 12 decisions: likeness asked for -0.0")


@pytest.mark.parametrize("taught", [APART, SPLIT])
def test_what_is_kept_apart_though_alike_raises_the_bar(taught: Decision) -> None:
    assert 0.005 <= adapt(crowd_of(TOPICS, FAR), INSIGHTS, [taught] * 12).shift <= MOST_SHIFT


def test_a_move_teaches_both_where_to_and_where_from() -> None:
    assert adapt(crowd_of(TOPICS, FAR), INSIGHTS, [MOVE]).decisions == 1
    away = adapt(crowd_of(TOPICS, FAR), INSIGHTS, [MOVE] * 12)
    assert away.shift > 0


def test_one_or_two_decisions_change_next_to_nothing() -> None:
    for taught in (MERGE, APART, SPLIT, MOVE):
        for between in (0.0, NEAR, FAR, 1.0):
            assert abs(adapt(crowd_of(TOPICS, between), INSIGHTS, [taught] * 2).shift) <= 0.002


def test_what_the_bar_says_anyway_teaches_hardly_anything() -> None:
    assert choose_shift([Lesson(0.1, is_same=False)] * 50 + [Lesson(0.9, is_same=True)] * 50) == 0.0


def test_nothing_moves_the_bar_far() -> None:
    assert choose_shift([Lesson(0.0, is_same=True)] * 10_000) == -MOST_SHIFT
    assert choose_shift([Lesson(1.0, is_same=False)] * 10_000) == MOST_SHIFT


def test_without_decisions_or_with_undone_ones_everything_is_as_shipped() -> None:
    crowd = crowd_of(TOPICS, NEAR)
    assert adapt(crowd, INSIGHTS, []) == Adaptation(0.0, ())
    assert adapt(crowd, INSIGHTS, [replace(MERGE, undone_at=MONDAY)] * 12) == UNADAPTED
    assert adapt(replace(crowd, likeness=None), INSIGHTS, [MERGE] * 12) == UNADAPTED
    others = [decision("rename", 1, name="x"), decision("dismiss", 1), decision("apart", 1, other=1)]
    assert adapt(crowd, INSIGHTS, others) == UNADAPTED


def test_decisions_about_what_is_gone_teach_nothing() -> None:
    gone = decision("merge", 8, into="T-009")
    erased = decision("move", 2, insights=[[999, 1, "machine", 0.6]])
    assert adapt(crowd_of(TOPICS, NEAR), INSIGHTS, [gone, erased]) == UNADAPTED


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Two topics that a rep answers differently, and one question more of each to come."""
    database = open_database(tmp_path / "answers.db")
    add(database, 1, ("How long until the pumps stand in our yard?", "When would they come?", "How soon is delivery?"))
    add(
        database,
        11,
        ("Who shows us how it works?", "Is there a training?", "Do you train our people?"),
        "Training: a day.",
    )
    grow_topics(database, load_encoders(), MONDAY)
    yield database
    database.conn.close()


def add(database: Database, first: int, questions: tuple[str, ...], answer: str = "Delivery takes six weeks.") -> None:
    add_insights(database, questions, first=first)
    with transaction(database) as connection:
        for number in range(first, first + len(questions)):
            # Nobody gets quite the same words: what stands in every mail is no answer.
            connection.execute("update insights set answer = ? where id = ?", (f"{answer} Order {number}.", number))


def test_status_says_what_was_learned_and_undoing_takes_it_back(database: Database) -> None:
    one, other = living_topics(database)[:2]
    carry_out(database, merge_topics(other, one), "Mia", MONDAY)
    add(database, 30, ("When is it here?",))
    grow_topics(database, load_encoders(), MONDAY + timedelta(weeks=1))
    state = read_state(database, poll_every_minutes=None, now=MONDAY)
    assert (state.adapted or "").startswith("adapted from 1 decision: likeness asked for ")
    assert state.as_json()["adapted"] == state.adapted
    assert any("adapted from 1" in str(row) for row in _cells(state_as_text(state)))
    decided = last_decision(decision_log(database), find_topic(database, "T-002"))
    take_back(database, undo_decision(decided, {topic.id: topic for topic in (one, other)}), MONDAY)
    add(database, 40, ("And how soon?",))
    grow_topics(database, load_encoders(), MONDAY + timedelta(weeks=2))
    assert read_state(database, poll_every_minutes=None, now=MONDAY).adapted is None


def test_keeping_topics_apart_is_a_lesson_too(database: Database) -> None:
    one, other = living_topics(database)[:2]
    carry_out(database, keep_apart(one, other), "Mia", MONDAY)
    add(database, 30, ("When is it here?",))
    grow_topics(database, load_encoders(), MONDAY + timedelta(weeks=1))
    assert "from 1 decision:" in (read_state(database, poll_every_minutes=None, now=MONDAY).adapted or "")


def _cells(rendered: RenderableType) -> list[str]:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(rendered)
    return captured.get().splitlines()
