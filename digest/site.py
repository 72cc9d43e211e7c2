"""Builds the pages: gathers, decides, writes into a new folder and swaps it in."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from digest.archive import load_archive, render_archive
from digest.frame import load_frame
from digest.page_records import CompanyLine, IndexRow, RelatedTopic, SiteContent, Voice, Word
from digest.publishing import publish
from digest.records import NO_FACETS, RankedTopic
from digest.site_content import (
    Material,
    Showing,
    describe_row,
    describe_topic,
    group_unplaced,
    language_of_name,
    order_insights,
    show_name,
)
from digest.site_halves import share_work
from digest.site_health import describe_health
from digest.site_history import redirects_of
from digest.site_inside import (
    gather_words,
    make_show,
    show_keywords,
    show_outline,
)
from digest.site_overview import CompanyPage, changes_since, describe_companies, matrix_of
from digest.site_render import Frame, Overview, frame_of, render_company, render_overview, render_topic
from digest.site_search import SearchData, lay_out_search, search_head, search_part
from digest.site_sources import (
    hide_companies,
    load_last_digest,
    load_versions,
)
from digest.site_survey import Survey, take_survey
from digest.site_voices import describe_voices
from digest.status import read_state
from harvester.config import Config
from harvester.locks import hold_lock
from harvester.workspace import Workspace
from nlp.records import topic_id
from nlp.store import carrying_topics

MOST_ON_COMPANY = 200
MOST_TOPICS_OF_WORD = 3
PATIENCE_SECONDS = 60

Piece = tuple[IndexRow | None, str, bytes]  # of the site: the row of its topic, the path and the content of a file


def build_site(workspace: Workspace, database: Database, now: datetime) -> int:
    """Publish the pages as of `now`; returns the number of topic pages."""
    # From the first look to the last page: what is erased meanwhile must not be published afterwards.
    sentence = "another process is building the pages; try again in a minute"
    with hold_lock(workspace.folder / "site.lock", sentence, patience_seconds=PATIENCE_SECONDS), collector_paused():
        survey = take_survey(workspace.config, database, now, folder=workspace.folder)
        if survey.showing.with_people:  # a digest tells who has claimed a topic
            survey = replace(survey, archive=load_archive(database, workspace.outbox_folder))
        files = render_site(survey, database, now)
        publish(workspace.site_folder, files, build=workspace.config.site.build)
    return len(survey.ranked)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Nothing of a build refers to itself, and all of it lives to the end: looking through it for garbage, again and
    again, took a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def gather_site(
    config: Config, database: Database, now: datetime, *, only: int | None = None, folder: Path | None = None
) -> SiteContent:
    """The pages of all topics, or of one, before they have a form. With [privacy] redact no company is named."""
    survey = take_survey(config, database, now, build="internal", folder=folder)
    showing = hide_companies(survey.showing, database) if config.privacy.redact else survey.showing
    pages = tuple(
        describe_topic(
            _material(one, survey, (own := voices_of(survey, one, showing)), {}),
            own,
            survey.sources,
            survey.windows,
            showing,
        )
        for one in survey.ranked
        if only in (None, one.topic.id)
    )
    return SiteContent(survey.facts, pages)


def render_site(survey: Survey, database: Database, now: datetime) -> Iterator[tuple[str, bytes]]:
    """Every file of the site as (path, bytes), one topic at a time."""
    showing, config = survey.showing, survey.config
    yield from render_archive(
        survey.archive, config.company.name, load_frame(config.digest.language), config.site.base_url
    )
    frame = frame_of(
        survey.facts,
        topics=len(survey.ranked),
        companies=showing.with_people,
        words=any(one.words for one in survey.outlines.values()),
        digests=bool(survey.archive),
    )
    labels = {one.topic.id: _label(one, survey) for one in survey.ranked}
    listed = {one.topic.id: _listed(one, survey, labels) for one in survey.ranked}
    placed = [insight for topic in listed for insight in survey.insights.get(topic, ())]
    voices = describe_voices(
        (*placed, *survey.unplaced), survey.windows, showing, survey.sources, workers=config.engine.workers
    )
    said: list[tuple[Voice, RelatedTopic | None]] = [
        (voices[insight.id], listed[insight.topic] if insight.topic else None)
        for insight in (*placed, *survey.unplaced)
        if insight.id in voices
    ]
    said.sort(key=lambda one: (one[0].day, one[0].id), reverse=True)
    companies = describe_companies(said, config.company.ideal, MOST_ON_COMPANY) if showing.with_people else ()
    search = lay_out_search(said, listed.values())

    pieces = _lay_out_pieces(survey, frame, labels, voices, companies, search)
    made: dict[int, IndexRow] = {}
    for row, path, content in share_work(pieces, _make, size=survey.facts.insights, workers=config.engine.workers):
        if row:
            made[row.ranked.topic.id] = row
        yield path, content
    rows = {one.topic.id: made[one.topic.id] for one in survey.ranked}
    single = {insight.id: voices[insight.id] for insight in survey.unplaced if insight.id in voices}
    lines = tuple(page.line for page in companies)
    yield from render_overview(_overview(survey, database, now, single, lines, rows, labels), frame)
    yield search_head(search, rows.values(), {line.name: line.path for line in lines})


def _lay_out_pieces(
    survey: Survey,
    frame: Frame,
    labels: Mapping[int, RelatedTopic],
    voices: Mapping[int, Voice],
    companies: Sequence[CompanyPage],
    search: SearchData,
) -> list[Callable[[], Piece]]:
    """The files that any process can make, the largest first."""

    def make_topic(one: RankedTopic) -> Piece:
        insights = survey.insights.get(one.topic.id, ())
        own = {insight.id: voices[insight.id] for insight in insights if insight.id in voices}
        page = describe_topic(_material(one, survey, own, labels), own, survey.sources, survey.windows, survey.showing)
        row = describe_row(page, max((voice.day for voice in own.values()), default=None))
        return row, f"{row.path}index.html", render_topic(page, frame)

    def make_company(page: CompanyPage) -> Piece:
        return None, page.line.path, render_company(page, frame)

    def make_search(number: int) -> Piece:
        return None, *search_part(search, number)

    pieces: list[Callable[[], Piece]] = [partial(make_topic, one) for one in survey.ranked]
    pieces += [partial(make_search, number) for number in range(1, search.parts + 1)]
    pieces += [partial(make_company, page) for page in companies]
    return pieces


def _make(piece: Callable[[], Piece]) -> Piece:
    return piece()


def voices_of(survey: Survey, one: RankedTopic, showing: Showing) -> dict[int, Voice]:
    """What may be shown of a topic's insights, by id."""
    insights = survey.insights.get(one.topic.id, ())
    return describe_voices(insights, survey.windows, showing, survey.sources, workers=1)


def _material(
    one: RankedTopic, survey: Survey, voices: Mapping[int, Voice], labels: Mapping[int, RelatedTopic]
) -> Material:
    number = one.topic.id
    outline = survey.outlines.get(number)
    return Material(
        ranked=one,
        insights=survey.insights.get(number, ()),
        central=outline.central if outline else (),
        decisions=survey.concerned.get(number, ()),
        coverage=survey.coverages.get(number),
        subquestions=show_outline(outline, voices) if outline else (),
        keywords=show_keywords(outline, make_show(survey.showing)) if outline else (),
        related=tuple(labels[other] for other in survey.near.get(number, ()) if other in labels),
        facets=survey.named.get(number, NO_FACETS),
    )


def _label(one: RankedTopic, survey: Survey) -> RelatedTopic:
    topic, showing = one.topic, survey.showing
    language = language_of_name(topic, survey.insights.get(topic.id, ()))
    return RelatedTopic(topic_id(topic.id), show_name(topic, showing), language, showing.path(topic), one.companies)


def _listed(one: RankedTopic, survey: Survey, labels: Mapping[int, RelatedTopic]) -> RelatedTopic:
    """As lists of single insights name it: the same as its own page."""
    outline = survey.outlines.get(one.topic.id)
    ordered = order_insights(survey.insights.get(one.topic.id, ()), outline.central if outline else ())
    language = language_of_name(one.topic, [insight for insight in ordered if not insight.inferred])
    return replace(labels[one.topic.id], language=language)


def _overview(
    survey: Survey,
    database: Database,
    now: datetime,
    single: Mapping[int, Voice],
    companies: tuple[CompanyLine, ...],
    rows: Mapping[int, IndexRow],
    labels: Mapping[int, RelatedTopic],
) -> Overview:
    config, showing, windows = survey.config, survey.showing, survey.windows
    words = tuple(
        Word(use, tuple(labels[topic] for topic in use.topics[:MOST_TOPICS_OF_WORD] if topic in labels))
        for use in gather_words(survey.outlines, make_show(showing))
    )
    moment, week = load_last_digest(database)
    has_mailbox = bool(config.imap.host)
    state = read_state(database, poll_every_minutes=config.imap.poll_every_minutes if has_mailbox else None, now=now)
    return Overview(
        facts=survey.facts,
        rows=tuple(rows.values()),
        unplaced=group_unplaced(survey.unplaced, single),
        matrix=matrix_of(survey.ranked, survey.insights, survey.coverages, windows),
        companies=companies,
        words=words,
        changes=changes_since(
            moment,
            week,
            rows,
            survey.insights,
            survey.unplaced,
            survey.decisions,
            windows,
            with_people=showing.with_people,
        ),
        health=describe_health(
            state, load_versions(database), showing, now, config.company.zone, has_mailbox=has_mailbox
        ),
        redirects=redirects_of(
            survey.topics,
            carrying_topics(survey.topics),
            showing.path,
            without_page={topic.id for topic in survey.topics} - labels.keys(),
        ),
        base_url=config.site.base_url,
    )
