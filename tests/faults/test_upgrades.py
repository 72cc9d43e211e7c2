"""A database of any earlier version becomes today's with everything in it, or stays what it was."""

import shutil
import signal
import sqlite3
from pathlib import Path

import mailroom
import old_databases
import pytest
from promises import Promise

from harvester.database import open_database
from harvester.errors import DatabaseError

NAME = "upgrades"
EARLIER = old_databases.versions()[:-1]
CONFIG = '[company]\nname = "Acme"\ndomains = ["acme.example"]\n'


def make_workspace(folder: Path, version: int) -> Path:
    folder.mkdir()
    (folder / "answers.toml").write_text(CONFIG)
    (folder / "answers.toml").chmod(0o600)
    old_databases.lay_out(folder / "answers.db", version).chmod(0o600)
    return folder


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("pragma foreign_key_check").fetchall() == []
        return str(connection.execute("pragma integrity_check").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize("version", EARLIER)
def test_a_database_of_an_earlier_version_keeps_every_row(version: int, tmp_path: Path, promise: Promise):
    old = old_databases.lay_out(tmp_path / "old.db", version)
    before = old_databases.contents(old)
    assert len(before) > 15
    assert all(rows == old_databases.ROWS for rows, _ in before.values())
    path = Path(shutil.copy(old, tmp_path / "answers.db"))
    database = open_database(path)
    found = database.conn.execute("select rowid from insights_search where insights_search match '2'").fetchall()
    database.conn.execute("delete from insights where id = 2")
    left = database.conn.execute("select rowid from insights_search where insights_search match '2'").fetchall()
    assert (found, left) == ([(2,)], [])
    database.conn.execute("pragma wal_checkpoint(truncate)")
    database.conn.close()
    shutil.copy(old, path)
    open_database(path).conn.close()
    assert old_databases.contents(path, like=old) == before
    assert old_databases.schema_of(path) == tuple(old_databases.versions())
    assert integrity(path) == "ok"
    rows = sum(rows for rows, _ in before.values())
    promise(
        NAME,
        f"a database of schema {version:04} is opened",
        f"{len(before)} tables, {rows} rows",
        "same counts, same hashes, integrity ok",
    )


def test_killed_at_any_point_it_is_the_old_database_or_the_new_one(tmp_path: Path, full: bool, promise: Promise):
    whole = make_workspace(tmp_path / "whole", EARLIER[0])
    old = old_databases.lay_out(tmp_path / "old.db", EARLIER[0])
    before, old_schema, new_schema = (
        old_databases.contents(old),
        old_databases.schema_of(old),
        tuple(old_databases.versions()),
    )
    log = tmp_path / "whole.log"
    assert mailroom.answers(whole, "status", crash=(log, 0)).returncode == 0
    side_effects = len(log.read_text().splitlines())
    points = sorted({*range(1, side_effects + 1, 1 if full else 20), side_effects - 1})
    seen = set()
    for point in points:
        folder = make_workspace(tmp_path / f"point-{point}", EARLIER[0])
        path = folder / "answers.db"
        done = mailroom.answers(folder, "status", crash=(tmp_path / "points.log", point))
        assert done.returncode == -signal.SIGKILL, point
        schema = old_databases.schema_of(path)
        assert schema in (old_schema, new_schema), (point, schema)
        seen.add(schema)
        assert old_databases.contents(path, like=old) == before
        assert mailroom.answers(folder, "status").returncode == 0
        assert old_databases.schema_of(path) == new_schema
        assert old_databases.contents(path, like=old) == before
        assert integrity(path) == "ok"
    assert seen == {old_schema, new_schema}
    promise(
        NAME,
        "SIGKILL of the first command after the upgrade at its n-th side effect, n = 1 to N",
        f"{len(points)} of N = {side_effects} points",
        "the old schema or the new one, never between; same counts and hashes; the next command goes on",
    )


def test_migrations_that_land_out_of_order_all_run_once(tmp_path: Path):
    path = tmp_path / "answers.db"
    old_databases.build(path, 4, without=(3,))  # as in a working copy that got number 4 before number 3
    before = old_databases.contents(path)
    assert old_databases.schema_of(path) == (1, 2, 4)
    old = Path(shutil.copy(path, tmp_path / "old.db"))
    for _ in range(2):
        open_database(path).conn.close()
        assert old_databases.schema_of(path) == tuple(old_databases.versions())
        assert old_databases.contents(path, like=old) == before
    connection = sqlite3.connect(path)
    assert connection.execute("select count(*) from pages").fetchone() == (0,)
    connection.close()


def test_a_newer_database_is_refused_with_a_sentence_and_left_alone(tmp_path: Path, promise: Promise):
    folder = make_workspace(tmp_path / "newer", EARLIER[-1])
    path = folder / "answers.db"
    open_database(path).conn.close()
    connection = sqlite3.connect(path)
    connection.execute("insert into schema_migrations values (9001, '9001_future.sql', '2027-01-01')")
    connection.commit()
    connection.close()
    before = old_databases.contents(path)
    with pytest.raises(DatabaseError, match="newer version"):
        open_database(path)
    refused = [mailroom.answers(folder, *verb) for verb in (("status",), ("search", "x"), ("quarantine", "list"))]
    assert {done.returncode for done in refused} == {1}
    sentences = {done.stderr for done in refused}
    assert len(sentences) == 1
    assert "schema 9001" in (sentence := sentences.pop())
    assert "upgrade the program" in sentence
    assert len(sentence.splitlines()) == 1
    assert old_databases.contents(path) == before
    promise(
        NAME, "a database of a newer version", f"{len(refused)} commands", "refused with one sentence, nothing changed"
    )
