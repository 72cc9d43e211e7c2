"""Says how two states of an archive differ, for people who are asked whether the newer one shall stand. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nlp.records import topic_id

MOST_LINES = 10  # of each kind, for people; scripts get all
MOST_LETTERS = 120
MOST_SOURCES = 3  # of one new topic


@dataclass(frozen=True, slots=True)
class KnownTopic:
    """What people see of a topic. members: insights, also of those merged into it."""

    name: str
    members: frozenset[int]


@dataclass(frozen=True, slots=True)
class State:
    """One state. mails: id -> (Message-ID, status). texts: id -> words of an insight. topics: those that carry on.

    carrier: topic -> the one that carries it on.
    """

    mails: Mapping[int, tuple[str, str]]
    texts: Mapping[int, str]
    topics: Mapping[int, KnownTopic]
    carrier: Mapping[int, int] = field(default_factory=dict)

    def places(self) -> dict[int, int]:
        """Insight -> its topic."""
        return {insight: number for number, topic in self.topics.items() for insight in topic.members}


@dataclass(frozen=True, slots=True)
class Moves:
    """Insights that had a topic and have another one, that found one, that have none any more; of how many in topics.

    A topic that got another id, or leads on, is another topic.
    """

    moved: int = 0
    found: int = 0
    lost: int = 0
    placed: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything by id. others: table -> keys that differ, also what no list here tells; empty when all is equal.

    statuses: (Message-ID, before, after). gone, new: texts. reworded: (before, after). emptied, born: names.
    members: (insights that came, that went). renamed: (before, after). led: of emptied topics, the one that carries
    on. sources: of new topics, how many insights came of which topic (None: of none), the most first. moves: what
    became of the insights that there are before and after. names: of all topics, as they are then. fixed: topics that
    keep what they hold because people decided about them; None when nothing was grouped anew.
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
    led: Mapping[int, int] = field(default_factory=dict)
    sources: Mapping[int, Sequence[tuple[int | None, int]]] = field(default_factory=dict)
    moves: Moves = field(default_factory=Moves)
    names: Mapping[int, str] = field(default_factory=dict)
    fixed: int | None = None

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
            "topics_emptied": [
                {"id": topic_id(number), "name": name, "leads_to": topic_id(self.led[number])}
                if number in self.led
                else {"id": topic_id(number), "name": name}
                for number, name in self.emptied.items()
            ],
            "topics_born": [{"id": topic_id(number), "name": name} for number, name in self.born.items()],
            "topics_other_members": [
                {"id": topic_id(number), "came": came, "went": went} for number, (came, went) in self.members.items()
            ],
            "topics_renamed": [
                {"id": topic_id(number), "before": before, "after": after}
                for number, (before, after) in self.renamed.items()
            ],
            **self._groups_as_json(),
            "rows": dict(self.others),
        }

    def _groups_as_json(self) -> dict[str, Any]:
        if self.fixed is None:
            return {}
        return {
            "topics_decided": self.fixed,
            "topics_from": [
                {"id": topic_id(number), "from": [[topic_id(one) if one else None, count] for one, count in sources]}
                for number, sources in self.sources.items()
            ],
            "insights_moved": self.moves.moved,
            "insights_placed": self.moves.found,
            "insights_unplaced": self.moves.lost,
        }


def compare(before: State, after: State, others: Mapping[str, int], fixed: int | None = None) -> Changes:
    """others, fixed: see `Changes`."""
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
        led={
            number: heir
            for number in sorted(before.topics.keys() - after.topics.keys())
            if (heir := after.carrier.get(number, number)) != number
        },
        sources=_find_sources(before, after),
        moves=_count_moves(before, after),
        names={number: topic.name for number, topic in after.topics.items()},
        fixed=fixed,
    )


def _find_sources(before: State, after: State) -> dict[int, list[tuple[int | None, int]]]:
    places = before.places()
    return {
        number: Counter(places.get(insight) for insight in sorted(after.topics[number].members)).most_common()
        for number in sorted(after.topics.keys() - before.topics.keys())
    }


def _count_moves(before: State, after: State) -> Moves:
    old, new = before.places(), after.places()
    both = old.keys() & new.keys()
    return Moves(
        moved=sum(old[insight] != new[insight] for insight in both),
        found=len((new.keys() - old.keys()) & before.texts.keys()),
        lost=len((old.keys() - new.keys()) & after.texts.keys()),
        placed=len(old),
    )


def tell(changes: Changes) -> tuple[str, ...]:
    """Lines for people: what is gone, new and different; at most ten of each kind."""
    done = "read again" if changes.fixed is None else "grouped anew"
    size = f"{changes.mails} mails, {changes.insights} insights, {changes.kept + len(changes.born)} topics"
    if not changes:
        return (f"Everything was {done} and nothing changes: {size}.",)
    return (
        f"Everything was {done}: {size}. What changes:",
        *_tell_mails(changes),
        *(_tell_insights(changes) if changes.fixed is None or changes.gone or changes.new or changes.reworded else ()),
        *(_tell_topics(changes) if changes.fixed is None else _tell_groups(changes)),
        *_tell_renamed(changes),
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
    )


def _tell_groups(changes: Changes) -> tuple[str, ...]:
    """What became of ids first, then of insights, then what changes most of each kind."""
    moves = changes.moves
    empty = changes.emptied.keys() - changes.led.keys()
    counts = (
        f"topics: {changes.kept} go on under their id, {len(changes.led)} lead on to another, {len(empty)} hold nothing"
        f" any more; new: {len(changes.born)}"
    )
    fixed = f"decided by people, all that they hold stays there: {changes.fixed} topics"
    goes = (
        f"insights: of {moves.placed} in topics {moves.moved} go to another and {moves.lost} to none;"
        f" {moves.found} that waited find one"
    )
    by_change = sorted(changes.members.items(), key=lambda one: (-sum(one[1]), one[0]))
    by_size = sorted(changes.sources.items(), key=lambda one: (-sum(count for _, count in one[1]), one[0]))
    return (
        counts,
        fixed,
        goes,
        *_some(f"{_named(changes, number)}: {came} came, {went} went" for number, (came, went) in by_change),
        *_some(
            f"> {topic_id(number)} {_short(changes.emptied[number])} leads on to {_named(changes, heir)}"
            for number, heir in changes.led.items()
        ),
        *_some(
            f"- {topic_id(number)} {_short(changes.emptied[number])} holds nothing any more" for number in sorted(empty)
        ),
        *_some(f"+ {_named(changes, number)} is new: {_tell_sources(sources)}" for number, sources in by_size),
    )


def _tell_sources(sources: Sequence[tuple[int | None, int]]) -> str:
    told = [f"{count} of {topic_id(topic)}" if topic else f"{count} that had none" for topic, count in sources]
    shown, rest = told[:MOST_SOURCES], sum(count for _, count in sources[MOST_SOURCES:])
    return ", ".join((*shown, f"{rest} of others") if rest else shown)


def _named(changes: Changes, number: int) -> str:
    return f"{topic_id(number)} {_short(changes.names[number])}"


def _tell_renamed(changes: Changes) -> Sequence[str]:
    return _some(
        f"~ {topic_id(number)} {_short(old)} -> {_short(new)}" for number, (old, new) in changes.renamed.items()
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
