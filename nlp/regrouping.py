"""Decides what stays when everything is grouped anew: which topics nobody touches, and which new group is which known
topic. Pure; the groups themselves are found as ever (nlp/growth.py).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nlp.records import Decision, Topic, parse_topic_id
from nlp.store import MACHINE
from nlp.topics import Placement

# A group is the topic of which it holds more than this share, where no other group holds as much, and where no topic
# gave the group more. Of smaller parts several could be called the topic, and one of them only by luck.
FOLLOWING_SHARE = 1 / 3
LEAST_SHARED = 2  # one insight is no overlap, unless it is all of both
LEADING_SHARE = 0.5  # an address leads on to where at least this share of what stood there is now


@dataclass(frozen=True, slots=True)
class Regrouped:
    """What became of the ids. placement: with known ids where groups are known topics, the others numbered on.

    heirs: topic that no group follows -> the one that holds most of what it held.
    """

    placement: Placement
    heirs: Mapping[int, int]


def choose_fixed(
    topics: Iterable[Topic], decisions: Iterable[Decision], held: Collection[int], ruled: Collection[int]
) -> frozenset[int]:
    """Topics that keep all their members: people said something about them that stands.

    held: topics that hold what a person placed. ruled: topics with a page about which a person said something.
    """
    decided = {topic for decision in decisions if decision.undone_at is None for topic in _concerned(decision)}
    return frozenset({topic.id for topic in topics if _is_touched(topic)} | decided | set(held) | set(ruled))


def keep_known_ids(
    placement: Placement,
    stayed: Mapping[int, int],
    former: Mapping[int, int],
    insights: Sequence[int],
    carrier: Mapping[int, int],
) -> Regrouped:
    """Give groups the ids of the topics that they are.

    stayed: insight -> topic, of those that were not placed anew. former: insight -> topic, where it was before, of
    those that were. insights: the id of each row of the crowd. carrier: known topic -> the one that carries it on.
    """
    after = {insight: carrier[topic] for insight, topic in stayed.items()}
    after |= {insights[one.row]: carrier.get(one.topic, one.topic) for one in placement.placed}
    living = set(stayed.values())
    left = {insight: topic for insight, topic in former.items() if topic not in living}
    followers = find_followers(left, after, frozenset(placement.born))
    others = [born for born in placement.born if born not in followers]
    first = placement.next_topic - len(placement.born)
    number = followers | {born: first + place for place, born in enumerate(others)}
    placed = tuple(replace(one, topic=number.get(one.topic, one.topic)) for one in placement.placed)
    after = {insight: number.get(topic, topic) for insight, topic in after.items()}
    heirs = find_heirs({i: topic for i, topic in left.items() if topic not in followers.values()}, after)
    kept = Placement(placed, tuple(number[born] for born in others), first + len(others))
    return Regrouped(kept, heirs)


def find_followers(before: Mapping[int, int], after: Mapping[int, int], born: Collection[int]) -> dict[int, int]:
    """New group -> the known topic that it is. before, after: insight -> topic; before: of topics that lost all.

    Each is where most of the other is. Of topics that gave a group equally much the older one goes on, as when people
    merge; of groups that got equally much of a topic none does.
    """
    sizes, grown = Counter(before.values()), Counter(after.values())
    shared = Counter((topic, after[insight]) for insight, topic in before.items() if insight in after)
    sources: dict[int, list[tuple[int, int]]] = {}
    targets: dict[int, list[int]] = {}
    for (topic, group), count in shared.items():
        sources.setdefault(group, []).append((-count, topic))
        targets.setdefault(topic, []).append(count)
    followers = {}
    for group in sorted(sources.keys() & set(born)):
        negative, topic = min(sources[group])
        count = -negative
        is_greatest = max(targets[topic]) == count and targets[topic].count(count) == 1
        is_same = count == sizes[topic] == grown[group]
        if is_greatest and (is_same or (count >= LEAST_SHARED and count > FOLLOWING_SHARE * sizes[topic])):
            followers[group] = topic
    return followers


def find_heirs(before: Mapping[int, int], after: Mapping[int, int]) -> dict[int, int]:
    """Topic that nobody follows -> the topic that holds most of what it held, the older among equals."""
    sizes = Counter(before.values())
    shared = Counter((topic, after[insight]) for insight, topic in before.items() if insight in after)
    best: dict[int, tuple[int, int]] = {}
    for (topic, heir), count in shared.items():
        best[topic] = min(best.get(topic, (0, 0)), (-count, heir))
    return {topic: heir for topic, (count, heir) in sorted(best.items()) if -count >= LEADING_SHARE * sizes[topic]}


def _is_touched(topic: Topic) -> bool:
    said_by = {topic.named_by, topic.category_by, topic.stage_by}
    return topic.dismissed or topic.status != "open" or said_by != {MACHINE}


def _concerned(decision: Decision) -> set[int]:
    """A move is about the topic that it went to: what it was taken from may be grouped anew without it."""
    detail = decision.detail
    named = [parse_topic_id(str(detail[key])) for key in ("into", "born", "with") if key in detail]
    return {decision.topic, *named}
