"""Writes the files of the site from what was decided: templates, search scripts, feeds. Knows no database."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import jinja2

from digest.mail import TREND_MARKS
from digest.page_records import (
    CategoryVoices,
    Changes,
    CompanyLine,
    Facts,
    Health,
    IndexRow,
    Matrix,
    Redirect,
    TopicPage,
    Word,
)
from digest.site_answers import label_link
from digest.site_content import count_companies, show_day
from digest.site_feeds import feed_file, index_json, topics_csv, unplaced_csv
from digest.site_markup import (
    draw_demand,
    list_answers,
    list_entries,
    list_points,
    list_voices,
    spark_path,
    tabulate_demand,
)
from digest.site_overview import CompanyPage
from digest.web_links import host_of
from harvester.resources import template_folder
from nlp.records import CATEGORIES, STAGES, topic_id

MOST_ROWS = 200  # on the first page; beyond, it shows FIRST_ROWS and leads to a page with all
FIRST_ROWS = 100
FEW_SINGLES, MOST_SINGLES = 12, 60  # per category, on the first page with topics and without
MOST_ON_PAGE = 500
ASSETS = (
    ("site.css", "site.css"),
    ("page.js", "page.js"),
    ("search.js", "search.js"),
    ("minisearch.js", "vendor/minisearch.js"),
)
SORTS = (
    ("", "asked lately"),
    ("grow", "growing most"),
    ("ever", "asked most ever"),
    ("last", "asked last"),
    ("name", "name"),
)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything but the pages of single topics. companies: () in the shareable build."""

    facts: Facts
    rows: tuple[IndexRow, ...]
    unplaced: tuple[CategoryVoices, ...]
    matrix: Matrix
    companies: tuple[CompanyLine, ...]
    words: tuple[Word, ...]
    changes: Changes
    health: Health
    redirects: tuple[Redirect, ...]
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page has around it. links: (label, address below the site)."""

    facts: Facts
    links: tuple[tuple[str, str], ...]
    list_page: str


def frame_of(facts: Facts, *, topics: int, companies: bool, words: bool, digests: bool = False) -> Frame:
    """The navigation: only pages that exist."""
    links = [("Topics", "index.html"), ("Coverage", "coverage.html")]
    if companies:
        links.append(("Companies", "companies.html"))
    if words:
        links.append(("Vocabulary", "words.html"))
    if digests:
        links.append(("Digests", "digests/index.html"))
    links.append(("Status", "status.html"))
    return Frame(facts, tuple(links), "topics.html" if topics > MOST_ROWS else "index.html")


def render_topic(page: TopicPage, frame: Frame) -> bytes:
    """The page of one topic."""
    return _page("topic", root="../../", frame=frame, here="", page=page)


def render_company(page: CompanyPage, frame: Frame) -> bytes:
    """The page of one company."""
    return _page("company", root="../", frame=frame, here="companies.html", page=page)


def render_overview(overview: Overview, frame: Frame) -> Iterator[tuple[str, bytes]]:
    """Every file but the pages of single topics and companies and the search scripts, as (path, bytes)."""
    rows, facts = overview.rows, overview.facts
    lists = {"filters": _filters(rows), "sorts": SORTS, "busiest": _busiest(rows), "total": len(rows)}
    has_more = len(rows) > MOST_ROWS
    few = FEW_SINGLES if rows else MOST_SINGLES
    fits = all(len(group.voices) <= few for group in overview.unplaced)
    yield (
        "index.html",
        _page("index", root="", frame=frame, here="index.html", rows=rows[:FIRST_ROWS] if has_more else rows,
              unplaced=overview.unplaced, few=few, changes=overview.changes, **lists),
    )  # fmt: skip
    if has_more:
        yield "topics.html", _page("topics", root="", frame=frame, here="index.html", rows=rows, **lists)
    if not fits:
        yield (
            "unplaced.html",
            _page("unplaced", root="", frame=frame, here="index.html", unplaced=overview.unplaced, most=MOST_ON_PAGE),
        )
    yield "coverage.html", _page("coverage", root="", frame=frame, here="coverage.html", matrix=overview.matrix)
    yield "status.html", _page("status", root="", frame=frame, here="status.html", health=overview.health)
    if overview.words:
        yield "words.html", _page("words", root="", frame=frame, here="words.html", words=overview.words)
    if overview.companies:
        yield (
            "companies.html",
            _page("companies", root="", frame=frame, here="companies.html", lines=overview.companies),
        )
    for moved in overview.redirects:
        yield f"{moved.path}index.html", _page("redirect", target=f"../../{moved.target}index.html")
    yield "feed.xml", feed_file(rows, facts, overview.base_url)
    yield "topics.csv", topics_csv(rows, overview.base_url)
    yield "unplaced.csv", unplaced_csv(overview.unplaced)
    yield "index.json", index_json(rows, overview.unplaced, facts, overview.base_url)
    yield "robots.txt", b"User-agent: *\nDisallow: /\n"
    folder = template_folder() / "site"
    for name, source in ASSETS:
        yield f"assets/{name}", (folder / source).read_bytes()


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
    environment.filters.update(
        topic_id=topic_id,
        day=lru_cache(maxsize=10_000)(show_day),
        companies=count_companies,
        number="{:,}".format,
        label_link=label_link,
        host=host_of,
        spark=spark_path,
        trend_mark=TREND_MARKS.__getitem__,
        answers=list_answers,
        points=list_points,
        voices=list_voices,
        entries=list_entries,
        demand=draw_demand,
        demand_table=tabulate_demand,
    )
    return environment


def _filters(rows: tuple[IndexRow, ...]) -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]:
    """(label, attribute, (value, label)s) of each filter."""
    categories = {row.ranked.topic.category for row in rows}
    stages = {row.ranked.topic.stage for row in rows}
    coverages = {row.ranked.coverage for row in rows}
    languages = {language for row in rows for language in row.languages}
    told = {"none": "no page yet", "partly": "partly", "answered": "answered"}
    found = (
        ("Category", "category", _named(name for name in CATEGORIES if name in categories)),
        ("Stage", "stage", _named(name for name in STAGES if name in stages)),
        ("Status", "status", _named(sorted({row.ranked.topic.status for row in rows}))),
        ("Page", "coverage", tuple((name, told[name]) for name in told if name in coverages)),
        ("Trend", "trend", _named(sorted({row.ranked.trend for row in rows}))),
        ("Language", "languages", _named(sorted(languages))),
    )
    chosen = tuple(one for one in found if one[2])  # always the same ones: people learn where they stand
    if any(row.ranked.ideal for row in rows):
        chosen += (("Ideal customers", "ideal", (("yes", "asked lately"),)),)
    return chosen


def _named(values: Iterator[str] | list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((value, value) for value in values)


def _busiest(rows: tuple[IndexRow, ...]) -> int:
    return max((count for row in rows for count in row.weeks), default=0)


def _page(name: str, **values: object) -> bytes:
    return make_environment().get_template(f"site/{name}.html.j2").render(**values).encode("utf-8", "replace")
