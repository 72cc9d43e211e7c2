"""The SQL of vectors and of what the comparison remembers for itself: the centre of its space and the model in use."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sqlite_utils import Database

from harvester.database import transaction
from nlp.embedding import Vectors
from nlp.space import Centre, Expression
from nlp.views import Said

ADAPTED, FIT = "adapted", "fit"  # keys of what `status` tells
MOST_PARAMETERS = 900  # of one statement, below the 999 of an old SQLite


def load_unembedded(database: Database, models: tuple[str, str], limit: int) -> list[tuple[int, Expression]]:
    """The oldest insights that have a vector of neither model, with what is compared of them."""
    rows = database.conn.execute(
        "select i.id, i.text, i.context, i.answer, i.language from insights i where not exists"
        " (select 1 from vectors v where v.insight = i.id and v.model in (?, ?)) order by i.id limit ?",
        (*models, limit),
    )
    return [(row[0], Expression(text=row[1], context=row[2], answer=row[3], language=row[4])) for row in rows]


def load_vectors(database: Database, model: str) -> tuple[tuple[int, ...], Vectors]:
    """(insight ids ascending, (n, d) rows in that order) of one model; d is 0 when there are none."""
    rows = database.conn.execute("select insight, length(vector) from vectors where model = ? order by 1", (model,))
    sizes = rows.fetchall()
    if not sizes:
        return (), np.zeros((0, 0), dtype=np.float32)
    vectors = np.zeros((len(sizes), sizes[0][1] // 4), dtype=np.float32)
    row_of = {insight: row for row, (insight, _) in enumerate(sizes)}
    return fill_vectors(database, model, row_of, vectors), vectors


def fill_some_vectors(database: Database, model: str, row_of: Mapping[int, int], vectors: Vectors) -> None:
    """`fill_vectors` for a few of many insights, each looked up by its id; as many columns as `vectors` has."""
    ids = sorted(row_of)
    for start in range(0, len(ids), MOST_PARAMETERS):
        some = ids[start : start + MOST_PARAMETERS]
        marks = ", ".join("?" * len(some))
        query = f"select insight, vector from vectors where model = ? and insight in ({marks})"
        for insight, vector in database.conn.execute(query, (model, *some)):
            vectors[row_of[insight]] = np.frombuffer(vector, dtype="<f4", count=vectors.shape[1])


def load_said(database: Database, insights: Sequence[int]) -> dict[int, Said]:
    """The words of these insights, by id."""
    found = {}
    for start in range(0, len(insights), MOST_PARAMETERS):
        some = insights[start : start + MOST_PARAMETERS]
        marks = ", ".join("?" * len(some))
        query = f"select id, text, coalesce(answer, ''), kind, language from insights where id in ({marks})"
        found.update({row[0]: Said(*row[1:]) for row in database.conn.execute(query, tuple(some))})
    return found


def load_stock_answers(database: Database) -> frozenset[int]:
    """Insights whose answer is what colleagues write to everything ("see below"): it does not tell what was asked.

    An answer is that when it stands in five mails and a quarter of all answered ones; what is asked most is asked less.
    """
    return frozenset(
        insight
        for (insight,) in database.conn.execute(
            "select id from insights where answer in"
            " (select answer from insights where answer <> '' group by answer having count(distinct message) >= 5"
            " and count(distinct message) * 4 >= (select count(distinct message) from insights where answer <> ''))"
        )
    )


def load_answered_share(database: Database) -> float:
    """Of all insights, how many have an answer that is no stock answer; 0 when there is none."""
    answered, count = database.conn.execute("select coalesce(sum(answer <> ''), 0), count(*) from insights").fetchone()
    return (answered - len(load_stock_answers(database))) / count if count else 0.0


def fill_vectors(database: Database, model: str, row_of: Mapping[int, int], vectors: Vectors) -> tuple[int, ...]:
    """Write the model's vectors of these insights into their rows, none held twice; returns the found ones."""
    found = []
    rows = database.conn.execute("select insight, vector from vectors where model = ? order by insight", (model,))
    for insight, vector in rows:
        if insight in row_of:
            vectors[row_of[insight]] = np.frombuffer(vector, dtype="<f4")
            found.append(insight)
    return tuple(found)


def count_uncompared(database: Database, model: str) -> int:
    """Insights that were not yet brought into the model's space."""
    query = "select count(*) from insights where id not in (select insight from vectors where model = ?)"
    return int(database.conn.execute(query, (model,)).fetchone()[0])


def save_vectors(connection: sqlite3.Connection, model: str, insights: Sequence[int], vectors: Vectors) -> None:
    """Keep one vector per insight; replaces what was there."""
    connection.executemany(
        "insert or replace into vectors (insight, model, vector) values (?, ?, ?)",
        (
            (insight, model, vector.astype("<f4", copy=False).tobytes())
            for insight, vector in zip(insights, vectors, strict=True)
        ),
    )


def delete_vectors(connection: sqlite3.Connection, model: str, *, but: Collection[int] = ()) -> None:
    """Forget the vectors of a model. but: insights that keep theirs."""
    if not but:
        connection.execute("delete from vectors where model = ?", (model,))
        return
    stored = connection.execute("select insight from vectors where model = ?", (model,)).fetchall()
    gone = [(insight, model) for (insight,) in stored if insight not in but]
    connection.executemany("delete from vectors where insight = ? and model = ?", gone)


def load_centre(database: Database, model: str) -> Centre | None:
    """The centre of a model's space, None before its first insight."""
    counts = load_setting(database, f"centre/{model}")
    sums = load_blob(database, f"centre-sums/{model}")
    if counts is None or sums is None:
        return None
    rows = np.frombuffer(sums, dtype="<f8").reshape(4, -1)
    return Centre(rows[0], rows[1], rows[2], rows[3], int(counts))


def save_centre(connection: sqlite3.Connection, model: str, centre: Centre) -> None:
    """Keep the centre of a model's space."""
    rows = (centre.question_sum, centre.answer_sum, centre.question_counts, centre.answer_counts)
    save_blob(connection, f"centre/{model}", str(centre.insights).encode())
    save_blob(connection, f"centre-sums/{model}", np.vstack(rows).astype("<f8").tobytes())


def load_closeness(database: Database, model: str) -> float:
    """How alike the insights of this mailbox are; 0 when it was never measured."""
    return float(load_setting(database, f"closeness/{model}") or 0)


def save_closeness(connection: sqlite3.Connection, model: str, closeness: float) -> None:
    """Keep it for the time when the space is settled."""
    save_blob(connection, f"closeness/{model}", repr(closeness).encode())


def save_model(connection: sqlite3.Connection, model: str) -> None:
    """Remember which model's vectors compare the insights now; those of earlier models are forgotten."""
    connection.execute("delete from vectors where model <> ? and model not like ? || '/%'", (model, model))
    save_blob(connection, "model", model.encode())


def note_for_status(database: Database, key: str, sentence: str | None) -> None:
    """What the last run tells the owner; None when it has nothing to tell."""
    if sentence == load_setting(database, key):
        return
    with transaction(database) as connection:
        connection.execute("delete from engine where key = ?", (key,))
        if sentence is not None:
            save_blob(connection, key, sentence.encode())


def load_setting(database: Database, key: str) -> str | None:
    """A fact that the topic engine keeps for itself, as text."""
    value = load_blob(database, key)
    return None if value is None else value.decode()


def load_blob(database: Database, key: str) -> bytes | None:
    """A fact that the topic engine keeps for itself."""
    row = database.conn.execute("select value from engine where key = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])


def save_blob(connection: sqlite3.Connection, key: str, value: bytes) -> None:
    """Keep a fact of the topic engine, inside the caller's transaction."""
    connection.execute("insert or replace into engine (key, value) values (?, ?)", (key, value))
