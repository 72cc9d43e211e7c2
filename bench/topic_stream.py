"""Runs labelled insights through the engine itself, week by week in a database of their own, and scores what it did."""

import collections
import pathlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlite_utils
from topic_cases import Case, split_weeks
from topic_scores import Placement

from digest.ranking import rank_topics
from digest.windows import windows_until
from harvester.database import open_database, transaction
from harvester.draft import open_draft
from nlp.decision_store import carry_out
from nlp.decisions import keep_apart, merge_topics
from nlp.embedding import Encoders
from nlp.growth import grow_topics
from nlp.regrouping_store import loosen, settle
from nlp.same_topic import SameTopic
from nlp.store import all_topics, living_topics, load_insights, topic_insights
from nlp.suggestion_store import load_suggestions

SUGGESTIONS = 10
ZONE = ZoneInfo("UTC")
FIRST = datetime(2026, 8, 3, 9, tzinfo=ZONE)
TRUE_TOP, OUR_TOP = 8, 10


@dataclass(frozen=True, slots=True)
class Stream:
    """What became of n cases. weeks: where everything was at the end of each. seconds: in all.

    advised: after the suggestions were answered as the truth says; None when there was none. top: how many of the true
    top eight the product ranks among its first ten. regrouped: instead after `answers analyze --regroup`.
    """

    weeks: tuple[Placement, ...]
    seconds: float
    advised: Placement | None
    top: int
    regrouped: Placement


def run_stream(
    cases: Sequence[Case], encoders: Encoders, weeks: int, *, in_order: bool, judge: SameTopic | None = None
) -> Stream:
    """judge: instead of the shipped "same topic?" model."""
    labels = [case.label for case in cases]
    placements: list[Placement] = []
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(pathlib.Path(folder) / "answers.db")
        started = time.perf_counter()
        for week, rows in enumerate(split_weeks(len(cases), weeks, in_order=in_order)):
            insert(database, [(row, cases[row]) for row in rows], FIRST + timedelta(weeks=week))
            grow_topics(database, encoders, FIRST + timedelta(weeks=week), judge=judge)
            placements.append(read_placement(database))
        seconds = time.perf_counter() - started
        top = count_top(cases, list_first(database, weeks), placements[-1])
        regrouped = group_anew(database, encoders, FIRST + timedelta(weeks=weeks), judge)
        advised = follow_suggestions(database, labels)
        database.conn.close()
    return Stream(tuple(placements), seconds, advised, top, regrouped)


def group_anew(
    database: sqlite_utils.Database, encoders: Encoders, now: datetime, judge: SameTopic | None
) -> Placement:
    """Where everything would be after `answers analyze --regroup`."""
    with open_draft(database) as draft:
        loosened = loosen(draft, {})
        settle(draft, loosened, grow_topics(draft, encoders, now, judge=judge, former=loosened.former))
        return read_placement(draft)


def read_placement(database: sqlite_utils.Database) -> Placement:
    return {insight.id - 1: insight.topic for insight in load_insights(database)}


def list_first(database: sqlite_utils.Database, weeks: int) -> list[int]:
    """The topics that the product ranks first."""
    windows = windows_until((FIRST + timedelta(weeks=weeks)).date(), ZONE, days=7 * (weeks + 1))
    ranked = rank_topics(living_topics(database), topic_insights(database), windows)
    return [one.topic.id for one in ranked[:OUR_TOP]]


def count_top(cases: Sequence[Case], first: Sequence[int], placement: Placement) -> int:
    """How many of the labels that most companies share are the usual one of a topic in `first`."""
    companies = collections.defaultdict(set)
    for case in cases:
        companies[case.label].add(case.company)
    inside = collections.defaultdict(list)
    for row, case in enumerate(cases):
        inside[placement[row]].append(case.label)
    shown = {collections.Counter(inside[topic]).most_common(1)[0][0] for topic in first}
    return sum(label in shown for label in sorted(companies, key=lambda label: -len(companies[label]))[:TRUE_TOP])


def follow_suggestions(database: sqlite_utils.Database, labels: Sequence[str]) -> Placement | None:
    """Row -> topic after a person has answered the first suggestions as the truth says; None when there was none."""
    suggestions = [one for one in load_suggestions(database) if one.other is not None][:SUGGESTIONS]
    if not suggestions:
        return None
    for one in suggestions:
        topics = {topic.id: topic for topic in all_topics(database)}
        first, second = topics[one.topic], topics[one.other or 0]
        if first.merged_into or second.merged_into:
            continue
        meanings = [usual_label(database, topic.id, labels) for topic in (first, second)]
        ruling = merge_topics(second, first) if meanings[0] == meanings[1] else keep_apart(first, second)
        carry_out(database, ruling, "truth", FIRST)
    return read_placement(database)


def usual_label(database: sqlite_utils.Database, topic: int, labels: Sequence[str]) -> str:
    """What most insights of a topic really mean."""
    inside = [labels[insight.id - 1] for insight in load_insights(database) if insight.topic == topic]
    return collections.Counter(inside).most_common(1)[0][0]


def insert(database: sqlite_utils.Database, cases: Sequence[tuple[int, Case]], now: datetime) -> None:
    with transaction(database) as connection:
        for row, case in cases:
            connection.execute(
                "insert or ignore into messages (sha256, size, captured_at) values (?, 0, ?)",
                (case.mail, now.isoformat()),
            )
            message = connection.execute("select id from messages where sha256 = ?", (case.mail,)).fetchone()[0]
            connection.execute(
                "insert into insights (id, message, part, kind, text, fingerprint, thread, company, asked_at, language,"
                " category, stage, confidence, rule, answer, context) values (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, 'other',"
                " 'consideration', 1, '', ?, ?)",
                (row + 1, message, case.kind, case.text, str(row), case.mail, case.company, now.isoformat(),
                 case.language, case.answer, case.context),
            )  # fmt: skip
