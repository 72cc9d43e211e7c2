"""The SQL that carries out what people decided: topic rows, assignments and the log, in one transaction."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from harvester.database import transaction
from harvester.errors import UsageError
from nlp.decisions import Assigned, PageRuling, Ruling, Undoing
from nlp.store import save_assignments, utc_text, write_topic


def load_assigned(database: Database, insights: Sequence[int]) -> tuple[Assigned, ...]:
    """Where these insights stand. Raises UsageError when one does not exist."""
    found = []
    for insight in dict.fromkeys(insights):
        row = database.conn.execute(
            "select i.id, a.topic, coalesce(a.decided_by, 'machine'), a.similarity"
            " from insights i left join assignments a on a.insight = i.id where i.id = ?",
            (insight,),
        ).fetchone()
        if row is None:
            raise UsageError(f"there is no insight {insight}; `answers export --json` lists them")
        found.append(Assigned(*row))
    return tuple(found)


def load_page_ruling(database: Database, topic: int, page: int) -> PageRuling | None:
    """What a person said about this page and topic, None when nobody did."""
    row = database.conn.execute(
        "select topic, page, coverage, author from page_rulings where topic = ? and page = ?", (topic, page)
    ).fetchone()
    return PageRuling(*row) if row else None


def carry_out(database: Database, ruling: Ruling, author: str, now: datetime) -> None:
    """Do and log it."""
    with transaction(database) as connection:
        for topic in ruling.topics:
            write_topic(connection, topic)
        save_assignments(connection, [(insight, topic, None) for insight, topic in ruling.moves], author, now)
        for page in ruling.pages:
            _rule(connection, page, now)
        connection.execute(
            "insert into decisions (decided_at, author, verb, topic, detail) values (?, ?, ?, ?, ?)",
            (utc_text(now), author, ruling.verb, ruling.topic, json.dumps(ruling.detail, ensure_ascii=False)),
        )


def take_back(database: Database, undoing: Undoing, now: datetime) -> None:
    """Undo and log it."""
    with transaction(database) as connection:
        for topic in undoing.topics:
            write_topic(connection, topic)
        for before in undoing.moves:
            _reassign(connection, before, now)
        for page in undoing.pages:
            _rule(connection, page, now)
        connection.execute("update decisions set undone_at = ? where id = ?", (utc_text(now), undoing.decision))


def _reassign(connection: sqlite3.Connection, before: Assigned, now: datetime) -> None:
    if before.topic is None:
        connection.execute("delete from assignments where insight = ?", (before.insight,))
    else:
        connection.execute(
            "insert or replace into assignments (insight, topic, similarity, decided_by, decided_at)"
            " values (?, ?, ?, ?, ?)",
            (before.insight, before.topic, before.similarity, before.decided_by, utc_text(now)),
        )


def _rule(connection: sqlite3.Connection, ruling: PageRuling, now: datetime) -> None:
    if ruling.coverage is None:
        connection.execute("delete from page_rulings where topic = ? and page = ?", (ruling.topic, ruling.page))
    else:
        connection.execute(
            "insert or replace into page_rulings (topic, page, coverage, author, decided_at) values (?, ?, ?, ?, ?)",
            (ruling.topic, ruling.page, ruling.coverage, ruling.author, utc_text(now)),
        )
