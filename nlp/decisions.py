"""What people decide about topics, and how it is undone. Pure: plans a ruling, the store carries it out.

A ruling always wins over the machine: it lives in the topic rows and assignments that no later run touches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from harvester.errors import AnswersError, UsageError
from nlp.naming import choose_name, slugify
from nlp.pages import StoredPage, is_web_address
from nlp.records import CATEGORIES, STAGES, Decision, StoredInsight, Topic, topic_id

PAGE_ANSWERS = {"answers": "answered", "partly": "partly", "not": "none"}
STATUSES = ("open", "claimed", "drafting", "published", "wont-do", "snoozed")
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Assigned:
    """Where an insight stands before a ruling. topic: its own, not the one that carries on; None while unplaced."""

    insight: int
    topic: int | None
    decided_by: str
    similarity: float | None


@dataclass(frozen=True, slots=True)
class PageRuling:
    """What a person said about a page and a topic. coverage: None when nobody said anything (any more)."""

    topic: int
    page: int
    coverage: str | None
    author: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision with everything it changes. topics: rows as they are to be. moves: insight -> topic.

    detail: what is logged: plain values for people; "before", "insights" and "pages" hold what undoing needs.
    """

    verb: str
    topic: int
    detail: Mapping[str, Any]
    topics: tuple[Topic, ...] = ()
    moves: tuple[tuple[int, int], ...] = ()
    pages: tuple[PageRuling, ...] = ()


@dataclass(frozen=True, slots=True)
class Undoing:
    """How a decision is taken back. moves: insight -> what it was assigned to before."""

    decision: int
    topics: tuple[Topic, ...] = ()
    moves: tuple[Assigned, ...] = field(default=())
    pages: tuple[PageRuling, ...] = ()


def rename_topic(topic: Topic, name: str, author: str) -> Ruling:
    """Give it a person's name; its address keeps the old slug."""
    cleaned = _one_line(name)
    if not cleaned:
        raise UsageError("a topic needs a name")
    return _change("rename", topic, {"name": cleaned}, name=cleaned, named_by=author)


def merge_topics(loser: Topic, winner: Topic) -> Ruling:
    """`loser` becomes another name of `winner`; its insights, also later ones, count there."""
    require_unmerged(loser)
    require_unmerged(winner)
    if loser.id == winner.id:
        raise UsageError(f"{topic_id(loser.id)} cannot be merged into itself")
    return _change("merge", loser, {"into": topic_id(winner.id)}, merged_into=winner.id)


def keep_apart(topic: Topic, other: Topic) -> Ruling:
    """The two mean different things, whatever the machine thinks; the same one twice: it is one thing, not several."""
    require_unmerged(topic)
    require_unmerged(other)
    return Ruling("apart", topic.id, {"other": other.id, "with": topic_id(other.id)})


def pin_facets(topic: Topic, category: str | None, stage: str | None, author: str) -> Ruling:
    """Say category or stage; the machine never changes it again."""
    require_unmerged(topic)
    if not category and not stage:
        raise UsageError("say --category, --stage or both")
    if category and category not in CATEGORIES:
        raise UsageError(f"{category!r} is not a category; use one of {', '.join(CATEGORIES)}")
    if stage and stage not in STAGES:
        raise UsageError(f"{stage!r} is not a stage; use one of {', '.join(STAGES)}")
    fields = {
        **({"category": category, "category_by": author} if category else {}),
        **({"stage": stage, "stage_by": author} if stage else {}),
    }
    told = {name: value for name, value in (("category", category), ("stage", stage)) if value}
    return _change("pin", topic, told, **fields)


def dismiss_topic(topic: Topic) -> Ruling:
    """Show it nowhere; new insights of that meaning still go there and stay hidden."""
    require_unmerged(topic)
    if topic.dismissed:
        raise AnswersError(f"{topic_id(topic.id)} is dismissed already")
    return _change("dismiss", topic, {}, dismissed=True)


def restore_topic(topic: Topic) -> Ruling:
    """Show a dismissed topic again."""
    if not topic.dismissed:
        raise AnswersError(f"{topic_id(topic.id)} is not dismissed")
    return _change("restore", topic, {}, dismissed=False)


def set_status(
    topic: Topic, status: str, detail: str, today: date, *, author: str = "", published_on: date | None = None
) -> Ruling:
    """detail: URL of a published page, reason of wont-do, date until which it is snoozed, else who is on it.

    author: who takes a claimed topic when `detail` names nobody. published_on: today unless it is said.
    """
    require_unmerged(topic)
    value = check_status(status, detail, today)
    if published_on is not None and status != "published":
        raise UsageError("a date goes with published only; snoozed takes its date as the detail")
    if published_on is not None and published_on > today:
        raise UsageError(f"{published_on} has not come yet; say published when the page is there")
    if status == "claimed" and not value:
        value = _one_line(author)
    if status == "drafting" and not value and topic.status in ("claimed", "drafting"):
        value = topic.status_detail or ""
    told: dict[str, Any] = {"status": status, "detail": value}
    if status == "published":
        told["on"] = (published_on or today).isoformat()
    return _change("status", topic, told, status=status, status_detail=value or None)


def published_day(decisions: Sequence[Decision], topic: Topic) -> date | None:
    """When the page of a published topic went live, as it was said; None when the topic is not published."""
    if topic.status != "published":
        return None
    for decision in reversed(decisions):
        is_it = decision.verb == "status" and decision.topic == topic.id and decision.undone_at is None
        if is_it and decision.detail.get("status") == "published":
            return date.fromisoformat(str(decision.detail.get("on") or decision.decided_at.date().isoformat()))
    return None


def rule_on_page(topic: Topic, page: StoredPage, answer: str, before: PageRuling | None, author: str) -> Ruling:
    """Say for good whether a page answers the topic. answer: answers | partly | not. before: what was said so far."""
    require_unmerged(topic)
    if answer not in PAGE_ANSWERS:
        raise UsageError(f"{answer!r} is not an answer; use one of {', '.join(PAGE_ANSWERS)}")
    now = PageRuling(topic.id, page.id, PAGE_ANSWERS[answer], author)
    held = [topic.id, page.id, before.coverage, before.author] if before else [topic.id, page.id, None, ""]
    return Ruling("page", topic.id, {"answer": answer, "url": page.url, "pages": [held]}, pages=(now,))


def wake(topic: Topic, today: date) -> Topic:
    """The topic as it stands on that day: snoozed until then or before, it is open again. A query, no timer."""
    if topic.status != "snoozed" or not _is_over(topic.status_detail, today):
        return topic
    return replace(topic, status="open", status_detail=None)


def check_status(status: str, detail: str, today: date) -> str:
    """The detail, cleaned. Raises UsageError when it does not go with the status."""
    value = _one_line(detail)
    if status not in STATUSES:
        raise UsageError(f"{status!r} is not a status; use one of {', '.join(STATUSES)}")
    if status == "published" and not is_web_address(value):
        raise UsageError("published needs the address of the page, for example https://www.acme.example/pricing")
    if status == "wont-do" and not value:
        raise UsageError("wont-do needs a reason; colleagues will read it")
    if status == "snoozed" and not _is_coming(value, today):
        raise UsageError("snoozed needs a coming date, for example 2027-01-31")
    return value


def move_insights(target: Topic, insights: Sequence[Assigned]) -> Ruling:
    """Put insights where a person says; they never move by themselves again."""
    require_unmerged(target)
    if not insights:
        raise UsageError("name the insights to move by their numbers; the topic's page shows them")
    return Ruling(
        verb="move",
        topic=target.id,
        detail={"moved": len(insights), "insights": _remember(insights)},
        moves=tuple((one.insight, target.id) for one in insights),
    )


def split_topic(
    topic: Topic,
    members: Sequence[StoredInsight],
    chosen: Sequence[Assigned],
    *,
    new_id: int,
    name: str | None,
    author: str,
    now: datetime,
) -> Ruling:
    """Take the chosen insights out into a topic of their own.

    members: all insights of the topic, the most central first. new_id: of the topic to be born.
    """
    require_unmerged(topic)
    wanted = {one.insight for one in chosen}
    leaving = [insight for insight in members if insight.id in wanted]
    if not leaving or len(leaving) < len(wanted):
        strangers = sorted(wanted - {insight.id for insight in leaving})
        raise UsageError(f"{topic_id(topic.id)} holds no insight {', '.join(map(str, strangers)) or 'to split off'}")
    if len(leaving) == len(members):
        raise UsageError(f"all insights of {topic_id(topic.id)} were named; nothing would stay")
    cleaned = _one_line(name) if name else choose_name(leaving)
    born = Topic(
        id=new_id,
        name=cleaned,
        slug=slugify(cleaned),
        named_by=author if name else "machine",
        status="open",
        category=leaving[0].category,
        stage=leaving[0].stage,
        born_at=now,
    )
    return Ruling(
        verb="split",
        topic=topic.id,
        detail={
            "born": topic_id(new_id),
            "moved": len(leaving),
            # An id that was given out stays taken: taking the split back makes the new topic an alias of the old one.
            "before": {str(new_id): {"merged_into": topic.id}},
            "insights": _remember(chosen),
        },
        topics=(born,),
        moves=tuple((insight.id, new_id) for insight in leaving),
    )


def undo_decision(decision: Decision, topics: Mapping[int, Topic]) -> Undoing:
    """Put back what the decision changed. topics: all, by id."""
    if decision.undone_at is not None:
        raise AnswersError("that decision is undone already")
    before: Mapping[str, Mapping[str, Any]] = decision.detail.get("before", {})
    return Undoing(
        decision=decision.id,
        topics=tuple(replace(topics[int(number)], **values) for number, values in before.items()),
        moves=tuple(Assigned(*row) for row in decision.detail.get("insights", ())),
        pages=tuple(PageRuling(*row) for row in decision.detail.get("pages", ())),
    )


def last_decision(decisions: Sequence[Decision], topic: Topic) -> Decision:
    """The latest one about the topic, also as the target of a merge or the offspring of a split, not undone yet."""
    shown = topic_id(topic.id)
    for decision in reversed(decisions):
        concerned = decision.topic == topic.id or shown in (decision.detail.get("into"), decision.detail.get("born"))
        if concerned and decision.undone_at is None:
            return decision
    raise AnswersError(f"nobody decided anything about {shown} that could be undone")


def _change(verb: str, topic: Topic, detail: Mapping[str, Any], **fields: Any) -> Ruling:
    before = {name: getattr(topic, name) for name in fields}
    changed: Topic = replace(topic, **fields)
    return Ruling(verb, topic.id, {**detail, "before": {str(topic.id): before}}, topics=(changed,))


def _remember(insights: Sequence[Assigned]) -> list[list[Any]]:
    return [[one.insight, one.topic, one.decided_by, one.similarity] for one in insights]


def require_unmerged(topic: Topic) -> None:
    """Decisions about a topic that was merged away would have no effect."""
    if topic.merged_into is not None:
        raise UsageError(
            f"{topic_id(topic.id)} was merged into {topic_id(topic.merged_into)};"
            " decide about that one, or undo the merge"
        )


def _one_line(text: str) -> str:
    """Without control characters and line breaks, bounded."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:MAX_NAME].strip()


def _is_over(until: str | None, today: date) -> bool:
    try:
        return until is None or date.fromisoformat(until) <= today
    except ValueError:
        return False


def _is_coming(text: str, today: date) -> bool:
    try:
        return date.fromisoformat(text) > today
    except ValueError:
        return False
