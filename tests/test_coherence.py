"""Chatter founds no topics: what is said scattered waits in the pool, however alike its neighbours make it."""

from datetime import timedelta

import numpy as np
from sqlite_utils import Database
from topic_material import HOSTING, MONDAY, PRICE, SAP, add_insights

from nlp.coherence import KEPT_MEMBERS, LIFTED, Wording, choose_kept, recall_wording
from nlp.embedding import Embedder, Encoders
from nlp.growth import grow_topics
from nlp.space import FREEZE_CENTRE_AT, Block
from nlp.store import load_insights
from nlp.topics import UNPLACED, Crowd, place_insights

GROUP = np.arange(4, dtype=np.intp)


def lay_out(encoder: Embedder) -> tuple[Block, Block]:
    return Block(encoder, slice(0, 8), english_only=True), Block(encoder, slice(8, 16), english_only=False)


def rows_of_cosine(cosine: float, count: int) -> np.ndarray:
    """Unit rows, each pair of them that much alike."""
    rows = np.hstack([np.full((count, 1), np.sqrt(cosine)), np.sqrt(1 - cosine) * np.eye(count, 7)])
    return rows.astype(np.float32)


def said(cosine: float, encoders: Encoders, *, density: float = 1.0, insights: int = 1_000, count: int = 5) -> Wording:
    """Wording of `count` insights, each pair of them that much alike, in English by as much more as all are there."""
    vectors = np.hstack([rows_of_cosine(cosine + LIFTED, count), rows_of_cosine(cosine, count)])
    return recall_wording(vectors, np.arange(count), insights, lay_out(encoders.english), density)


def test_only_what_is_said_alike_founds_a_topic(encoders: Encoders) -> None:
    assert said(0.6, encoders).is_one_matter(GROUP)
    assert not said(0.3, encoders).is_one_matter(GROUP)


def test_the_more_agree_the_less_alike_they_have_to_be(encoders: Encoders) -> None:
    wording = said(0.48, encoders, count=7)
    assert not wording.is_one_matter(np.arange(3))
    assert wording.is_one_matter(np.arange(7))


def test_among_thousands_a_few_have_to_be_more_alike(encoders: Encoders) -> None:
    assert said(0.51, encoders, insights=1_000).is_one_matter(GROUP)
    assert not said(0.51, encoders, insights=4_000).is_one_matter(GROUP)
    assert said(0.6, encoders, insights=1_000_000).is_one_matter(GROUP)


def test_only_what_is_said_like_the_latest_members_joins(encoders: Encoders) -> None:
    near, far = said(0.4, encoders), said(0.2, encoders)
    assert near.fits(np.array([4]), GROUP).tolist() == [True]
    assert far.fits(np.array([4]), GROUP).tolist() == [False]


def test_prose_and_young_mailboxes_are_not_held_to_it(encoders: Encoders) -> None:
    assert not said(0.1, encoders).is_one_matter(GROUP)
    assert said(0.1, encoders, density=0.05).is_one_matter(GROUP)
    assert said(0.1, encoders, insights=10).is_one_matter(GROUP)


def test_what_only_one_encoder_reads_counts_as_much(encoders: Encoders) -> None:
    rows = rows_of_cosine(0.6, 5)
    foreign = np.hstack([np.zeros_like(rows), rows])
    wording = recall_wording(foreign, np.arange(5), 1_000, lay_out(encoders.english), 1.0)
    assert wording.is_one_matter(GROUP)
    assert wording.fits(np.array([4]), GROUP).all()


def test_what_is_not_known_any_more_is_no_obstacle(encoders: Encoders) -> None:
    forgotten = np.zeros((5, 16), dtype=np.float32)
    wording = recall_wording(forgotten, np.arange(5), 1_000, lay_out(encoders.english), 1.0)
    assert wording.is_one_matter(GROUP)
    assert wording.fits(np.array([4]), GROUP).all()


def test_a_scattered_group_waits_though_its_vectors_meet(encoders: Encoders) -> None:
    vectors = rows_of_cosine(0.9, 5)
    waiting = np.full(5, UNPLACED, dtype=np.int64)
    numbers = np.arange(5, dtype=np.int64)
    scattered = Crowd(vectors, waiting, numbers, numbers, wording=said(0.2, encoders))
    alike = Crowd(vectors, waiting, numbers, numbers, wording=said(0.6, encoders))
    assert place_insights(scattered, next_topic=1, density=1.0).placed == ()
    assert len(place_insights(alike, next_topic=1, density=1.0).placed) == 5


def test_the_newest_waiting_and_the_latest_members_are_kept() -> None:
    topics = np.array([0, 7, 7, 7, 7, 7, 7, 0, 0, 9])
    assert choose_kept(topics, most_waiting=2).tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert choose_kept(topics).tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert choose_kept(np.zeros(0, dtype=np.int64)).tolist() == []


def test_a_settled_mailbox_keeps_few_wordings_and_still_tells_chatter(database: Database, encoders: Encoders) -> None:
    requests = tuple(f"{text} Number {number}." for number in range(35) for text in (*PRICE, *SAP, *HOSTING[:4]))
    assert len(requests) > FREEZE_CENTRE_AT
    add_insights(database, requests)
    grow_topics(database, encoders, MONDAY)
    placed = {insight.id: insight.topic for insight in load_insights(database)}
    kept = {row[0] for row in database.conn.execute("select insight from vectors where model like '%/questions'")}
    topics = {topic for topic in placed.values() if topic}
    waiting = {insight for insight, topic in placed.items() if topic is None}
    assert waiting <= kept
    assert len(kept) <= len(waiting) + KEPT_MEMBERS * len(topics)
    chatter = (
        "Who painted the ceiling of the chapel?",
        "How long do I boil an egg?",
        "When does the zoo open on Sundays?",
        "Why is my cat afraid of cucumbers?",
        "What rhymes with orange?",
        "Is it going to rain in Lisbon tomorrow?",
        "How many moons does Saturn have?",
        "Can you book me a table for two tonight?",
    )
    add_insights(database, (*chatter, PRICE[0]), first=1_000)
    grow_topics(database, encoders, MONDAY + timedelta(weeks=1))
    after = {insight.id: insight.topic for insight in load_insights(database)}
    assert [after[1_000 + number] for number in range(len(chatter))] == [None] * len(chatter)
    assert after[1_000 + len(chatter)] == placed[1]
