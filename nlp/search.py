"""Full text over insights and their answers. Whatever a user types is safe: every word is quoted."""

from dataclasses import dataclass

from sqlite_utils import Database

from nlp.records import StoredInsight
from nlp.store import insights_by_id

MAX_WORDS = 20
MAX_LETTERS = 100
MIN_PREFIX = 4  # letters; every third word begins with "a", and walking through all of them takes a second
RANKED = 2_000  # newest matches that are ranked; nobody reads on after the first page


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
    """Each word as an FTS5 string, longer ones matched from their beginning; without letter or digit it is dropped."""
    clean = words.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8").split()[:MAX_WORDS]
    useful = [word[:MAX_LETTERS] for word in clean if any(letter.isalnum() for letter in word[:MAX_LETTERS])]
    return tuple('"' + word.replace('"', '""') + '"' + ("*" if len(word) >= MIN_PREFIX else "") for word in useful)


def _match(database: Database, expression: str, limit: int) -> tuple[SearchHit, ...]:
    best = [
        row[0]
        for row in database.conn.execute(
            "select rowid from (select rowid, bm25(insights_search) as score from insights_search"
            " where insights_search match ? order by rowid desc limit ?) order by score, rowid desc limit ?",
            (expression, RANKED, limit),
        )
    ]
    insights = insights_by_id(database, best)
    return tuple(SearchHit(insights[n], _snippet(database, expression, n)) for n in best if n in insights)


def _snippet(database: Database, expression: str, number: int) -> str:
    row = database.conn.execute(
        "select snippet(insights_search, -1, '[', ']', '…', 24) from insights_search"
        " where insights_search match ? and rowid = ?",
        (expression, number),
    ).fetchone()
    return " ".join(row[0].split())
