"""Forgets what prospects asked: the insights of erased mails, and the names of topics that came from their words.

A topic keeps its id: what is left of it names it anew, and one of which nothing is left stays as an empty one.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from harvester.finding_store import Finding
from harvester.forgetting import Traces, letters, sentences_of, windows_of
from nlp.insight_store import delete_insights
from nlp.naming import Taste, choose_name, main_language, slugify
from nlp.records import StoredInsight, Topic
from nlp.store import (
    MACHINE,
    all_topics,
    carrying_topics,
    central_order,
    insights_by_id,
    known_people,
    load_insights,
    write_topic,
)
from nlp.topic_making import refresh_topic

EMPTY_NAME = "Nothing is left of this topic"
MIN_NAME_LETTERS = 12  # a shorter name may stand in somebody's words by chance


@dataclass(frozen=True, slots=True)
class ForgottenInsights:
    """What goes. ids: whole insights. answers: insights of others that lose their answer. said: the words of both."""

    ids: tuple[int, ...]
    answers: tuple[int, ...]
    said: tuple[str, ...]
    topics: frozenset[int]

    def windows(self) -> frozenset[str]:
        """How a digest may have quoted them."""
        return frozenset(window for text in self.said for window in windows_of(text))


@dataclass(frozen=True, slots=True)
class Renamed:
    """Topics that got another name, and those of which nothing is left."""

    renamed: tuple[int, ...]
    emptied: tuple[int, ...]


def find_insights(database: Database, finding: Finding) -> ForgottenInsights:
    """The insights of the mails that go, of passages that go, of the forgotten themselves, and what names them."""
    traces = finding.traces
    own_parts = _own_parts(database.conn)
    carrier = carrying_topics(all_topics(database))
    ids, answers, said, topics = [], [], [], set()
    rows = database.conn.execute(
        "select i.id, i.message, i.part, i.text, i.context, coalesce(i.answer, ''), i.company, coalesce(i.person, ''),"
        " a.topic from insights i left join assignments a on a.insight = i.id order by i.id"
    )
    for number, message, part, text, context, answer, company, person, topic in rows:
        lost = finding.touched.get(message, frozenset())
        if (
            message in finding.gone
            or part in lost
            or traces.tombstones.covers_company(company)
            or (person and traces.tombstones.covers_address(person))
            or (message in finding.touched and traces.mark(f"{context}\n{text}"))
        ):
            ids.append(number)
            said += [text, context]
            if topic is not None:
                topics |= {topic, carrier[topic]}
        elif answer and message in finding.touched and (lost & own_parts.get(message, set()) or traces.mark(answer)):
            answers.append(number)
    letters_said = tuple(letters(text) for text in said)
    named = [topic.name for topic in all_topics(database) if came_from(topic.name, letters_said)]
    return ForgottenInsights(tuple(ids), tuple(answers), tuple(filter(None, (*said, *named))), frozenset(topics))


def erase_insights(database: Database, forgotten: ForgottenInsights, traces: Traces) -> Renamed:
    """Inside a transaction: delete them, name their topics from what is left, clean what was decided about them."""
    connection = database.conn
    delete_insights(connection, forgotten.ids)
    connection.executemany("update insights set answer = null where id = ?", [(one,) for one in forgotten.answers])
    # Made with the answer; they are made anew without it.
    connection.executemany("delete from vectors where insight = ?", [(one,) for one in forgotten.answers])
    letters_said = tuple(letters(text) for text in forgotten.said)
    renamed = _rename_topics(database, forgotten, traces, letters_said)
    _clean_decisions(database, frozenset(forgotten.ids), traces, letters_said)
    return renamed


def came_from(name: str, said: Sequence[str]) -> bool:
    """Whether a name (or slug) was cut out of one of these texts. said: letters only."""
    found = letters(name.removesuffix("…"))
    return len(found) >= MIN_NAME_LETTERS and any(found in text for text in said)


def _rename_topics(database: Database, forgotten: ForgottenInsights, traces: Traces, said: tuple[str, ...]) -> Renamed:
    insights = load_insights(database)
    taste = Taste(known_people(database), main_language(insights))
    left = {insight.topic for insight in insights}
    renamed, emptied = [], []
    topics = all_topics(database)
    carrier = carrying_topics(topics)
    for topic in topics:
        if topic.id not in forgotten.topics and not traces.mark(topic.name) and not came_from(topic.name, said):
            continue
        members = _members(database, carrier[topic.id])
        changed = _named_anew(topic, members, taste, traces, said)
        if changed != topic:
            write_topic(database.conn, changed)
            database.conn.execute("update topics set slug = ? where id = ?", (changed.slug, topic.id))
            renamed.append(topic.id)
        if topic.id in forgotten.topics and topic.id not in left and topic.merged_into is None:
            emptied.append(topic.id)
    return Renamed(tuple(renamed), tuple(emptied))


def _members(database: Database, topic: int) -> tuple[StoredInsight, ...]:
    order = central_order(database, topic)
    found: dict[int, StoredInsight] = {}
    for start in range(0, len(order), 500):
        found |= insights_by_id(database, order[start : start + 500])
    return tuple(found[insight] for insight in order)


def _named_anew(
    topic: Topic, members: Sequence[StoredInsight], taste: Taste, traces: Traces, said: tuple[str, ...]
) -> Topic:
    """The topic with a name and an address that nobody forgotten said; a name that others said as well stays."""
    others = tuple(letters(f"{insight.context} {insight.text}") for insight in members)

    def is_theirs(text: str) -> bool:
        return traces.mark(text) or (came_from(text, said) and not came_from(text, others))

    changed = refresh_topic(topic, members, taste, is_kept=True) if members else topic
    if not members and topic.named_by == MACHINE:
        changed = replace(changed, name=EMPTY_NAME)
    elif is_theirs(topic.name):
        changed = replace(changed, name=choose_name(members, taste) if members else EMPTY_NAME, named_by=MACHINE)
    if is_theirs(topic.slug) or (not members and topic.named_by == MACHINE):
        changed = replace(changed, slug=slugify(changed.name) if members else "topic")
    if topic.status_detail and is_theirs(topic.status_detail):
        changed = replace(changed, status_detail=None)
    return changed


def _clean_decisions(database: Database, insights: frozenset[int], traces: Traces, said: tuple[str, ...]) -> None:
    """What undoing needs holds old names and the numbers of insights."""
    for number, detail in database.conn.execute("select id, detail from decisions").fetchall():
        document = json.loads(detail)
        cleaned = _clean(document, traces, said)
        if isinstance(cleaned, dict) and isinstance(cleaned.get("insights"), list):
            cleaned["insights"] = [row for row in cleaned["insights"] if not (row and row[0] in insights)]
        if cleaned != document:
            text = json.dumps(cleaned, ensure_ascii=False)
            database.conn.execute("update decisions set detail = ? where id = ?", (text, number))


def _clean(value: Any, traces: Traces, said: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        return {key: _clean(one, traces, said) for key, one in value.items()}
    if isinstance(value, list):
        return [_clean(one, traces, said) for one in value]
    if isinstance(value, str) and (traces.mark(value) or came_from(value, said) or _repeats(value, said)):
        return EMPTY_NAME
    return value


def _repeats(text: str, said: tuple[str, ...]) -> bool:
    return any(sentence in other for sentence in sentences_of(text) for other in said)


def _own_parts(connection: sqlite3.Connection) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for message, position in connection.execute("select message, position from parts where role = 'own'"):
        found.setdefault(message, set()).add(position)
    return found
