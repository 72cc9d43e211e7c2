"""Builds the pages: gathers, renders, writes into a new folder and swaps it in."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import jinja2
from sqlite_utils import Database

from digest.page_records import Facts, IndexRow, SiteContent, TopicPage, Voice
from digest.publishing import publish
from digest.quotes import one_line
from digest.ranking import rank_topics, topic_url
from digest.records import RankedTopic, Windows
from digest.redacting import load_redaction
from digest.site_content import (
    Showing,
    Sources,
    describe_insight,
    describe_row,
    describe_topic,
    group_unplaced,
    redirects_of,
)
from digest.windows import windows_until
from harvester.config import Config
from harvester.database import transaction
from harvester.resources import template_folder
from harvester.workspace import Workspace
from nlp.records import CATEGORIES, StoredInsight, topic_id
from nlp.store import (
    all_topics,
    carrying_topics,
    central_orders,
    decision_log,
    living_topics,
    topic_insights,
    unplaced_insights,
)
from nlp.vector_store import load_blob, save_blob

MOST_SEARCHABLE = 20_000
SALT_KEY = "pseudonym_salt"
PSEUDONYM_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def build_site(workspace: Workspace, database: Database, now: datetime) -> int:
    """Publish the pages as of `now`; returns the number of topic pages."""
    content, searchable = gather_site(workspace.config, database, now)
    publish(workspace.site_folder, render_site(content, searchable))
    return len(content.topics)


def gather_site(config: Config, database: Database, now: datetime) -> tuple[SiteContent, tuple[dict[str, str], ...]]:
    """Read everything the pages show. The second value is what the search box finds, topics first."""
    company = config.company
    windows = windows_until(now.astimezone(company.zone).date(), company.zone)
    insights = topic_insights(database)
    ranked = rank_topics(living_topics(database), insights, windows, ideal=company.ideal)
    unplaced = unplaced_insights(database)
    topics = all_topics(database)
    showing = make_showing(config, database)
    sources = load_sources(database)
    central = central_orders(database)
    pages = tuple(
        describe_topic(
            one,
            insights.get(one.topic.id, ()),
            central.get(one.topic.id, ()),
            sources,
            decision_log(database, one.topic.id),
            windows,
            showing,
        )
        for one in ranked
    )
    rows = tuple(describe_row(one, page) for one, page in zip(ranked, pages, strict=True))
    content = SiteContent(
        facts=describe_facts(config, database, windows, insights, unplaced, now),
        rows=rows,
        unplaced=group_unplaced(unplaced, windows, showing),
        topics=pages,
        redirects=redirects_of(topics, carrying_topics(topics)),
    )
    voices = [(None, describe_insight(insight, windows, showing)) for insight in unplaced if not insight.inferred]
    return content, tuple(_searchable(rows, pages, [voice for _, voice in voices if voice]))


def render_site(content: SiteContent, searchable: tuple[dict[str, str], ...]) -> Iterator[tuple[str, bytes]]:
    """Every file of the site as (path, bytes)."""
    environment = make_environment()
    facts = content.facts
    statuses = sorted({row.ranked.topic.status for row in content.rows})
    index = environment.get_template("site/index.html.j2")
    yield "index.html", _page(index, root="", facts=facts, rows=content.rows, unplaced=content.unplaced,
                              categories=CATEGORIES, statuses=statuses)  # fmt: skip
    topic = environment.get_template("site/topic.html.j2")
    for page in content.topics:
        yield topic_url(page.ranked.topic, "") + "index.html", _page(topic, root="../../", facts=facts, page=page)
    redirect = environment.get_template("site/redirect.html.j2")
    for moved in content.redirects:
        yield moved.path + "index.html", _page(redirect, target=f"../../{moved.target}index.html")
    folder = template_folder() / "site"
    for name, source in (
        ("site.css", "site.css"),
        ("search.js", "search.js"),
        ("minisearch.js", "vendor/minisearch.js"),
    ):
        yield f"assets/{name}", (folder / source).read_bytes()
    yield "assets/search-data.js", f"window.ANSWERS_DATA = {_script_json(searchable)};\n".encode()


def make_environment() -> jinja2.Environment:
    """Templates from files only, everything escaped; a forgotten value is an error, not an empty string."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["page_path"] = lambda row: topic_url(row.ranked.topic, "") + "index.html"
    environment.filters["topic_id"] = topic_id
    return environment


def make_showing(config: Config, database: Database) -> Showing:
    """With [privacy] redact: names and numbers masked, companies under a pseudonym that stays the same for ever."""
    redaction = load_redaction(database, config)
    if not config.privacy.redact:
        return Showing(replace(redaction, redact=one_line_keeping_breaks, is_safe=lambda text: True), lambda name: name)
    salt = _salt(database)
    return Showing(redaction, lambda name: pseudonym(name, salt))


def one_line_keeping_breaks(text: str) -> str:
    """Unredacted text without control characters; line breaks stay."""
    return "\n".join(one_line(line) for line in text.splitlines())


def pseudonym(company: str, salt: bytes) -> str:
    """ "company KXTB": the same letters for the same company, and no way back without the salt."""
    digest = hashlib.blake2b(company.encode(), key=salt, digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    letters = ""
    for _ in range(4):
        number, place = divmod(number, len(PSEUDONYM_LETTERS))
        letters += PSEUDONYM_LETTERS[place]
    return f"company {letters}"


def load_sources(database: Database) -> Sources:
    """Who answered and what was sent along, by message."""
    names = dict(
        database.conn.execute(
            "select address, max(name) from people where is_colleague and name <> '' group by address"
        )
    )
    colleagues = database.conn.execute("select message, colleague from readings where colleague is not null")
    authors = {message: names.get(address) or address.split("@")[0] for message, address in colleagues}
    links = _group(database, "select distinct message, url from links order by message, rowid")
    files = _group(
        database, "select distinct message, file_name from attachments where file_name <> '' order by message"
    )
    return Sources(authors, links, files)


def describe_facts(
    config: Config,
    database: Database,
    windows: Windows,
    insights: Mapping[int, tuple[StoredInsight, ...]],
    unplaced: tuple[StoredInsight, ...],
    now: datetime,
) -> Facts:
    """The small print."""
    everything = [*unplaced, *(insight for group in insights.values() for insight in group)]
    models = database.conn.execute("select group_concat(distinct model) from vectors").fetchone()[0]
    first, last = windows.recent.first, windows.recent.last
    return Facts(
        company=config.company.name,
        built_at=f"{now.astimezone(config.company.zone):%Y-%m-%d %H:%M}",
        window=f"{first.day} {first:%b} to {last.day} {last:%b %Y}",
        zone=config.company.timezone,
        companies=len({insight.company for insight in everything}),
        insights=len(everything),
        unplaced=len(unplaced),
        encoder=models or "none used yet",
    )


def _searchable(
    rows: tuple[IndexRow, ...], pages: tuple[TopicPage, ...], unplaced: list[Voice]
) -> Iterator[dict[str, str]]:
    for row in rows:
        yield {
            "n": row.name,
            "t": row.quote,
            "p": _path(row.ranked),
            "i": f"topic, {row.ranked.companies} companies ever",
        }
    left = MOST_SEARCHABLE
    for page in pages:
        for voice in (*page.questions, *page.pains, *page.needs)[:left]:
            yield {"t": voice.text, "p": _path(page.ranked), "i": f"{voice.company}, {voice.day}, in: {page.name}"}
            left -= 1
    for voice in unplaced[:left]:
        yield {"t": voice.text, "i": f"{voice.company}, {voice.day}, no topic yet"}


def _path(ranked: RankedTopic) -> str:
    return topic_url(ranked.topic, "") + "index.html"


def _page(template: jinja2.Template, **values: object) -> bytes:
    return template.render(**values).encode("utf-8", "replace")


def _script_json(document: object) -> str:
    # "<" would end the script for a parser that inlines it; the two separators end a line in old engines.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _group(database: Database, query: str) -> dict[int, tuple[str, ...]]:
    groups: dict[int, list[str]] = {}
    for message, value in database.conn.execute(query):
        groups.setdefault(message, []).append(value)
    return {message: tuple(values) for message, values in groups.items()}


def _salt(database: Database) -> bytes:
    salt = load_blob(database, SALT_KEY)
    if salt is None:
        with transaction(database) as connection:
            save_blob(connection, SALT_KEY, secrets.token_bytes(32))
        salt = load_blob(database, SALT_KEY)
    assert salt is not None
    return salt
