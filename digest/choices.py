"""Decides what the digest asks a person to decide: two topics that may be one, answers that disagree, a lost page."""

from collections.abc import Iterator
from itertools import chain, zip_longest

from digest.desk import Desk
from digest.quotes import one_line, shorten
from digest.records import Choice, RankedTopic, TopicLine
from nlp.conflicts import find_conflicts
from nlp.records import topic_id

CHOICES_AT_MOST = 2
SEARCHED = 12  # topics in which contradictions are looked for, the most asked first
SIDES_AT_MOST = 3
SIDE_CHARACTERS = 110


def choose_choices(desk: Desk) -> tuple[Choice, ...]:
    """At most two, of different kinds when there are."""
    kinds = (tuple(_gone(desk)), tuple(_conflicts(desk)), tuple(_merges(desk)))
    mixed = (choice for choice in chain.from_iterable(zip_longest(*kinds)) if choice is not None)
    return tuple(mixed)[:CHOICES_AT_MOST]


def _merges(desk: Desk) -> Iterator[Choice]:
    known = {topic.topic.id: topic for topic in desk.ranked}
    for pair in desk.material.suggestions:
        if pair.first in known and pair.second in known:
            yield Choice(
                "merge",
                (desk.line(known[pair.first], with_quote=False), desk.line(known[pair.second], with_quote=False)),
                f"answers topic merge {topic_id(pair.second)} {topic_id(pair.first)}",
                otherwise=f"answers topic apart {topic_id(pair.first)} {topic_id(pair.second)}",
            )


def _conflicts(desk: Desk) -> Iterator[Choice]:
    """Answers to one topic that cannot all be right; the brief holds them in full."""

    def show(text: str) -> str | None:
        shown = desk.redaction.redact(one_line(text))
        return shown if desk.redaction.is_safe(shown) else None

    for topic in desk.recent[:SEARCHED]:
        for conflict in find_conflicts(desk.insights(topic), show):
            sides = tuple(shorten(one_line(side.sentence), SIDE_CHARACTERS) for side in conflict.sides[:SIDES_AT_MOST])
            yield Choice("conflict", _only(desk, topic), f"answers brief {topic_id(topic.topic.id)}", sides)
            break


def _gone(desk: Desk) -> Iterator[Choice]:
    """Published, but no source lists the page any more."""
    for topic in desk.recent:
        page = desk.material.pages.get(topic.topic.id)
        if page is not None and page.is_gone:
            command = f"answers topic status {topic_id(topic.topic.id)} open"
            yield Choice("gone", _only(desk, topic), command, (page.url,))


def _only(desk: Desk, topic: RankedTopic) -> tuple[TopicLine]:
    return (desk.line(topic, with_quote=False),)
