"""Says how two states of an archive differ, for people who are asked whether the newer one shall stand. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nlp.records import topic_id

MOST_LINES = 10  # of each kind, for people; scripts get all
MOST_LETTERS = 120


@dataclass(frozen=True, slots=True)
class KnownTopic:
    """What people see of a topic. members: insights, also of those merged into it."""

    name: str
    members: frozenset[int]


@dataclass(frozen=True, slots=True)
class State:
    """One state. mails: id -> (Message-ID, status). texts: id -> words of an insight. topics: those that carry on."""

    mails: Mapping[int, tuple[str, str]]
    texts: Mapping[int, str]
    topics: Mapping[int, KnownTopic]


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything by id. others: table -> keys that differ, also what no list here tells; empty when all is equal.

    statuses: (Message-ID, before, after). gone, new: texts. reworded: (before, after). emptied, born: names.
    members: (insights that came, that went). renamed: (before, after).
    """

    mails: int
    insights: int
    kept: int
    statuses: Mapping[int, tuple[str, str, str]]
    gone: Mapping[int, str]
    new: Mapping[int, str]
    reworded: Mapping[int, tuple[str, str]]
    emptied: Mapping[int, str]
    born: Mapping[int, str]
    members: Mapping[int, tuple[int, int]]
    renamed: Mapping[int, tuple[str, str]]
    others: Mapping[str, int]

    def __bool__(self) -> bool:
        return any(self.others.values())

    def as_json(self) -> dict[str, Any]:
        """For scripts: everything."""
        return {
            "mails": [
                {"message_id": message_id, "before": before, "after": after}
                for message_id, before, after in self.statuses.values()
            ],
            "insights_gone": [{"id": number, "text": text} for number, text in self.gone.items()],
            "insights_new": [{"id": number, "text": text} for number, text in self.new.items()],
            "insights_reworded": [
                {"id": number, "before": before, "after": after} for number, (before, after) in self.reworded.items()
            ],
            "topics_kept": self.kept,
            "topics_emptied": [{"id": topic_id(number), "name": name} for number, name in self.emptied.items()],
            "topics_born": [{"id": topic_id(number), "name": name} for number, name in self.born.items()],
            "topics_other_members": [
                {"id": topic_id(number), "came": came, "went": went} for number, (came, went) in self.members.items()
            ],
            "topics_renamed": [
                {"id": topic_id(number), "before": before, "after": after}
                for number, (before, after) in self.renamed.items()
            ],
            "rows": dict(self.others),
        }


def compare(before: State, after: State, others: Mapping[str, int]) -> Changes:
    """others: see `Changes`."""
    kept = before.topics.keys() & after.topics.keys()
    pairs = {number: (before.topics[number], after.topics[number]) for number in sorted(kept)}
    return Changes(
        mails=len(after.mails),
        insights=len(after.texts),
        kept=len(kept),
        statuses={
            number: (message_id, before.mails[number][1], status)
            for number, (message_id, status) in sorted(after.mails.items())
            if number in before.mails and before.mails[number][1] != status
        },
        gone={number: before.texts[number] for number in sorted(before.texts.keys() - after.texts.keys())},
        new={number: after.texts[number] for number in sorted(after.texts.keys() - before.texts.keys())},
        reworded={
            number: (before.texts[number], text)
            for number, text in sorted(after.texts.items())
            if number in before.texts and before.texts[number] != text
        },
        emptied={number: before.topics[number].name for number in sorted(before.topics.keys() - after.topics.keys())},
        born={number: after.topics[number].name for number in sorted(after.topics.keys() - before.topics.keys())},
        members={
            number: (len(new.members - old.members), len(old.members - new.members))
            for number, (old, new) in pairs.items()
            if old.members != new.members
        },
        renamed={number: (old.name, new.name) for number, (old, new) in pairs.items() if old.name != new.name},
        others=dict(others),
    )


def tell(changes: Changes) -> tuple[str, ...]:
    """Lines for people: what is gone, new and different; at most ten of each kind."""
    size = f"{changes.mails} mails, {changes.insights} insights, {changes.kept + len(changes.born)} topics"
    if not changes:
        return (f"Everything was read again and nothing changes: {size}.",)
    return (
        f"Everything was read again: {size}. What changes:",
        *_tell_mails(changes),
        *_tell_insights(changes),
        *_tell_topics(changes),
        *_tell_others(changes),
    )


def _tell_mails(changes: Changes) -> tuple[str, ...]:
    lines = [f"{message_id}: {before} -> {after}" for message_id, before, after in changes.statuses.values()]
    return (f"mails: {len(lines)} are taken differently", *_some(lines)) if lines else ()


def _tell_insights(changes: Changes) -> tuple[str, ...]:
    counts = f"{len(changes.gone)} gone, {len(changes.new)} new, {len(changes.reworded)} with other words"
    return (
        f"insights: {counts}",
        *_some(f"- #{number} {_short(text)}" for number, text in changes.gone.items()),
        *_some(f"+ #{number} {_short(text)}" for number, text in changes.new.items()),
        *_some(f"~ #{number} {_short(old)} -> {_short(new)}" for number, (old, new) in changes.reworded.items()),
    )


def _tell_topics(changes: Changes) -> tuple[str, ...]:
    counts = (
        f"{changes.kept} kept, {len(changes.emptied)} emptied, {len(changes.born)} new, {len(changes.members)} with"
        f" other insights, {len(changes.renamed)} with another name"
    )
    return (
        f"topics: {counts}",
        *_some(f"- {topic_id(number)} {_short(name)}" for number, name in changes.emptied.items()),
        *_some(f"+ {topic_id(number)} {_short(name)}" for number, name in changes.born.items()),
        *_some(f"{topic_id(number)}: {came} came, {went} went" for number, (came, went) in changes.members.items()),
        *_some(
            f"~ {topic_id(number)} {_short(old)} -> {_short(new)}" for number, (old, new) in changes.renamed.items()
        ),
    )


def _tell_others(changes: Changes) -> tuple[str, ...]:
    told = ", ".join(f"{table} {count}" for table, count in changes.others.items() if count)
    return (f"rows that differ: {told}",)


def _some(lines: Iterable[str]) -> Sequence[str]:
    all_lines = [f"  {line}" for line in lines]
    more = len(all_lines) - MOST_LINES
    return all_lines if more <= 0 else [*all_lines[:MOST_LINES], f"  ... and {more} more; --json lists all"]


def _short(text: str) -> str:
    """On one line, without what steers a terminal."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f'"{line if len(line) <= MOST_LETTERS else line[: MOST_LETTERS - 1] + "…"}"'
