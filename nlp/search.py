"""Full text over insights and their answers. Whatever a user types is safe: every word is quoted."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from nlp.records import StoredInsight
from nlp.store import insights_by_id

MAX_WORDS = 20
MAX_LETTERS = 100


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An insight that holds the words. snippet: where they stand, the words in [brackets]."""

    insight: StoredInsight
    snippet: str


def search_insights(database: Database, words: str, limit: int = 20) -> tuple[SearchHit, ...]:
    """Insights that hold all words, the best first; where none does, those that hold some of them."""
    quoted = quote_words(words)
    for operator in (" ", " OR "):
        hits = _match(database, operator.join(quoted), limit) if quoted else ()
        if hits or len(quoted) < 2:
            return hits
    return ()


def quote_words(words: str) -> tuple[str, ...]:
    """Each word as an FTS5 string, matched from its beginning; what holds no letter or digit is dropped."""
    clean = words.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8").split()[:MAX_WORDS]
    useful = [word[:MAX_LETTERS] for word in clean if any(letter.isalnum() for letter in word[:MAX_LETTERS])]
    return tuple('"' + word.replace('"', '""') + '"*' for word in useful)


def _match(database: Database, expression: str, limit: int) -> tuple[SearchHit, ...]:
    rows: Sequence[tuple[int, str]] = database.conn.execute(
        "select rowid, snippet(insights_search, -1, '[', ']', '…', 24) from insights_search"
        " where insights_search match ? order by rank limit ?",
        (expression, limit),
    ).fetchall()
    insights = insights_by_id(database, [row[0] for row in rows])
    return tuple(SearchHit(insights[number], " ".join(text.split())) for number, text in rows if number in insights)
