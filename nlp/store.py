"""The SQL of insights, topics and decisions. Decides nothing; hands out and takes in frozen values."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import numpy as np
from sqlite_utils import Database

from harvester.errors import TryLater, UsageError
from nlp.embedding import Vectors, unit_rows
from nlp.records import Decision, Kind, StoredInsight, Topic, parse_topic_id, topic_id
from nlp.space import keep_common_columns
from nlp.vector_store import load_setting

MACHINE = "machine"
_KINDS = {kind.value: kind for kind in Kind}  # a hundred thousand are looked up at once
MOST_PARAMETERS = 900  # of one statement, below the 999 of an old SQLite
INSIGHT_COLUMNS = (
    "i.id, i.message, i.kind, i.text, i.context, i.company, i.person, i.asked_at, i.language, i.category, i.stage, "
    "i.inferred, i.answer, a.topic"
)
TOPIC_COLUMNS = (
    "id, name, slug, named_by, status, category, stage, born_at, merged_into, dismissed, status_detail, "
    "category_by, stage_by"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one insight stands. topic: its own one, merged or not; 0 while unplaced.

    A merged topic goes on attracting what is like its own insights: the middle of two meanings is like neither.
    """

    insight: int
    message: int
    company: str
    topic: int
    category: str


def all_topics(database: Database) -> tuple[Topic, ...]:
    """Every topic ever born, oldest first; also the merged and the dismissed ones."""
    rows = database.conn.execute(f"select {TOPIC_COLUMNS} from topics order by id")
    return tuple(_topic(row) for row in rows)


def living_topics(database: Database) -> tuple[Topic, ...]:
    """The topics that are shown: neither merged into another nor dismissed nor empty, oldest first."""
    topics = all_topics(database)
    carrier = carrying_topics(topics)
    held = {carrier[topic] for (topic,) in database.conn.execute("select distinct topic from assignments")}
    return tuple(topic for topic in topics if topic.id in held and not topic.dismissed)


def find_topic(database: Database, shown_id: str) -> Topic:
    """The topic of that id ("T-017"), merged or not. Raises UsageError when there is none."""
    number = parse_topic_id(shown_id)
    row = database.conn.execute(f"select {TOPIC_COLUMNS} from topics where id = ?", (number,)).fetchone()
    if row is None:
        raise UsageError(f"there is no topic {shown_id}; `answers topics` lists them")
    return _topic(row)


def carrying_topics(topics: Iterable[Topic]) -> dict[int, int]:
    """Every topic id -> the id of the topic that carries on its insights (itself when it was never merged)."""
    merged = {topic.id: topic.merged_into for topic in topics}
    return {number: _follow(merged, number) for number in merged}


def load_insights(database: Database) -> tuple[StoredInsight, ...]:
    """Every insight, oldest id first; `topic` is the one that carries on, None while unplaced."""
    carrier = carrying_topics(all_topics(database))
    rows = database.conn.execute(
        f"select {INSIGHT_COLUMNS} from insights i left join assignments a on a.insight = i.id order by i.id"
    )
    return tuple(_insight(row, carrier) for row in rows)


def insights_by_id(database: Database, insights: Sequence[int]) -> dict[int, StoredInsight]:
    """These insights; at most a few hundred."""
    carrier = carrying_topics(all_topics(database))
    marks = ", ".join("?" * len(insights))
    rows = database.conn.execute(
        f"select {INSIGHT_COLUMNS} from insights i left join assignments a on a.insight = i.id where i.id in ({marks})",
        tuple(insights),
    )
    return {row[0]: _insight(row, carrier) for row in rows}


def load_standings(database: Database) -> tuple[Standing, ...]:
    """Where every insight stands, oldest id first."""
    rows = database.conn.execute(
        "select i.id, i.message, i.company, a.topic, i.category from insights i"
        " left join assignments a on a.insight = i.id order by i.id"
    )
    return tuple(Standing(row[0], row[1], row[2], row[3] or 0, row[4]) for row in rows)


def split_insights(database: Database) -> tuple[dict[int, tuple[StoredInsight, ...]], tuple[StoredInsight, ...]]:
    """`topic_insights` and `unplaced_insights` with one look at the database."""
    groups: dict[int | None, list[StoredInsight]] = {}
    for insight in load_insights(database):
        groups.setdefault(insight.topic, []).append(insight)
    # In order of their ids they come, and sorting keeps that order among equals.
    ordered = {topic: tuple(sorted(members, key=attrgetter("asked_at"))) for topic, members in groups.items()}
    unplaced = ordered.pop(None, ())
    return {topic: ordered[topic] for topic in sorted(topic for topic in ordered if topic is not None)}, unplaced


def topic_insights(database: Database) -> dict[int, tuple[StoredInsight, ...]]:
    """Carrying topic id -> its insights, those of the topics merged into it included; oldest question first."""
    groups: dict[int, list[StoredInsight]] = {}
    for insight in load_insights(database):
        if insight.topic is not None:
            groups.setdefault(insight.topic, []).append(insight)
    return {topic: tuple(sorted(members, key=_asked_order)) for topic, members in sorted(groups.items())}


def unplaced_insights(database: Database) -> tuple[StoredInsight, ...]:
    """Insights that have no topic yet, oldest question first."""
    return tuple(sorted((i for i in load_insights(database) if i.topic is None), key=_asked_order))


def central_order(database: Database, topic: int) -> tuple[int, ...]:
    """Insight ids of a carrying topic, the most central first: highest mean similarity to all of the topic."""
    return central_orders(database).get(topic, ())


def central_orders(database: Database) -> dict[int, tuple[int, ...]]:
    """`central_order` of every topic at once."""
    carrier = carrying_topics(all_topics(database))
    members: dict[int, list[int]] = {}
    for insight, topic in database.conn.execute("select insight, topic from assignments order by insight"):
        members.setdefault(carrier[topic], []).append(insight)
    model = load_setting(database, "model") or ""
    orders = {}
    for topic, insights in members.items():  # one topic at a time: all vectors at once are hundreds of megabytes
        ids, vectors = load_some_vectors(database, model, insights)
        orders[topic] = order_by_centrality(insights, vectors, {insight: row for row, insight in enumerate(ids)})
    return orders


def load_some_vectors(database: Database, model: str, insights: Sequence[int]) -> tuple[list[int], Vectors]:
    """(ids, (n, d) rows in that order) of those of these insights that have a vector."""
    found: list[tuple[int, bytes]] = []
    for start in range(0, len(insights), MOST_PARAMETERS):
        some = insights[start : start + MOST_PARAMETERS]
        marks = ", ".join("?" * len(some))
        query = f"select insight, vector from vectors where model = ? and insight in ({marks})"
        found += database.conn.execute(query, (model, *some)).fetchall()
    vectors = np.frombuffer(b"".join(vector for _, vector in found), dtype="<f4")
    return [insight for insight, _ in found], vectors.reshape(len(found), -1) if found else vectors.reshape(0, 0)


def order_by_centrality(insights: Sequence[int], vectors: Vectors, rows: Mapping[int, int]) -> tuple[int, ...]:
    """Whatever language they are in. insights: ids. rows: id -> row of `vectors`; ids without a vector come last."""
    known = [insight for insight in insights if insight in rows]
    if not known:
        return tuple(insights)
    own = unit_rows(keep_common_columns(vectors[[rows[insight] for insight in known]]))
    closeness = own @ own.sum(axis=0)
    ranked = sorted(zip(known, closeness, strict=True), key=lambda pair: (-round(float(pair[1]), 4), pair[0]))
    return (*(insight for insight, _ in ranked), *(insight for insight in insights if insight not in rows))


def decision_log(database: Database, topic: int | None = None) -> tuple[Decision, ...]:
    """What people decided, oldest first; about one topic or all. Undone decisions carry their `undone_at`."""
    rows = database.conn.execute(
        "select id, decided_at, author, verb, topic, detail, undone_at from decisions "
        "where ? is null or topic = ? order by id",
        (topic, topic),
    )
    return tuple(
        Decision(
            id=row[0],
            decided_at=datetime.fromisoformat(row[1]),
            author=row[2],
            verb=row[3],
            topic=row[4],
            detail=json.loads(row[5]),
            undone_at=_moment(row[6]),
        )
        for row in rows
    )


def next_topic_id(database: Database) -> int:
    """The id that the next topic gets; no id is used twice, also not after a rollback of history."""
    row = database.conn.execute("select seq from sqlite_sequence where name = 'topics'").fetchone()
    return 1 if row is None else int(row[0]) + 1


def write_topic(connection: sqlite3.Connection, topic: Topic) -> None:
    """Insert the topic, or bring its row up to date."""
    row = (
        topic.id,
        topic.name,
        topic.named_by,
        topic.slug,
        topic.status,
        topic.status_detail,
        topic.category,
        topic.stage,
        utc_text(topic.born_at),
        topic.merged_into,
        int(topic.dismissed),
        topic.category_by,
        topic.stage_by,
    )
    connection.execute(
        "insert into topics (id, name, named_by, slug, status, status_detail, category, stage, born_at, merged_into,"
        " dismissed, category_by, stage_by) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " on conflict (id) do update set name = excluded.name,"
        " named_by = excluded.named_by, status = excluded.status, status_detail = excluded.status_detail,"
        " category = excluded.category, stage = excluded.stage, merged_into = excluded.merged_into,"
        " dismissed = excluded.dismissed, category_by = excluded.category_by, stage_by = excluded.stage_by",
        row,
    )


def insert_topic(connection: sqlite3.Connection, topic: Topic) -> None:
    """Store a topic that was just born. Raises TryLater when another process gave out its id in the meantime."""
    taken = connection.execute("select 1 from topics where id = ?", (topic.id,)).fetchone()
    if taken:
        raise TryLater(f"another process has just created {topic_id(topic.id)}; run the command again")
    write_topic(connection, topic)


def update_facets(connection: sqlite3.Connection, topic: Topic) -> None:
    """Keep the machine's view of a topic; never touches what a person decided in the meantime."""
    connection.execute(
        "update topics set category = ?, stage = ? where id = ?", (topic.category, topic.stage, topic.id)
    )
    connection.execute("update topics set name = ? where id = ? and named_by = 'machine'", (topic.name, topic.id))


def save_assignments(
    connection: sqlite3.Connection,
    assignments: Iterable[tuple[int, int, float | None]],
    decided_by: str,
    now: datetime,
) -> None:
    """(insight, topic, similarity) each. The machine only fills what is empty; a person replaces what was there."""
    conflict = "ignore" if decided_by == MACHINE else "replace"
    connection.executemany(
        f"insert or {conflict} into assignments (insight, topic, similarity, decided_by, decided_at)"
        " values (?, ?, ?, ?, ?)",
        [
            (insight, topic, None if similarity is None else round(similarity, 4), decided_by, utc_text(now))
            for insight, topic, similarity in assignments
        ],
    )


def shown_topics(database: Database) -> frozenset[int]:
    """Topics that a digest has shown; their names are known to people."""
    return frozenset(row[0] for row in database.conn.execute("select distinct topic from outbox_topics"))


def known_people(database: Database) -> frozenset[str]:
    """Names of people in the mails, word by word, lower case."""
    rows = database.conn.execute(
        "select name from people union select author_name from parts where author_name is not null"
    )
    words = (word.strip(".,;:()\"'").lower() for (name,) in rows for word in name.split())
    return frozenset(word for word in words if len(word) > 2)


def utc_text(moment: datetime) -> str:
    """How moments are stored: ISO 8601, UTC, seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _topic(row: Sequence[object]) -> Topic:
    number, name, slug, named_by, status, category, stage, born_at, merged_into, dismissed, status_detail, *by = row
    return Topic(
        id=int(str(number)),
        name=str(name),
        slug=str(slug),
        named_by=str(named_by),
        status=str(status),
        category=str(category),
        stage=str(stage),
        born_at=datetime.fromisoformat(str(born_at)),
        merged_into=None if merged_into is None else int(str(merged_into)),
        dismissed=bool(dismissed),
        status_detail=None if status_detail is None else str(status_detail),
        category_by=str(by[0]),
        stage_by=str(by[1]),
    )


def _insight(row: tuple[Any, ...], carrier: Mapping[int, int]) -> StoredInsight:
    (
        number,
        message,
        kind,
        text,
        context,
        company,
        person,
        asked_at,
        language,
        category,
        stage,
        inferred,
        answer,
        topic,
    ) = row
    return StoredInsight(
        id=number,
        message=message,
        kind=_KINDS[kind],
        text=text,
        context=context,
        company=company,
        person=person,
        asked_at=datetime.fromisoformat(asked_at),
        language=language,
        category=category,
        stage=stage,
        inferred=bool(inferred),
        answer=answer,
        topic=None if topic is None else carrier[topic],
    )


def _follow(merged: Mapping[int, int | None], number: int) -> int:
    while (onward := merged[number]) is not None:
        number = onward
    return number


def _asked_order(insight: StoredInsight) -> tuple[datetime, int]:
    return insight.asked_at, insight.id
