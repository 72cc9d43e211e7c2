"""Databases as earlier versions wrote them, with something in every table.

python tests/faults/old_databases.py writes those that are missing in tests/faults/databases/; what lies there stays as
it is, so that a migration that is changed afterwards is noticed.
"""

import gzip
import hashlib
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MIGRATIONS = ROOT / "harvester" / "migrations"
KEPT = Path(__file__).with_name("databases")
ROWS = 3
INSIDE = ("sqlite_", "insights_search", "schema_migrations")  # not ours, follows the insights, the list itself
JSON = {"recipients": "[]", "pending": "[]", "detail": "{}", "refs": "[]", "in_reply_to": "[]"}


def versions() -> list[int]:
    return [int(script.name[:4]) for script in sorted(MIGRATIONS.glob("[0-9]*.sql"))]


def lay_out(path: Path, version: int) -> Path:
    """A database of that schema: as it was kept, or built from the migrations."""
    kept = KEPT / f"schema-{version:04}.db.gz"
    if kept.exists():
        path.write_bytes(gzip.decompress(kept.read_bytes()))
    else:
        build(path, version)
    return path


def build(path: Path, version: int, without: tuple[int, ...] = ()) -> None:
    """Run the migrations up to that one and fill every table."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("pragma page_size = 512")
    connection.execute("create table schema_migrations (version integer primary key, name text, applied_at text)")
    for script in sorted(MIGRATIONS.glob("[0-9]*.sql")):
        if int(script.name[:4]) <= version and int(script.name[:4]) not in without:
            connection.executescript(script.read_text(encoding="utf-8"))
            connection.execute(
                "insert into schema_migrations values (?, ?, '2026-11-01')", (int(script.name[:4]), script.name)
            )
    for table in tables(connection):
        columns = connection.execute(f"pragma table_info({table})").fetchall()
        (sql,) = connection.execute("select sql from sqlite_master where name = ?", (table,)).fetchone()
        for number in range(1, ROWS + 1):
            values = [allowed(sql, name) or value_of(name, kind.lower(), number) for _, name, kind, *_ in columns]
            connection.execute(f"insert into {table} values ({', '.join('?' * len(values))})", values)
    if version < 4:  # before triggers did it
        connection.execute(
            "insert into insights_search (rowid, text, answer, subject) select id, trim(context || ' ' || text),"
            " answer, (select subject from readings where message = insights.message) from insights"
        )
    connection.commit()
    assert not connection.execute("pragma foreign_key_check").fetchall()
    connection.close()


def allowed(sql: str, column: str) -> str | None:
    """The first value that a check of the table allows for the column; None without a check."""
    found = re.search(rf"\b{column} in \('([^']*)'", sql)
    return found[1] if found else None


def value_of(column: str, kind: str, number: int) -> object:
    """Something that fits the column; a column that names another row gets that row's number."""
    if column in JSON:
        return JSON[column]
    if column == "raw":
        return f"From: ana@acme.example\r\nSubject: {number}\r\n\r\nMail {number}\r\n".encode()
    if column.endswith("_at") or column in ("covers_from", "covers_until"):
        return f"2026-11-{number:02}T08:00:00+00:00"
    if column in ("merged_into", "duplicate_of", "over_at"):
        return None
    if kind == "blob":
        return bytes([number]) * 16
    if kind == "integer":
        return number
    if kind == "real":
        return number / 4
    known = {"status": "accepted", "state": "sent", "outcome": "done", "role": "quoted", "author_kind": "prospect"}
    return known.get(column, f"{column} {number}")


def tables(connection: sqlite3.Connection) -> list[str]:
    """Our tables, as the migrations made them."""
    rows = connection.execute("select name from sqlite_master where type = 'table' order by rowid")
    return [name for (name,) in rows if not name.startswith(INSIDE)]


def contents(path: Path, like: Path | None = None) -> dict[str, tuple[int, str]]:
    """Of every table its number of rows and their hash. like: look at the tables and columns of that database only."""
    connection, model = sqlite3.connect(path), sqlite3.connect(like or path)
    try:
        return {table: _measure(connection, table, _columns(model, table)) for table in tables(model)}
    finally:
        connection.close()
        model.close()


def _columns(connection: sqlite3.Connection, table: str) -> str:
    return ", ".join(row[1] for row in connection.execute(f"pragma table_info({table})"))


def _measure(connection: sqlite3.Connection, table: str, columns: str) -> tuple[int, str]:
    rows = sorted(repr(row) for row in connection.execute(f"select {columns} from {table}"))
    return len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()


def schema_of(path: Path) -> tuple[int, ...]:
    """The migrations that ran."""
    connection = sqlite3.connect(path)
    rows: Iterator[tuple[int]] = connection.execute("select version from schema_migrations order by version")
    found = tuple(version for (version,) in rows)
    connection.close()
    return found


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for wanted in versions():
        target = KEPT / f"schema-{wanted:04}.db.gz"
        if not target.exists():
            beside = KEPT / "building.db"
            build(beside, wanted)
            target.write_bytes(gzip.compress(beside.read_bytes(), 9, mtime=0))
            beside.unlink()
            sys.stdout.write(f"{target.name}: {target.stat().st_size} bytes\n")
