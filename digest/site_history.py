"""Decides what the pages tell of the past: births, human decisions, and addresses that moved. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence

from digest.page_records import Event, Redirect
from digest.quotes import one_line
from digest.records import Windows
from nlp.records import Decision, Topic, parse_topic_id, topic_id


def describe_history(
    topic: Topic, decisions: Sequence[Decision], windows: Windows, *, with_people: bool = True
) -> tuple[Event, ...]:
    """Birth and every human decision that concerns the topic, oldest first."""
    events = [Event(windows.day_of(topic.born_at), "First seen as a topic.")]
    for decision in decisions:
        text = tell_decision(decision, topic, with_people=with_people)
        events.append(Event(windows.day_of(decision.decided_at), text))
    return tuple(events)


def tell_decision(decision: Decision, topic: Topic, *, with_people: bool) -> str:
    """One sentence, as seen from the topic."""
    undone = " Taken back since." if decision.undone_at else ""
    author = f" by {one_line(decision.author)}" if with_people and decision.author else ""
    return f"{_deed(decision, topic, with_people=with_people)}{author}.{undone}"


def decisions_by_topic(decisions: Sequence[Decision]) -> dict[int, list[Decision]]:
    """Which decisions concern a topic: its own, merges into it, and the split that it was born by."""
    concerned: dict[int, list[Decision]] = {}
    for decision in decisions:
        named = [decision.detail.get(key) for key in ("into", "born")]
        numbers = {decision.topic, *(parse_topic_id(str(name)) for name in named if name)}
        for number in sorted(numbers):
            concerned.setdefault(number, []).append(decision)
    return concerned


def redirects_of(
    topics: tuple[Topic, ...],
    carrier: Mapping[int, int],
    path: Callable[[Topic], str],
    without_page: Collection[int] = (),
) -> tuple[Redirect, ...]:
    """A merged topic's address leads to the topic that carries on; a dismissed one's, or an empty one's, to the index.

    without_page: topics that hold nothing any more.
    """
    by_id = {topic.id: topic for topic in topics}
    moved = []
    for topic in topics:
        heir = by_id[carrier[topic.id]]
        if heir.dismissed or heir.id in without_page:
            moved.append(Redirect(path(topic), ""))
        elif heir.id != topic.id:
            moved.append(Redirect(path(topic), path(heir)))
    return tuple(moved)


def _deed(decision: Decision, topic: Topic, *, with_people: bool) -> str:
    detail = {key: one_line(str(value)) for key, value in decision.detail.items() if isinstance(value, str | int)}
    if decision.verb == "rename":
        return f"Renamed to “{detail.get('name', '')}”" if with_people else "Renamed"
    if decision.verb == "merge":
        into = detail.get("into", "")
        return f"{topic_id(decision.topic)} merged into it" if into == topic_id(topic.id) else f"Merged into {into}"
    if decision.verb == "split":
        moved, born = detail.get("moved", ""), detail.get("born", "")
        if born == topic_id(topic.id):
            return f"Split off from {topic_id(decision.topic)} with {moved} insights"
        return f"{moved} insights split off as {born}"
    if decision.verb == "move":
        return f"{detail.get('moved', '')} insights moved here"
    if decision.verb == "status":
        more = detail.get("detail", "") if with_people else ""
        return f"Status set to {detail.get('status', '')}{f' ({more})' if more else ''}"
    return {"dismiss": "Dismissed", "restore": "Restored"}.get(decision.verb, decision.verb.capitalize())
