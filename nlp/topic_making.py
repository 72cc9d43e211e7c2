"""Makes a topic of its insights, and keeps its name, category and stage fitting while it grows. Pure."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from nlp.naming import Taste, choose_name, slugify
from nlp.records import StoredInsight, Topic
from nlp.store import MACHINE

LATE = timedelta(days=14)  # older than the newest of its topic: an answer takes days, not weeks


def name_topic(
    number: int, insights: Sequence[StoredInsight], taste: Taste, now: datetime, known_as: str = ""
) -> Topic:
    """A new topic. insights: its members, the most central first. known_as: see `choose_name`."""
    name = choose_name(insights, taste, known_as)
    return Topic(
        id=number,
        name=name,
        slug=slugify(name),
        named_by=MACHINE,
        status="open",
        category=_most_frequent([insight.category for insight in insights]),
        stage=_most_frequent([insight.stage for insight in insights]),
        born_at=now,
    )


def refresh_topic(
    topic: Topic, insights: Sequence[StoredInsight], taste: Taste, *, is_kept: bool, known_as: str = ""
) -> Topic:
    """The topic with today's category and stage, and with a better name as long as nobody has given one.

    is_kept: the name stays, for people have seen it or only late mails came.
    """
    is_named = topic.named_by != MACHINE or is_kept
    return replace(
        topic,
        name=topic.name if is_named else choose_name(insights, taste, known_as),
        category=_settled(topic.category, topic.category_by, [insight.category for insight in insights]),
        stage=_settled(topic.stage, topic.stage_by, [insight.stage for insight in insights]),
    )


def came_late(members: Sequence[StoredInsight], new: Collection[int]) -> bool:
    """Whether everything new in a topic was asked long before what it already held: an old mbox renames nothing."""
    known = [insight.asked_at for insight in members if insight.id not in new]
    added = [insight.asked_at for insight in members if insight.id in new]
    return bool(known) and bool(added) and max(added) < max(known) - LATE


def _settled(value: str, said_by: str, values: Sequence[str]) -> str:
    return value if said_by != MACHINE else _most_frequent(values)


def _most_frequent(values: Sequence[str]) -> str:
    """The commonest; among equals the one of the most central insight."""
    counts = Counter(values)
    return max(values, key=lambda value: counts[value])
