"""Finds the ids under which topics were known before everything was read again. Pure.

Insights keep their ids where their words overlap (nlp/harvest.py), and with them their topic. Where better code cuts
all sentences of a topic so differently that none is recognised, the topic that is born of the new ones is the old one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nlp.harvest import likeness
from nlp.records import Topic
from nlp.store import MACHINE

MIN_LIKENESS = 0.3  # of words, for a sentence of the same mail that takes another one's place
MIN_OVERLAP = 0.5  # more than this share of all members of both: then at most one topic qualifies, and none by luck


@dataclass(frozen=True, slots=True)
class Said:
    """What an insight says, in which mail, in which topic (its own one, None while unplaced)."""

    message: int
    text: str
    topic: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A topic that was born in the draft and is the one that was known as `known`."""

    born: int
    known: int

    def keep(self, known: Topic, born: Topic, *, is_shown: bool) -> Topic:
        """The known topic with what the machine says today; nothing of what people said or were shown changes."""
        return replace(
            known,
            name=known.name if is_shown or known.named_by != MACHINE else born.name,
            category=known.category if known.category_by != MACHINE else born.category,
            stage=known.stage if known.stage_by != MACHINE else born.stage,
        )


def find_known_ids(before: Mapping[int, Said], after: Mapping[int, Said]) -> tuple[Taken, ...]:
    """before, after: insights by id. The topics that lost all members to a new one, as far as it is beyond doubt."""
    sizes_before, sizes_after = _sizes(before), _sizes(after)
    emptied, born = sizes_before.keys() - sizes_after.keys(), sizes_after.keys() - sizes_before.keys()
    moved = Counter(
        (before[gone].topic, after[new].topic)
        for gone, new in find_successors(before, after).items()
        if before[gone].topic in emptied and after[new].topic in born
    )
    found = [
        Taken(new, known)
        for (known, new), count in moved.items()
        if known is not None
        and new is not None
        and count > MIN_OVERLAP * (sizes_before[known] + sizes_after[new] - count)
    ]
    return tuple(sorted(found, key=lambda one: one.known))


def _sizes(said: Mapping[int, Said]) -> Counter[int]:
    return Counter(one.topic for one in said.values() if one.topic is not None)


def find_successors(before: Mapping[int, Said], after: Mapping[int, Said]) -> dict[int, int]:
    """Insight that is gone -> the new one of the same mail whose words are most like its own."""
    new: dict[int, list[int]] = {}
    for number in sorted(after.keys() - before.keys()):
        new.setdefault(after[number].message, []).append(number)
    pairs = sorted(
        (-likeness(before[gone].text, after[number].text), gone, number)
        for gone in before.keys() - after.keys()
        for number in new.get(before[gone].message, ())
    )
    found: dict[int, int] = {}
    taken: set[int] = set()
    for closeness, gone, number in pairs:
        if -closeness >= MIN_LIKENESS and gone not in found and number not in taken:
            found[gone] = number
            taken.add(number)
    return found
