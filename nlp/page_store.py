"""The SQL of existing content: pages, their passages, what matches which topic and what people said about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from sqlite_utils import Database

from harvester.database import transaction, utc_text
from nlp.embedding import Vectors
from nlp.page_matching import Found
from nlp.page_words import PassageVectors
from nlp.pages import (
    ListedPage,
    PageMatch,
    StoredPage,
    TopicCoverage,
    cover_published,
    cover_topic,
    merge_rulings,
    page_key,
)
from nlp.records import Topic
from nlp.store import all_topics, carrying_topics

PAGE_COLUMNS = (
    "p.id, p.url, p.title, p.summary, p.published_on, p.first_seen_at, "
    # Gone is what no source lists any more; what a person named by hand has no source and stays.
    "case when exists (select 1 from page_listings l where l.page = p.id and l.gone_at is null) then null"
    " else (select max(l.gone_at) from page_listings l where l.page = p.id) end"
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What one import did. gone: pages that the source listed before and does not any more."""

    new: int
    changed: int
    same: int
    gone: int
    back: int


def save_import(
    database: Database, source: str, listed: Sequence[ListedPage], now: datetime, *, is_complete: bool = True
) -> Imported:
    """Bring the pages of one source up to date in one transaction; what it no longer lists is flagged, not deleted.

    is_complete: False for a feed, which shows the newest only. A list that says nothing about a page's title, text or
    date leaves what is known about them.
    """
    at = utc_text(now)
    new = changed = same = back = 0
    with transaction(database) as connection:
        known = {key: row for key, *row in connection.execute(_KNOWN)}
        mine = dict(connection.execute("select page, gone_at from page_listings where source = ?", (source,)))
        seen = set()
        for page in listed:
            key = page_key(page.url)
            before = known.get(key)
            after = _merged(before, page)
            if before is None:
                number = connection.execute(_INSERT, (key, *after, at, at)).lastrowid
                known[key] = [number, *after]
                new += 1
            else:
                number = before[0]
                connection.execute(_UPDATE, (*after, at, number))
                is_back = number in mine and mine[number] is not None and number not in seen
                back += is_back
                if number not in seen:
                    changed, same = changed + (before[1:] != after), same + (before[1:] == after)
                if before[2:5] != after[1:4]:
                    connection.execute("delete from page_vectors where page = ?", (number,))
                known[key] = [number, *after]
            seen.add(number)
            connection.execute(
                "insert into page_listings (page, source) values (?, ?)"
                " on conflict (page, source) do update set gone_at = null",
                (number, source),
            )
        lost = [page for page, gone_at in mine.items() if is_complete and gone_at is None and page not in seen]
        connection.executemany(
            "update page_listings set gone_at = ? where page = ? and source = ?", [(at, page, source) for page in lost]
        )
    return Imported(new, changed, same, len(lost), back)


def name_page(database: Database, url: str, now: datetime) -> StoredPage:
    """The page of that address; one that no source lists is taken in on a person's word."""
    known = find_page(database, url)
    if known is None:
        at = utc_text(now)
        with transaction(database) as connection:
            row = (page_key(url), *_merged(None, ListedPage(url)), at, at)
            connection.execute(_INSERT, row)
        known = find_page(database, url)
    assert known is not None
    return known


def changes_known(database: Database, source: str) -> dict[str, str]:
    """page key -> the source's own mark of the last change, of pages whose text we have: no need to fetch those."""
    rows = database.conn.execute(
        "select p.key, p.changed_at from pages p join page_listings l on l.page = p.id and l.source = ?"
        " where p.changed_at is not null and p.changed_at <> '' and p.text <> ''",
        (source,),
    )
    return dict(rows.fetchall())


def load_pages(database: Database) -> tuple[StoredPage, ...]:
    """Every page ever listed, also those that are gone, in order of their addresses."""
    rows = database.conn.execute(f"select {PAGE_COLUMNS} from pages p order by p.url, p.id")
    return tuple(_page(row) for row in rows)


def count_pages(database: Database) -> int:
    """How many pages are known, gone ones included."""
    return int(database.conn.execute("select count(*) from pages").fetchone()[0])


def find_page(database: Database, url: str) -> StoredPage | None:
    """The page of that address, however it is written."""
    row = database.conn.execute(f"select {PAGE_COLUMNS} from pages p where p.key = ?", (page_key(url),)).fetchone()
    return _page(row) if row else None


def load_coverage(database: Database) -> dict[int, TopicCoverage]:
    """What pages we have for every topic that carries on, by topic id; topics without any page are there, too.

    A person's word goes before the machine's, the address of a published topic before both.
    """
    topics = all_topics(database)
    carrier = carrying_topics(topics)
    pages = {page.id: page for page in load_pages(database)}
    found: dict[tuple[int, int], PageMatch] = {}
    rows = database.conn.execute("select topic, page, coverage, score, reason, links_sent from page_matches")
    for topic, page, coverage, score, reason, links_sent in rows:
        if carrier[topic] == topic:
            found[topic, page] = PageMatch(topic, pages[page], coverage, score, reason, links_sent=links_sent)
    for ruling in merge_rulings(load_rulings(database, pages), carrier):
        links_sent = found[ruling.topic, ruling.page.id].links_sent if (ruling.topic, ruling.page.id) in found else 0
        found[ruling.topic, ruling.page.id] = PageMatch(
            ruling.topic, ruling.page, ruling.coverage, ruling.score, ruling.reason, ruling.decided_by, links_sent
        )
    by_topic: dict[int, list[PageMatch]] = {}
    for (topic, _), match in sorted(found.items()):
        by_topic.setdefault(topic, []).append(match)
    covered = {
        topic.id: cover_topic(topic.id, by_topic.get(topic.id, ())) for topic in topics if topic.merged_into is None
    }
    return {number: _with_published(one, topics, pages) for number, one in covered.items()}


def load_rulings(database: Database, pages: Mapping[int, StoredPage]) -> dict[tuple[int, int], PageMatch]:
    """What people said, by (topic, page); topics that were merged keep their own."""
    rows = database.conn.execute("select topic, page, coverage, author from page_rulings order by topic, page")
    words = {"none": "{} said that it does not answer this", "partly": "{} said that it answers a part"}
    return {
        (topic, page): PageMatch(
            topic,
            pages[page],
            coverage,
            1.0,
            words.get(coverage, "{} said that it answers this").format(author),
            author,
        )
        for topic, page, coverage, author in rows
    }


def load_unembedded_pages(database: Database, model: str) -> list[tuple[int, str, str, str]]:
    """(page, title, summary, text) of pages without passages in that model."""
    return database.conn.execute(
        "select id, title, summary, text from pages p where not exists"
        " (select 1 from page_vectors v where v.page = p.id and v.model = ?) order by id",
        (model,),
    ).fetchall()


def save_passages(
    database: Database, model: str, passages: Mapping[int, Sequence[str]], blocks: Sequence[Vectors]
) -> None:
    """Replace the passages of these pages. blocks: per encoder one row per passage, page by page."""
    rows = np.hstack(blocks).astype("<f4", copy=False)
    row = iter(rows)
    with transaction(database) as connection:
        for page, texts in passages.items():
            connection.execute("delete from page_vectors where page = ?", (page,))
            connection.executemany(
                "insert into page_vectors (page, model, position, passage, vector) values (?, ?, ?, ?, ?)",
                [(page, model, position, text, next(row).tobytes()) for position, text in enumerate(texts)],
            )


def load_passages(database: Database, model: str, sizes: Sequence[int]) -> PassageVectors:
    """All passages of the pages that are there, page by page. sizes: length of a vector, per encoder."""
    rows = database.conn.execute(
        "select v.page, v.passage, v.vector from page_vectors v where v.model = ? and"
        " (exists (select 1 from page_listings l where l.page = v.page and l.gone_at is null)"
        " or not exists (select 1 from page_listings l where l.page = v.page)) order by v.page, v.position",
        (model,),
    ).fetchall()
    vectors = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").reshape(len(rows), sum(sizes))
    ends = np.cumsum(sizes)
    blocks = tuple(vectors[:, end - size : end] for size, end in zip(sizes, ends, strict=True))
    return PassageVectors(tuple(row[0] for row in rows), tuple(row[1] for row in rows), blocks)


def load_page_keys(database: Database) -> dict[str, int]:
    """page key -> page id."""
    return dict(database.conn.execute("select key, id from pages").fetchall())


def load_sent(database: Database) -> dict[int, tuple[str, ...]]:
    """message -> page keys of the addresses that the colleague sent in it."""
    sent: dict[int, dict[str, None]] = {}
    for message, url in database.conn.execute("select message, url from links order by message, rowid"):
        sent.setdefault(message, {})[page_key(url)] = None
    return {message: tuple(keys) for message, keys in sent.items()}


def load_voices(database: Database) -> dict[int, tuple[str, Vectors]]:
    """topic -> (fingerprint of what it said when it was last embedded, its vectors in one row)."""
    rows = database.conn.execute("select topic, fingerprint, vectors from page_voices")
    return {topic: (fingerprint, np.frombuffer(blob, dtype="<f4")) for topic, fingerprint, blob in rows}


def save_voices(database: Database, voices: Mapping[int, tuple[str, Vectors]]) -> None:
    """Keep what was embedded of these topics."""
    with transaction(database) as connection:
        connection.executemany(
            "insert or replace into page_voices (topic, fingerprint, vectors) values (?, ?, ?)",
            [(topic, mark, row.astype("<f4", copy=False).tobytes()) for topic, (mark, row) in voices.items()],
        )


def save_matches(database: Database, matches: Mapping[int, Sequence[Found]]) -> None:
    """Replace what the machine thinks, of all topics."""
    with transaction(database) as connection:
        connection.execute("delete from page_matches")
        connection.executemany(
            "insert into page_matches (topic, page, coverage, score, reason, links_sent) values (?, ?, ?, ?, ?, ?)",
            [
                (topic, one.page, one.coverage, one.score, one.reason, one.links_sent)
                for topic, found in sorted(matches.items())
                for one in found
            ],
        )


_KNOWN = "select key, id, url, title, summary, text, language, published_on, changed_at from pages"
_INSERT = (
    "insert into pages (key, url, title, summary, text, language, published_on, changed_at, first_seen_at, seen_at)"
    " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE = (
    "update pages set url = ?, title = ?, summary = ?, text = ?, language = ?, published_on = ?, changed_at = ?,"
    " seen_at = ? where id = ?"
)


def _merged(before: Sequence[object] | None, page: ListedPage) -> list[object]:
    """url, title, summary, text, language, published_on, changed_at."""
    published = page.published_on.isoformat() if page.published_on else None
    after: list[object] = [
        page.url,
        page.title,
        page.summary,
        page.text,
        page.language,
        published,
        page.changed_at or None,
    ]
    if before is None:
        return after
    return [new if new else old for new, old in zip(after, before[1:], strict=True)]


def _with_published(known: TopicCoverage, topics: Sequence[Topic], pages: Mapping[int, StoredPage]) -> TopicCoverage:
    topic = next(one for one in topics if one.id == known.topic)
    if topic.status != "published" or not topic.status_detail:
        return known
    key = page_key(topic.status_detail)
    page = next((one for one in pages.values() if page_key(one.url) == key), None)
    return cover_published(topic, known, page or StoredPage(0, topic.status_detail, "", "", None, topic.born_at))


def _page(row: Sequence[object]) -> StoredPage:
    number, url, title, summary, published_on, first_seen_at, gone_at = row
    return StoredPage(
        id=int(str(number)),
        url=str(url),
        title=str(title),
        summary=str(summary),
        published_on=date.fromisoformat(str(published_on)) if published_on else None,
        first_seen_at=datetime.fromisoformat(str(first_seen_at)),
        gone_at=datetime.fromisoformat(str(gone_at)) if gone_at else None,
    )
