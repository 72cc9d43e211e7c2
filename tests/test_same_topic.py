"""The learned "same topic?" model: what it brings together, what it suggests, and that people have the last word."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database
from topic_material import MONDAY, Told, add_insights

from digest.status import read_state
from harvester.database import open_database, transaction
from harvester.errors import ModelError, UsageError
from nlp import same_topic
from nlp.atlas import shipped_archetypes
from nlp.bars import set_bars
from nlp.decision_store import carry_out, take_back
from nlp.decisions import keep_apart, last_decision, pin_facets, undo_decision
from nlp.embedding import Encoders
from nlp.growth import grow_topics
from nlp.same_topic import load_same_topic, same_topic_for
from nlp.seeding import plant_seeds
from nlp.store import all_topics, decision_log, find_topic, living_topics, load_insights
from nlp.suggestion_store import load_suggestions, save_suggestions
from nlp.suggestions import Suggestion, suggest
from nlp.topics import Crowd, place_insights
from nlp.vector_store import load_answered_share, load_setting, load_stock_answers

# (what was asked, what the colleague answered): two meanings, and hardly a word of the questions in common.
DELIVERY = (
    ("How long until the pumps would stand in our yard?", "Delivery takes six weeks from the day we have the order."),
    ("We open in May. Is that cutting it fine?", "Six weeks from order to delivery, so May is no trouble."),
    ("Wann könnten die Geräte bei uns sein?", "Die Lieferzeit beträgt sechs Wochen ab Bestellung."),
    ("My boss worries that everything arrives after the season.", "Delivery is six weeks from your order."),
    ("If I sign on Monday, when does the lorry come?", "Six weeks after the order, to the day. Delivery is included."),
)
TRAINING = (
    ("Who shows the night shift which button does what?", "A trainer comes for one day, training is free of charge."),
    ("None of us has ever used such a thing.", "Nobody has at first. The training day with our trainer is free."),
    ("Wer weist die Kollegen ein?", "Unsere Trainerin kommt einen Tag, die Schulung ist kostenlos."),
    ("Would I have to read a manual of 300 pages?", "No. One day of training with a trainer, free of charge."),
    ("The girls at the counter are afraid of it.", "A trainer spends a day with them, the training costs nothing."),
)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, encoders: Encoders) -> Path:
    path = tmp_path_factory.mktemp("same") / "answers.db"
    database = open_database(path)
    add_answered(database, (*DELIVERY[:-1], *TRAINING[:-1]))
    grow_topics(database, encoders, MONDAY)
    database.conn.close()
    return path


@pytest.fixture
def database(grown: Path, tmp_path: Path) -> Iterator[Database]:
    database = open_database(Path(shutil.copy(grown, tmp_path / "answers.db")))
    yield database
    database.conn.close()


def add_answered(database: Database, pairs: tuple[tuple[str, str], ...], *, first: int = 1) -> None:
    add_insights(database, tuple(question for question, _ in pairs), first=first)
    with transaction(database) as connection:
        for number, (_, answer) in enumerate(pairs, start=first):
            language = "de" if number - first in (2, 6) and first == 1 else "en"
            connection.execute("update insights set answer = ?, language = ? where id = ?", (answer, language, number))


def crowd_of(topics: list[int], between: float, inside: float) -> Crowd:
    labels = np.array(topics, dtype=np.int64)
    similarity = np.where(labels[:, None] == labels[None, :], inside, between)
    vectors = np.eye(len(labels), dtype=np.float32)
    return Crowd(vectors, labels, np.arange(len(labels)), np.arange(len(labels)), Told(similarity))


def test_answers_bring_together_what_shares_no_word(database: Database) -> None:
    placed = {insight.id: insight.topic for insight in load_insights(database)}
    delivery, training = {placed[number] for number in range(1, 5)}, {placed[number] for number in range(5, 9)}
    assert len(delivery) == len(training) == 1
    assert delivery != training
    assert None not in delivery | training


def test_later_insights_join_and_nobody_moves(database: Database, encoders: Encoders) -> None:
    before = {insight.id: insight.topic for insight in load_insights(database)}
    add_answered(database, (DELIVERY[-1], TRAINING[-1]), first=20)
    grow_topics(database, encoders, MONDAY + timedelta(weeks=1))
    after = {insight.id: insight.topic for insight in load_insights(database)}
    assert after[20] == before[1]
    assert after[21] == before[5]
    assert {number: after[number] for number in before} == before


def test_a_few_near_members_are_not_enough_to_join_a_large_topic() -> None:
    crowd = crowd_of([*[1] * 20, 0], between=0.1, inside=0.7)
    assert isinstance(crowd.likeness, Told)
    similarity = crowd.likeness.between(np.arange(21), np.arange(21))

    def joined(near: int) -> list[int]:
        likeness = similarity.copy()
        likeness[20, :near] = likeness[:near, 20] = 0.8
        return [one.topic for one in place_insights(replace(crowd, likeness=Told(likeness)), 2, 0.0).placed]

    assert joined(near=5) == []
    assert joined(near=15) == [1]


@pytest.mark.parametrize(("likeness", "born"), [(0.7, 0), (0.78, 1)])
def test_two_found_a_topic_only_when_much_alike(likeness: float, born: int) -> None:
    two, three = (crowd_of([*[1] * 200, *[0] * count], between=0.1, inside=likeness) for count in (2, 3))
    assert len(place_insights(two, 2, 0.0).born) == born
    assert len(place_insights(three, 2, 0.0).born) == 1


def test_a_young_mailbox_asks_for_more_likeness_but_for_the_very_first_insights() -> None:
    births = [set_bars(0.0, insights, learned_birth=0.5).birth for insights in (0, 30, 90, 150, 1_000)]
    assert births[0] == births[3] == births[4] < births[2] < births[1]


def test_without_answers_vectors_decide(tmp_path: Path, encoders: Encoders) -> None:
    database = open_database(tmp_path / "answers.db")
    add_insights(database, tuple(question for question, _ in (*DELIVERY, *TRAINING)))
    grow_topics(database, encoders, MONDAY)
    assert load_suggestions(database) == ()
    database.conn.close()


def test_what_colleagues_write_to_everything_is_no_answer(tmp_path: Path, encoders: Encoders) -> None:
    stock = "Good to hear from you, our product team is going to take it from there."
    asked = tuple(question for question, _ in (*DELIVERY, *TRAINING))
    for name, answer in (("stock", stock), ("none", "")):
        database = open_database(tmp_path / name)
        add_answered(database, tuple((question, answer) for question in asked))
        grow_topics(database, encoders, MONDAY)
        database.conn.close()
    stocked, unanswered = (open_database(tmp_path / name) for name in ("stock", "none"))
    assert len(load_stock_answers(stocked)) == len(asked)
    assert load_answered_share(stocked) == 0
    assert [i.topic for i in load_insights(stocked)] == [i.topic for i in load_insights(unanswered)]
    stocked.conn.close()
    unanswered.conn.close()


def test_one_answer_among_others_may_be_given_again_and_again(database: Database) -> None:
    asked = ("How long do we wait?", "And from Leeds?", "When would it stand in Hull?")
    add_answered(database, tuple((question, DELIVERY[0][1]) for question in asked), first=20)
    assert load_stock_answers(database) == frozenset()
    assert load_answered_share(database) == 1


def test_a_stock_answer_beside_real_ones_says_nothing(database: Database) -> None:
    stock = "Good to hear from you, our product team is going to take it from there."
    add_answered(database, tuple((question, stock) for question, _ in (*DELIVERY, *TRAINING)), first=20)
    assert load_stock_answers(database) == frozenset(range(20, 30))
    assert load_answered_share(database) == pytest.approx(8 / 18)


def test_status_names_the_encoders_once(database: Database) -> None:
    embedder = read_state(database, poll_every_minutes=None, now=MONDAY).embedder
    assert embedder == load_setting(database, "model")
    assert embedder is not None
    assert "/questions" not in embedder


def test_the_model_is_for_its_own_encoders_only(encoders: Encoders) -> None:
    assert same_topic_for(encoders) is load_same_topic()
    assert same_topic_for(Encoders(encoders.english, None)) is None


def test_a_damaged_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(same_topic.data_folder() / "topics", tmp_path / "topics")
    with (tmp_path / "topics" / "same_topic.onnx").open("ab") as file:
        file.write(b"x")
    monkeypatch.setattr(same_topic, "data_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match=r"same_topic\.onnx"):
        load_same_topic.__wrapped__()


def test_the_model_knows_every_archetype_of_the_atlas() -> None:
    assert load_same_topic().archetypes == tuple(one.id for one in shipped_archetypes())


def test_the_first_insight_finds_a_topic_that_buyers_ask_about_everywhere(tmp_path: Path, encoders: Encoders) -> None:
    database = open_database(tmp_path / "answers.db")
    add_answered(database, (("What do you charge per user and month?", "Nine euro for each user."),))
    grown = grow_topics(database, encoders, MONDAY)
    assert grown.born == (1,)
    assert [insight.topic for insight in load_insights(database)] == [1]
    database.conn.close()


def test_a_mailbox_with_meanings_of_its_own_gets_no_seeds() -> None:
    chances = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]], dtype=np.float32)
    young = plant_seeds(np.arange(3), chances, insights=3, next_topic=7)
    assert [(one.row, one.topic) for one in young] == [(0, 7), (1, 8)]
    assert plant_seeds(np.arange(3), chances, insights=41, next_topic=7) == ()


def test_alike_topics_are_suggested_and_distant_ones_are_not() -> None:
    alike = crowd_of([1, 1, 2, 2], between=0.45, inside=0.8)
    distant = crowd_of([1, 1, 2, 2], between=0.2, inside=0.8)
    assert suggest(alike, alike.topics, {1, 2}) == (Suggestion("merge", 1, 2, 0.45),)
    assert suggest(distant, distant.topics, {1, 2}) == ()
    assert suggest(alike, alike.topics, {1}) == ()


def test_a_large_topic_of_distant_insights_is_called_broad() -> None:
    crowd = crowd_of([1] * 9, between=0.3, inside=0.3)
    assert suggest(crowd, crowd.topics, {1}) == (Suggestion("broad", 1, None, 0.3),)
    assert suggest(crowd_of([1] * 5, 0.3, 0.3), np.ones(5, dtype=np.int64), {1}) == ()


def test_what_a_person_keeps_apart_is_not_suggested_again(database: Database) -> None:
    first, second = (topic.id for topic in living_topics(database))
    with transaction(database) as connection:
        save_suggestions(connection, (Suggestion("merge", first, second, 0.5),), MONDAY)
    assert [one.other for one in load_suggestions(database)] == [second]
    topics = {topic.id: topic for topic in all_topics(database)}
    carry_out(database, keep_apart(topics[second], topics[first]), "ana", MONDAY)
    assert load_suggestions(database) == ()
    decision = last_decision(decision_log(database), topics[second])
    take_back(database, undo_decision(decision, topics), MONDAY)
    assert [one.other for one in load_suggestions(database)] == [second]


def test_a_pinned_category_outlives_new_insights(database: Database, encoders: Encoders) -> None:
    topic = find_topic(database, "T-001")
    carry_out(database, pin_facets(topic, "cost", None, "ana"), "ana", MONDAY)
    add_answered(database, (DELIVERY[-1], TRAINING[-1]), first=20)
    grow_topics(database, encoders, MONDAY + timedelta(weeks=1))
    assert find_topic(database, "T-001").category == "cost"
    assert find_topic(database, "T-002").category == "other"
    with pytest.raises(UsageError, match="not a stage"):
        pin_facets(topic, None, "someday", "ana")


def test_same_mails_give_the_same_topics_and_suggestions(tmp_path: Path, encoders: Encoders) -> None:
    dumps = []
    for name in ("one", "two"):
        database = open_database(tmp_path / f"{name}.db")
        for week, pairs in enumerate((DELIVERY, TRAINING)):
            add_answered(database, pairs, first=1 + 10 * week)
            grow_topics(database, encoders, MONDAY + timedelta(weeks=week))
        assert load_setting(database, "model")
        dumps.append([row for row in database.conn.iterdump() if "schema_migrations" not in row])
        database.conn.close()
    assert dumps[0] == dumps[1]
