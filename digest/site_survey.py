"""Reads everything for one build of the pages. Decides nothing but the order of the topics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from digest.archive import ArchivedDigest
from digest.facets import gather_facets
from digest.page_records import Facts, Outline
from digest.ranking import rank_topics
from digest.records import RankedTopic, TopicFacets, Windows
from digest.site_answers import Sources
from digest.site_content import Showing
from digest.site_history import decisions_by_topic
from digest.site_inside import look_at_outlines, make_show, near_topics, own_words_of
from digest.site_sources import describe_facts, load_sources, make_showing
from digest.windows import windows_until
from harvester.config import Config
from nlp.page_store import load_coverage
from nlp.pages import TopicCoverage
from nlp.records import Decision, StoredInsight, Topic
from nlp.store import all_topics, decision_log, living_topics, split_insights


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
    named: Mapping[int, TopicFacets] = field(default_factory=dict)


def take_survey(
    config: Config, database: Database, now: datetime, *, build: str | None = None, folder: Path | None = None
) -> Survey:
    """Read the database; nothing is decided yet but the order of the topics. folder: of reasons.toml, if any."""
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
        named=gather_facets(config, database, insights, folder, make_show(showing), with_found=showing.with_people),
    )
