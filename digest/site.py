"""Builds the pages: gathers, renders, writes into a new folder and swaps it in."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

import jinja2
from sqlite_utils import Database

from digest.mail import TREND_MARKS
from digest.page_records import IndexRow, SiteContent, TopicPage, Voice
from digest.publishing import publish
from digest.ranking import rank_topics, topic_url
from digest.records import RankedTopic
from digest.site_answers import label_link
from digest.site_content import (
    count_companies,
    decisions_by_topic,
    describe_row,
    describe_topic,
    group_unplaced,
    redirects_of,
    show_day,
)
from digest.site_sources import describe_facts, load_sources, make_showing
from digest.windows import windows_until
from harvester.config import Config
from harvester.resources import template_folder
from harvester.workspace import Workspace
from nlp.page_store import load_coverage
from nlp.records import CATEGORIES, topic_id
from nlp.store import (
    all_topics,
    carrying_topics,
    central_orders,
    decision_log,
    living_topics,
    split_insights,
)

MOST_SEARCHABLE = 20_000
ASSETS = (("site.css", "site.css"), ("search.js", "search.js"), ("minisearch.js", "vendor/minisearch.js"))


def build_site(workspace: Workspace, database: Database, now: datetime) -> int:
    """Publish the pages as of `now`; returns the number of topic pages."""
    content = gather_site(workspace.config, database, now)
    publish(workspace.site_folder, render_site(content))
    return len(content.topics)


def gather_site(config: Config, database: Database, now: datetime, *, only: int | None = None) -> SiteContent:
    """Read everything the pages show. only: the one topic whose page is wanted; the rest of the site stays empty."""
    company = config.company
    windows = windows_until(now.astimezone(company.zone).date(), company.zone)
    insights, unplaced = split_insights(database)
    topics = all_topics(database)
    coverage = load_coverage(database)
    ranked = rank_topics(living_topics(database), insights, windows, ideal=company.ideal, coverage=coverage)
    showing = make_showing(config, database)
    sources = load_sources(database)
    central = central_orders(database)
    decisions = decisions_by_topic(decision_log(database))
    pages = tuple(
        describe_topic(
            one,
            insights.get(one.topic.id, ()),
            central.get(one.topic.id, ()),
            sources,
            decisions.get(one.topic.id, ()),
            windows,
            showing,
        )
        for one in ranked
        if only in (None, one.topic.id)
    )
    return SiteContent(
        facts=describe_facts(config, database, windows, insights, unplaced, now),
        rows=tuple(describe_row(page.ranked, page) for page in pages),
        unplaced=group_unplaced(unplaced, windows, showing) if only is None else (),
        topics=pages,
        redirects=redirects_of(topics, carrying_topics(topics)),
    )


def render_site(content: SiteContent) -> Iterator[tuple[str, bytes]]:
    """Every file of the site as (path, bytes)."""
    environment = make_environment()
    facts = content.facts
    index = environment.get_template("site/index.html.j2")
    yield "index.html", _page(index, root="", facts=facts, rows=content.rows, unplaced=content.unplaced,
                              filters=_filters(content.rows), busiest=_busiest(content.rows))  # fmt: skip
    topic = environment.get_template("site/topic.html.j2")
    for page in content.topics:
        yield _path(page.ranked), _page(topic, root="../../", facts=facts, page=page)
    redirect = environment.get_template("site/redirect.html.j2")
    for moved in content.redirects:
        yield moved.path + "index.html", _page(redirect, target=f"../../{moved.target}index.html")
    folder = template_folder() / "site"
    for name, source in ASSETS:
        yield f"assets/{name}", (folder / source).read_bytes()
    yield "assets/search-data.js", f"window.ANSWERS_DATA = {_script_json(tuple(_searchable(content)))};\n".encode()


@lru_cache(maxsize=1)
def make_environment() -> jinja2.Environment:
    """Templates from files only, everything escaped; a forgotten value is an error, not an empty string."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["page_path"] = lambda row: _path(row.ranked)
    environment.filters["topic_id"] = topic_id
    environment.filters["day"] = lru_cache(maxsize=10_000)(show_day)
    environment.filters["companies"] = count_companies
    environment.filters["label_link"] = label_link
    environment.filters["spark"] = spark_path
    environment.filters["trend_mark"] = TREND_MARKS.__getitem__
    return environment


def spark_path(weeks: tuple[int, ...], busiest: int) -> str:
    """The path of a small chart, 104 by 22: one stroke per week in which somebody asked."""
    scale = 20 / max(busiest, 3)
    strokes = (f"M{4 * place + 2} 21v-{count * scale:.1f}" for place, count in enumerate(weeks) if count)
    return "".join(strokes)


def _filters(rows: tuple[IndexRow, ...]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """(label, attribute, values) of each filter that has something to choose from."""
    categories = {row.ranked.topic.category for row in rows}
    found = (
        ("Category", "category", tuple(name for name in CATEGORIES if name in categories)),
        ("Stage", "stage", tuple(sorted({row.ranked.topic.stage for row in rows}))),
        ("Trend", "trend", tuple(sorted({row.ranked.trend for row in rows}))),
        ("Status", "status", tuple(sorted({row.ranked.topic.status for row in rows}))),
    )
    return tuple(one for one in found if len(one[2]) > 1)


def _busiest(rows: tuple[IndexRow, ...]) -> int:
    return max((count for row in rows for count in row.weeks), default=0)


def _searchable(content: SiteContent) -> Iterator[dict[str, str]]:
    """What the search box finds: topics first, then single insights of all time as far as they fit."""
    for row in content.rows:
        counted = f"topic · {count_companies(row.ranked.companies)} ever · {row.ranked.topic.category}"
        yield {"n": row.name, "t": row.quote, "p": _path(row.ranked), "i": counted}
    left = MOST_SEARCHABLE
    for page in content.topics:
        for voice in _voices(page)[:left]:
            told = f"{voice.company}, {show_day(voice.day)} · in: {page.name}"
            yield {"t": f"{voice.context} {voice.text}".strip(), "p": _path(page.ranked), "i": told}
            left -= 1
    for group in content.unplaced:
        for voice in group.voices[:left]:
            told = f"{voice.company}, {show_day(voice.day)} · no topic yet · {group.category}"
            yield {"t": f"{voice.context} {voice.text}".strip(), "i": told}
            left -= 1


def _voices(page: TopicPage) -> list[Voice]:
    return [voice for point in page.points for voice in (point.voice, *point.others)]


def _path(ranked: RankedTopic) -> str:
    return topic_url(ranked.topic, "") + "index.html"


def _page(template: jinja2.Template, **values: object) -> bytes:
    return template.render(**values).encode("utf-8", "replace")


def _script_json(document: object) -> str:
    # "<" would end the script for a parser that inlines it; the two separators end a line in old engines.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
