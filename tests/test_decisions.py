"""What people decide wins over the machine, is logged, and can be undone."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database
from topic_material import HOSTING, MONDAY, PRICE, SAP, add_insights

from harvester.database import open_database
from harvester.errors import AnswersError, UsageError
from nlp.decision_store import carry_out, load_assigned, take_back
from nlp.decisions import (
    Ruling,
    dismiss_topic,
    last_decision,
    merge_topics,
    move_insights,
    rename_topic,
    restore_topic,
    set_status,
    split_topic,
    undo_decision,
)
from nlp.embedding import Encoders
from nlp.growth import grow_topics
from nlp.records import Topic
from nlp.store import (
    all_topics,
    central_order,
    decision_log,
    find_topic,
    insights_by_id,
    living_topics,
    load_insights,
    next_topic_id,
    topic_insights,
)

TODAY = date(2026, 11, 9)


@pytest.fixture(scope="module")
def three_topics(tmp_path_factory: pytest.TempPathFactory, encoders: Encoders) -> Path:
    """T-001 price, T-002 SAP, T-003 hosting; one question of each is still to come."""
    path = tmp_path_factory.mktemp("topics") / "answers.db"
    database = open_database(path)
    add_insights(database, (*PRICE[:-1], *SAP[:-1], *HOSTING[:-1]))
    grow_topics(database, encoders, MONDAY)
    database.conn.close()
    return path


@pytest.fixture
def database(tmp_path: Path, three_topics: Path) -> Iterator[Database]:
    database = open_database(Path(shutil.copy(three_topics, tmp_path)))
    yield database
    database.conn.close()


def decide(database: Database, ruling: Ruling) -> None:
    carry_out(database, ruling, "Mia", MONDAY)


def undo(database: Database, shown_id: str) -> None:
    decision = last_decision(decision_log(database), find_topic(database, shown_id))
    take_back(database, undo_decision(decision, {topic.id: topic for topic in all_topics(database)}), MONDAY)


def later(database: Database, encoders: Encoders) -> None:
    """The week after: one more question of each meaning."""
    add_insights(database, (PRICE[-1], SAP[-1], HOSTING[-1]), first=90, asked_at=MONDAY + timedelta(weeks=1))
    grow_topics(database, encoders, MONDAY + timedelta(weeks=1))


def topic_of(database: Database, insight: int) -> int | None:
    return insights_by_id(database, [insight])[insight].topic


def test_name_given_by_a_person_stays(database: Database, encoders: Encoders) -> None:
    before = find_topic(database, "T-001")
    decide(database, rename_topic(before, "Price\nper  user", "Mia"))
    later(database, encoders)
    topic = find_topic(database, "T-001")
    assert (topic.name, topic.named_by, topic.slug) == ("Price per user", "Mia", before.slug)
    undo(database, "T-001")
    assert find_topic(database, "T-001").name == before.name


def test_merged_topics_count_as_one_also_later(database: Database, encoders: Encoders) -> None:
    decide(database, merge_topics(find_topic(database, "T-002"), find_topic(database, "T-001")))
    assert [topic.id for topic in living_topics(database)] == [1, 3]
    later(database, encoders)
    assert topic_of(database, 90) == topic_of(database, 91) == 1
    assert set(topic_insights(database)) == {1, 3}
    assert find_topic(database, "T-002").merged_into == 1
    undo(database, "T-002")
    assert [topic.id for topic in living_topics(database)] == [1, 2, 3]
    assert topic_of(database, 6) == 2


def test_merge_into_itself_or_into_an_alias_is_refused(database: Database) -> None:
    price, sap, hosting = (find_topic(database, f"T-00{number}") for number in (1, 2, 3))
    with pytest.raises(UsageError, match="itself"):
        merge_topics(price, price)
    decide(database, merge_topics(sap, price))
    with pytest.raises(UsageError, match="was merged into T-001"):
        merge_topics(hosting, find_topic(database, "T-002"))
    with pytest.raises(UsageError, match="was merged into T-001"):
        merge_topics(find_topic(database, "T-002"), hosting)


def test_dismissed_topic_stays_dismissed_and_takes_what_comes(database: Database, encoders: Encoders) -> None:
    decide(database, dismiss_topic(find_topic(database, "T-002")))
    later(database, encoders)
    assert topic_of(database, 91) == 2
    assert [topic.id for topic in living_topics(database)] == [1, 3]
    decide(database, restore_topic(find_topic(database, "T-002")))
    assert [topic.id for topic in living_topics(database)] == [1, 2, 3]


def test_moved_insight_stays_where_it_was_put(database: Database, encoders: Encoders) -> None:
    decide(database, move_insights(find_topic(database, "T-003"), load_assigned(database, [1])))
    later(database, encoders)
    assert topic_of(database, 1) == 3
    undo(database, "T-003")
    assert topic_of(database, 1) == 1


def test_split_gives_birth_and_undoing_it_leaves_an_alias(database: Database, encoders: Encoders) -> None:
    topic = find_topic(database, "T-001")
    order = central_order(database, 1)
    members = [insights_by_id(database, order)[insight] for insight in order]

    def split(insights: list[int]) -> Ruling:
        chosen = load_assigned(database, insights)
        born = next_topic_id(database)
        return split_topic(topic, members, chosen, new_id=born, name="Seats", author="Mia", now=MONDAY)

    with pytest.raises(UsageError, match="nothing would stay"):
        split(list(order))
    with pytest.raises(UsageError, match="holds no insight 6"):
        split([1, 6])
    decide(database, split([1, 4]))
    later(database, encoders)
    assert (topic_of(database, 1), topic_of(database, 4), topic_of(database, 2)) == (4, 4, 1)
    undo(database, "T-004")
    assert topic_of(database, 1) == 1
    assert find_topic(database, "T-004").merged_into == 1
    assert next_topic_id(database) == 5


@pytest.mark.parametrize(
    ("status", "detail", "complaint"),
    [
        ("published", "soon", "address of the page"),
        ("published", "javascript:alert(1)", "address of the page"),
        ("wont-do", " ", "reason"),
        ("snoozed", "2026-11-09", "coming date"),
        ("done", "", "not a status"),
    ],
)
def test_status_needs_what_belongs_to_it(database: Database, status: str, detail: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        set_status(find_topic(database, "T-001"), status, detail, TODAY)


def test_status_is_kept_with_its_detail(database: Database, encoders: Encoders) -> None:
    topic = find_topic(database, "T-001")
    decide(database, set_status(topic, "published", "https://www.acme.example/price", TODAY))
    later(database, encoders)
    topic = find_topic(database, "T-001")
    assert (topic.status, topic.status_detail) == ("published", "https://www.acme.example/price")
    undo(database, "T-001")
    assert find_topic(database, "T-001") == replace(topic, status="open", status_detail=None)


def test_log_says_who_what_and_when(database: Database) -> None:
    decide(database, rename_topic(find_topic(database, "T-001"), "Price", "Mia"))
    (decision,) = decision_log(database, 1)
    assert (decision.author, decision.verb, decision.decided_at) == ("Mia", "rename", MONDAY)
    undo(database, "T-001")
    (decision,) = decision_log(database, 1)
    assert decision.undone_at == MONDAY
    with pytest.raises(AnswersError, match="nobody decided"):
        undo(database, "T-001")


def test_unknown_topics_and_insights_are_named(database: Database) -> None:
    for shown in ("T-999", "x", "T-", "T-9999999999999999999999"):
        with pytest.raises(UsageError):
            find_topic(database, shown)
    with pytest.raises(UsageError, match="no insight 999"):
        load_assigned(database, [999])


def test_insights_know_their_topic(database: Database) -> None:
    assert isinstance(find_topic(database, "t-1"), Topic)
    assert {insight.topic for insight in load_insights(database)} == {1, 2, 3}
