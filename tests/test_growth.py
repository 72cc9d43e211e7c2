"""Topics grow and never move: ids are for ever, twice adds nothing, the same mails give the same topics."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database
from topic_material import HOSTING, LONELY, MONDAY, PRICE, SAP, add_insights

from harvester.database import open_database
from harvester.resources import data_folder
from nlp.embedding import Encoders, WordEmbedder
from nlp.growth import grow_topics
from nlp.store import all_topics, central_order, living_topics, load_insights, topic_insights, unplaced_insights
from nlp.topics import UNPLACED, Crowd, place_insights


def placements(database: Database) -> dict[int, int | None]:
    return {insight.id: insight.topic for insight in load_insights(database)}


def test_same_meaning_is_one_topic_and_the_odd_one_waits(database: Database, encoders: Encoders) -> None:
    add_insights(database, (*PRICE, *SAP, *HOSTING, LONELY))
    grown = grow_topics(database, encoders, MONDAY)
    placed = placements(database)
    assert grown.born == (1, 2, 3)
    assert len({placed[number] for number in range(1, 7)}) == 1
    assert len({placed[number] for number in range(7, 12)}) == 1
    assert len({placed[number] for number in range(12, 17)}) == 1
    assert [insight.text for insight in unplaced_insights(database)] == [LONELY]


def test_second_run_adds_nothing(database: Database, encoders: Encoders) -> None:
    add_insights(database, (*PRICE, *SAP, LONELY))
    grow_topics(database, encoders, MONDAY)
    before = list(database.conn.iterdump())
    grown = grow_topics(database, encoders, MONDAY + timedelta(days=1))
    assert (grown.embedded, grown.placed, grown.born) == (0, 0, ())
    assert list(database.conn.iterdump()) == before


def test_later_insights_join_and_nothing_moves(database: Database, encoders: Encoders) -> None:
    add_insights(database, (*PRICE[:4], *SAP[:4], LONELY))
    grow_topics(database, encoders, MONDAY)
    before = placements(database)
    names = {topic.id: topic.slug for topic in all_topics(database)}
    add_insights(database, (PRICE[4], SAP[4], *HOSTING), first=50)
    grow_topics(database, encoders, MONDAY + timedelta(weeks=1))
    after = placements(database)
    assert {number: after[number] for number in before if before[number]} == {k: v for k, v in before.items() if v}
    assert after[50] == before[1]
    assert after[51] == before[5]
    assert {topic.id: topic.slug for topic in all_topics(database) if topic.id in names} == names


def test_same_mails_in_the_same_order_give_the_same_topics(tmp_path: Path, encoders: Encoders) -> None:
    dumps = []
    for name in ("one", "two"):
        database = open_database(tmp_path / f"{name}.db")
        for week, texts in enumerate((PRICE, SAP, HOSTING)):
            add_insights(database, texts, first=1 + 10 * week)
            grow_topics(database, encoders, MONDAY + timedelta(weeks=week))
        dumps.append([row for row in database.conn.iterdump() if "schema_migrations" not in row])
        database.conn.close()
    assert dumps[0] == dumps[1]


def test_topic_is_named_by_a_question_of_its_own(database: Database, encoders: Encoders) -> None:
    add_insights(database, PRICE)
    grow_topics(database, encoders, MONDAY)
    (topic,) = living_topics(database)
    assert topic.name in PRICE
    assert topic.named_by == "machine"
    assert sorted(central_order(database, topic.id)) == [insight.id for insight in topic_insights(database)[topic.id]]


def test_languages_meet_in_one_topic(database: Database, encoders: Encoders) -> None:
    german = ("Was kostet das pro Benutzer und Monat?", "Wie viel zahlen wir monatlich pro Nutzer?")
    add_insights(database, (*PRICE, *SAP))
    grow_topics(database, encoders, MONDAY)
    add_insights(database, german, first=30)
    with database.conn:
        database.conn.execute("update insights set language = 'de' where id >= 30")
    grow_topics(database, encoders, MONDAY)
    placed = placements(database)
    assert placed[30] == placed[31] == placed[1]


def test_works_without_the_packaged_encoders(database: Database) -> None:
    words = Encoders(WordEmbedder(data_folder() / "embedding" / "vocab.txt"), None)
    add_insights(database, (*PRICE, *SAP))
    grow_topics(database, words, MONDAY)
    placed = placements(database)
    assert placed[7] is not None
    assert placed[7] != placed[1]


def test_other_encoders_compare_anew_and_keep_the_topics(database: Database, encoders: Encoders) -> None:
    add_insights(database, (*PRICE, *SAP))
    grow_topics(database, encoders, MONDAY)
    before = placements(database)
    words = Encoders(WordEmbedder(data_folder() / "embedding" / "vocab.txt"), None)
    assert grow_topics(database, words, MONDAY).embedded == len(before)
    after = placements(database)
    assert all(after[number] == topic for number, topic in before.items() if topic)


def test_empty_mailbox_has_no_topics(database: Database, encoders: Encoders) -> None:
    assert grow_topics(database, encoders, MONDAY).born == ()
    assert living_topics(database) == ()


def test_backlog_is_placed_in_order_of_arrival() -> None:
    randomness = np.random.default_rng(3)
    directions = np.eye(8, dtype=np.float32)
    rows = np.vstack([directions[number % 8] + 0.05 * randomness.standard_normal(8) for number in range(5_000)])
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    numbers = np.arange(5_000, dtype=np.int64)
    crowd = Crowd(vectors, np.full(5_000, UNPLACED, dtype=np.int64), numbers, numbers)
    placement = place_insights(crowd, next_topic=5, density=1.0)
    assert placement.born == tuple(range(5, 13))
    assert len(placement.placed) == 5_000
    assert {one.topic for one in placement.placed if one.row % 8 == 0} == {5}


@pytest.mark.parametrize(("insights", "topics"), [(300, 0), (1_200, 100)])
def test_what_is_too_little_alike_among_few_founds_topics_in_a_backlog(insights: int, topics: int) -> None:
    matter = np.arange(insights) // 12
    shared, own = np.eye(insights // 12)[matter], np.eye(insights)
    vectors = np.hstack([np.sqrt(0.68) * shared, np.sqrt(0.32) * own]).astype(np.float32)  # cosine .68 within a matter
    numbers = np.arange(insights, dtype=np.int64)
    crowd = Crowd(vectors, np.full(insights, UNPLACED, dtype=np.int64), numbers, numbers)
    placement = place_insights(crowd, next_topic=1, density=1.0)
    assert len(placement.born) == topics
    assert {(one.topic - 1, one.row // 12) for one in placement.placed} == {(one, one) for one in range(topics)}


def test_an_old_mailbox_loaded_late_renames_nothing(database: Database, encoders: Encoders) -> None:
    add_insights(database, PRICE[3:])
    grow_topics(database, encoders, MONDAY)
    names = {topic.id: topic.name for topic in all_topics(database)}
    assert names
    add_insights(database, PRICE[:3], first=20, asked_at=MONDAY - timedelta(days=400))
    grown = grow_topics(database, encoders, MONDAY + timedelta(days=1))
    assert grown.placed == 3
    assert {topic.id: topic.name for topic in all_topics(database) if topic.id in names} == names


def test_what_the_atlas_knows_names_the_topic(database: Database, encoders: Encoders) -> None:
    add_insights(database, HOSTING)
    # What everybody is answered alike tells nothing, so each answer differs.
    answer = "'Your data is stored in data centre ' || id || ' in Frankfurt.'"
    database.conn.execute(f"update insights set answer = {answer}")
    grow_topics(database, encoders, MONDAY)
    assert [topic.name for topic in all_topics(database)] == ["Where is our data stored?"]
