"""Builds the pages: gathers, decides, writes into a new folder and swaps it in."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from digest.archive import ArchivedDigest, load_archive, render_archive
from digest.frame import load_frame
from digest.page_records import Facts, IndexRow, Outline, RelatedTopic, SiteContent, Voice, Word
from digest.publishing import publish
from digest.ranking import rank_topics
from digest.records import RankedTopic, Windows
from digest.site_answers import Sources
from digest.site_content import (
    Material,
    Showing,
    describe_insight,
    describe_row,
    describe_topic,
    group_unplaced,
    language_of_name,
    show_name,
)
from digest.site_halves import share_work
from digest.site_health import describe_health
from digest.site_history import decisions_by_topic, redirects_of
from digest.site_inside import (
    gather_words,
    look_at_outlines,
    make_show,
    near_topics,
    own_words_of,
    show_keywords,
    show_outline,
)
from digest.site_overview import changes_since, describe_companies, matrix_of
from digest.site_render import Overview, frame_of, render_overview, render_topic
from digest.site_search import search_scripts
from digest.site_sources import (
    describe_facts,
    hide_companies,
    load_last_digest,
    load_sources,
    load_versions,
    make_showing,
)
from digest.status import read_state
from digest.windows import windows_until
from harvester.config import Config
from harvester.locks import hold_lock
from harvester.workspace import Workspace
from nlp.page_store import load_coverage
from nlp.pages import TopicCoverage
from nlp.records import Decision, StoredInsight, Topic, topic_id
from nlp.store import all_topics, carrying_topics, decision_log, living_topics, split_insights

MOST_ON_COMPANY = 200
MOST_TOPICS_OF_WORD = 3
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything read from the database for one build. insights: by topic. outlines, near: by topic."""

    config: Config
    windows: Windows
    topics: tuple[Topic, ...]
    ranked: tuple[RankedTopic, ...]
    insights: Mapping[int, tuple[StoredInsight, ...]]
    unplaced: tuple[StoredInsight, ...]
    outlines: Mapping[int, Outline]
    near: Mapping[int, tuple[int, ...]]
    decisions: tuple[Decision, ...]
    concerned: Mapping[int, list[Decision]]
    coverages: Mapping[int, TopicCoverage]
    sources: Sources
    showing: Showing
    facts: Facts
    archive: tuple[ArchivedDigest, ...] = ()


def build_site(workspace: Workspace, database: Database, now: datetime) -> int:
    """Publish the pages as of `now`; returns the number of topic pages."""
    # From the first look to the last page: what is erased meanwhile must not be published afterwards.
    sentence = "another process is building the pages; try again in a minute"
    with hold_lock(workspace.folder / "site.lock", sentence, patience_seconds=PATIENCE_SECONDS), collector_paused():
        survey = take_survey(workspace.config, database, now)
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


def take_survey(config: Config, database: Database, now: datetime, *, build: str | None = None) -> Survey:
    """Read the database; nothing is decided yet but the order of the topics."""
    company = config.company
    decisions = decision_log(database)
    windows = windows_until(now.astimezone(company.zone).date(), company.zone)
    insights, unplaced = split_insights(database)
    showing = make_showing(config, database, build=build or config.site.build)
    coverages = load_coverage(database)
    ranked = rank_topics(living_topics(database), insights, windows, ideal=company.ideal, coverage=coverages)
    first = [one.topic.id for one in ranked]
    outlines = look_at_outlines(database, insights, first, make_show(showing), own_words_of(company))
    everything = [*unplaced, *(insight for members in insights.values() for insight in members)]
    return Survey(
        config=config,
        windows=windows,
        topics=all_topics(database),
        ranked=ranked,
        insights=insights,
        unplaced=unplaced,
        outlines=outlines,
        near=near_topics(outlines),
        decisions=decisions,
        concerned=decisions_by_topic(decisions),
        coverages=coverages,
        sources=load_sources(database, with_people=showing.with_people),
        showing=showing,
        facts=describe_facts(config, database, windows, everything, len(unplaced), now),
    )


def gather_site(config: Config, database: Database, now: datetime, *, only: int | None = None) -> SiteContent:
    """The pages of all topics, or of one, before they have a form. With [privacy] redact no company is named."""
    survey = take_survey(config, database, now, build="internal")
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

    def make_page(one: RankedTopic) -> tuple[IndexRow, bytes, tuple[Voice, ...]]:
        own = voices_of(survey, one, showing)
        page = describe_topic(_material(one, survey, own, labels), own, survey.sources, survey.windows, showing)
        row = describe_row(page, max((voice.day for voice in own.values()), default=None))
        return row, render_topic(page, frame), tuple(own.values())

    said: list[tuple[Voice, IndexRow | None]] = []
    made: dict[int, IndexRow] = {}
    size = survey.facts.insights
    for row, page, own in share_work(survey.ranked, make_page, size=size, workers=config.engine.workers):
        made[row.ranked.topic.id] = row
        said += ((voice, row) for voice in own)
        yield f"{row.path}index.html", page
    rows = {one.topic.id: made[one.topic.id] for one in survey.ranked}
    single = _voices(survey.unplaced, survey, showing)
    said += ((voice, None) for voice in single.values())
    said.sort(key=lambda one: (one[0].day, one[0].id), reverse=True)
    overview = _overview(survey, database, now, single, said, rows, labels)
    yield from render_overview(overview, frame)
    paths = {page.line.name: page.line.path for page in overview.companies}
    yield from search_scripts(overview.rows, said, paths)


def voices_of(survey: Survey, one: RankedTopic, showing: Showing) -> dict[int, Voice]:
    """What may be shown of a topic's insights, by id."""
    return _voices(survey.insights.get(one.topic.id, ()), survey, showing)


def _voices(insights: tuple[StoredInsight, ...], survey: Survey, showing: Showing) -> dict[int, Voice]:
    shown = ((i.id, describe_insight(i, survey.windows, showing, survey.sources)) for i in insights if not i.inferred)
    return {number: voice for number, voice in shown if voice}


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
    )


def _label(one: RankedTopic, survey: Survey) -> RelatedTopic:
    topic, showing = one.topic, survey.showing
    language = language_of_name(topic, survey.insights.get(topic.id, ()))
    return RelatedTopic(topic_id(topic.id), show_name(topic, showing), language, showing.path(topic), one.companies)


def _overview(
    survey: Survey,
    database: Database,
    now: datetime,
    single: Mapping[int, Voice],
    said: Sequence[tuple[Voice, IndexRow | None]],
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
        companies=describe_companies(said, config.company.ideal, MOST_ON_COMPANY) if showing.with_people else (),
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
        redirects=redirects_of(survey.topics, carrying_topics(survey.topics), showing.path),
        base_url=config.site.base_url,
    )
