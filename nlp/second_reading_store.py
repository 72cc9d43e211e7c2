"""The SQL of reading everything again: what two states hold, and the way of the newer one into the archive."""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence

from sqlite_utils import Database

from harvester.database import transaction
from harvester.draft import Key, Table, carry_over, find_differences
from harvester.errors import TryLater
from nlp.changes import KnownTopic, State
from nlp.second_reading import Said, Taken
from nlp.store import all_topics, carrying_topics, shown_topics, update_facets

# What is understood again, those first that others point to. Bytes, captures, decisions and what went out stay.
TABLES = (
    Table("readings", ("message",)),
    Table("people", ("message",), is_list=True),
    Table("parts", ("message", "position")),
    Table("links", ("message",), is_list=True),
    Table("attachments", ("message",), is_list=True),
    Table("thread_ids", ("identifier",)),
    Table("topics", ("id",)),
    Table("insights", ("id",)),
    Table("vectors", ("insight", "model")),
    Table("assignments", ("insight",)),
    Table("suggestions", ("kind",), is_list=True),
    Table("engine", ("key",)),
    Table("page_vectors", ("page", "model", "position")),
    Table("page_voices", ("topic",)),
    Table("page_matches", ("topic", "page")),
)
# What people and other commands may change meanwhile. New mails only wait to be read.
WATCHED = ("readings", "insights", "topics", "assignments", "decisions", "pages", "page_matches", "page_rulings",
           "erasures", "outbox_topics")  # fmt: skip


def load_state(database: Database) -> State:
    """What people see of the archive."""
    mails = {row[0]: (row[1] or f"mail {row[0]}", row[2] or "") for row in database.conn.execute(
        "select message, message_id, status from readings")}  # fmt: skip
    texts = dict(database.conn.execute("select id, text from insights").fetchall())
    topics = {topic.id: topic for topic in all_topics(database)}
    carrier = carrying_topics(topics.values())
    members: dict[int, set[int]] = {}
    for insight, topic in database.conn.execute("select insight, topic from assignments"):
        members.setdefault(carrier[topic], set()).add(insight)
    known = {topic: KnownTopic(topics[topic].name, frozenset(some)) for topic, some in members.items()}
    return State(mails, texts, known, carrier)


def load_said(database: Database) -> dict[int, Said]:
    """Every insight with the mail that it stands in and its own topic, merged or not."""
    rows = database.conn.execute(
        "select i.id, i.message, i.text, a.topic from insights i left join assignments a on a.insight = i.id"
    )
    return {row[0]: Said(row[1], row[2], row[3]) for row in rows}


def hand_back_ids(draft: Database, taken: Sequence[Taken]) -> None:
    """Give topics that were only just born the ids under which they are known."""
    topics = {topic.id: topic for topic in all_topics(draft)}
    shown = shown_topics(draft)
    with transaction(draft) as connection:
        for one in taken:
            known, born = topics[one.known], topics[one.born]
            connection.execute("update assignments set topic = ? where topic = ?", (one.known, one.born))
            connection.execute("update suggestions set topic = ? where topic = ?", (one.known, one.born))
            connection.execute("update suggestions set other = ? where other = ?", (one.known, one.born))
            connection.execute("delete from topics where id = ?", (one.born,))
            update_facets(connection, one.keep(known, born, is_shown=one.known in shown))


def find_all_differences(draft: Database, database: Database) -> dict[str, list[Key]]:
    """Table -> keys of the rows that are to be changed; tables without any are missing."""
    found = {table.name: [one.key for one in find_differences(draft.conn, database.conn, table)] for table in TABLES}
    return {name: keys for name, keys in found.items() if keys}


def digest_of(connection: sqlite3.Connection) -> str:
    """Changes when somebody decides, erases or settles something; not when mails come in."""
    digest = hashlib.sha256()
    for table in WATCHED:
        for row in connection.execute(f"select * from {table} order by rowid"):
            digest.update(repr(row).encode("utf-8", "replace"))
    return digest.hexdigest()


def take_over(draft: Database, database: Database, found: Mapping[str, Sequence[Key]], started_with: str) -> None:
    """Make the archive what the draft is, at once. Raises TryLater when it is no longer what the draft began with."""
    with transaction(database) as connection:
        if digest_of(connection) != started_with:
            raise TryLater(
                "somebody decided, erased or released something meanwhile; nothing was changed, run the command again"
            )
        connection.execute("pragma defer_foreign_keys = on")
        # Two insights may exchange their words; what tells them apart must not collide on the way.
        connection.executemany("update insights set fingerprint = '~' || id where id = ?", found.get("insights", ()))
        carry_over(draft.conn, connection, TABLES, {name: list(keys) for name, keys in found.items()})
        emptied = draft.conn.execute("select id from messages where raw is null").fetchall()
        connection.executemany("update messages set raw = null where id = ? and raw is not null", emptied)
        if found.keys() & {"vectors", "assignments"}:
            connection.execute("delete from outlines")
    if emptied:
        # What was excluded is gone from the log beside the database, too.
        database.conn.execute("pragma wal_checkpoint(truncate)").fetchall()
