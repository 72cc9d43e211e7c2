"""Search finds words in insights and their answers, and no input breaks it."""

from collections.abc import Iterator

import pytest
from sqlite_utils import Database
from topic_material import PRICE, SAP, add_insights

from harvester.database import open_database
from nlp.search import search_insights

ODD = (
    "", " ", '"', '""', "'", "*", "price*", "NEAR(", "a NEAR b", "AND", "OR NOT", "text:price", "-price", "(", ")))",
    "^price", "{a b}", "+", "\\", "%", ";drop table insights", "\x00", "\ud800", "😀", "NULL", "price AND", "col : x",
    "a" * 10_000, "a " * 10_000, "--", "[x]", "price OR", "\n\t",
)  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = open_database(tmp_path_factory.mktemp("search") / "answers.db")
    add_insights(database, (*PRICE, *SAP))
    yield database
    database.conn.close()


def test_all_words_must_occur_if_any_insight_holds_all(database: Database) -> None:
    assert [hit.insight.id for hit in search_insights(database, "interface SAP")] == [8]
    assert len(search_insights(database, "sap")) == len(SAP)
    assert len(search_insights(database, "interface zebra")) == 1
    assert search_insights(database, "zebra") == ()


def test_beginnings_of_words_are_found(database: Database) -> None:
    assert {hit.insight.id for hit in search_insights(database, "integr")} == {7, 11}
    assert "[SAP]" in search_insights(database, "sap")[0].snippet


@pytest.mark.parametrize("words", ODD)
def test_any_input_is_safe(database: Database, words: str) -> None:
    assert isinstance(search_insights(database, words), tuple)
