"""The SQL of suggestions. What a person has decided about is not suggested again."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from harvester.database import utc_text
from nlp.store import decision_log, living_topics
from nlp.suggestions import Suggestion


def save_suggestions(connection: sqlite3.Connection, suggestions: Sequence[Suggestion], now: datetime) -> None:
    """Replace what was suggested before."""
    connection.execute("delete from suggestions")
    connection.executemany(
        "insert into suggestions (kind, topic, other, score, made_at) values (?, ?, ?, ?, ?)",
        [(one.kind, one.topic, one.other, one.score, utc_text(now)) for one in suggestions],
    )


def load_suggestions(database: Database) -> tuple[Suggestion, ...]:
    """What is still open, the likeliest merges first: both topics are shown, nobody said that they stay apart."""
    living = {topic.id for topic in living_topics(database)}
    apart = {
        frozenset((one.topic, int(one.detail["other"])))
        for one in decision_log(database)
        if one.verb == "apart" and one.undone_at is None
    }
    rows = database.conn.execute("select kind, topic, other, score from suggestions order by rowid")
    found = (Suggestion(*row) for row in rows)
    return tuple(
        one
        for one in found
        if one.topic in living
        and (one.other is None or one.other in living)
        and frozenset((one.topic, one.other or one.topic)) not in apart
    )
