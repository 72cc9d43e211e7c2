"""Decides what the pages say, from ranked topics and their insights. Pure; redaction and pseudonyms are handed in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from digest.frame import load_frame
from digest.likeness import fold_same, telling_words
from digest.page_records import (
    CategoryVoices,
    Event,
    IndexRow,
    Point,
    Redirect,
    TopicPage,
    Verdict,
    Voice,
    WeekBar,
)
from digest.quotes import Redaction, cut_quote, one_line
from digest.ranking import topic_url
from digest.records import RankedTopic, Windows
from digest.site_answers import (
    Sources,
    collect_answers,
    collect_experts,
    collect_facts,
    collect_links,
    safe_href,
)
from nlp.records import CATEGORIES, Decision, Kind, StoredInsight, Topic, topic_id

WEEKS = 26
ENOUGH_COMPANIES = 3
MOST_POINTS = 60  # of one kind on one page; nobody reads more, and the search has them


@dataclass(frozen=True, slots=True)
class Showing:
    """How people and companies appear. company: domain -> what the page calls it."""

    redaction: Redaction
    company: Callable[[str], str]


def describe_topic(
    ranked: RankedTopic,
    insights: tuple[StoredInsight, ...],
    central: tuple[int, ...],
    sources: Sources,
    decisions: Sequence[Decision],
    windows: Windows,
    showing: Showing,
) -> TopicPage:
    """The page of one topic. central: insight ids, the most central first; quotes appear in that order."""
    places = {insight: place for place, insight in enumerate(central)}
    ordered = sorted(insights, key=lambda i: (places.get(i.id, len(places)), i.id))
    said = [insight for insight in ordered if not insight.inferred]
    kinds = {kind: [insight for insight in said if insight.kind is kind] for kind in Kind}
    points = {kind: describe_points(members, windows, showing) for kind, members in kinds.items()}
    answers, left_out = collect_answers(ordered, sources, windows, showing.redaction)
    topic = ranked.topic
    return TopicPage(
        ranked=ranked,
        name=show_name(topic, showing),
        language=language_of_name(topic, said),
        verdict=verdict_on(ranked),
        weeks=demand_by_week(said, windows),
        questions=points[Kind.QUESTION][0],
        pains=points[Kind.PAIN][0],
        needs=points[Kind.NEED][0],
        answers=answers,
        answers_left_out=left_out,
        facts=collect_facts(answers),
        links=collect_links(ordered, sources),
        experts=collect_experts(ordered, sources),
        page_url=safe_href(topic.status_detail or "") if topic.status == "published" else "",
        history=describe_history(topic, decisions, windows),
        left_out=sum(left_out for _, left_out, _ in points.values()),
        hidden=sum(hidden for _, _, hidden in points.values()),
    )


def describe_insight(insight: StoredInsight, windows: Windows, showing: Showing) -> Voice | None:
    """One insight as it may be shown; None when its quote cannot be made safe."""
    text = showing.redaction.redact(one_line(insight.text))
    if not text or not showing.redaction.is_safe(text):
        return None
    context = showing.redaction.redact(one_line(insight.context)) if insight.context else ""
    return Voice(
        id=insight.id,
        kind=str(insight.kind),
        text=text,
        context=context if context not in text and showing.redaction.is_safe(context) else "",
        company=showing.company(insight.company),
        day=windows.day_of(insight.asked_at),
        language=insight.language,
        answered=insight.answer is not None,
    )


def describe_points(
    insights: Sequence[StoredInsight], windows: Windows, showing: Showing
) -> tuple[tuple[Point, ...], int, int]:
    """What was said, the same words folded; what most companies said first, else the most central.

    Also: how many are left out because there is no end to them, and how many because they cannot be made safe.
    """
    folded = fold_same(insights, lambda insight: insight.text)
    groups = sorted(folded, key=lambda group: -len({insight.company for insight in group}))
    points, hidden = [], 0
    for group in groups[:MOST_POINTS]:
        voices = [describe_insight(insight, windows, showing) for insight in group[:MOST_POINTS]]
        shown = tuple(voice for voice in voices if voice)
        hidden += len(voices) - len(shown)
        if shown:
            points.append(Point(shown[0], shown[1:], len({insight.company for insight in group})))
    left_out = sum(len(group[MOST_POINTS:]) for group in groups) + sum(
        len(group[:MOST_POINTS]) for group in groups[MOST_POINTS:]
    )
    return tuple(points), left_out, hidden


def describe_row(ranked: RankedTopic, page: TopicPage) -> IndexRow:
    """The topic's line in the ranked list, with the most central quote that adds something to its name."""
    name = telling_words(page.name)
    voices = [point.voice for point in page.points]
    adding = (v for v in voices if len(telling_words(v.text) & name) < 0.6 * min(len(telling_words(v.text)), len(name)))
    voice = next(adding, None)
    return IndexRow(
        ranked=ranked,
        name=page.name,
        language=page.language,
        quote=cut_quote(voice.text) if voice else "",
        quote_language=voice.language if voice else "",
        weeks=tuple(week.companies for week in page.weeks),
    )


def show_name(topic: Topic, showing: Showing) -> str:
    """A name that a person gave is shown as it is; the machine's comes from a mail and is redacted."""
    return showing.redaction.redact(one_line(topic.name)) if topic.named_by == "machine" else topic.name


def language_of_name(topic: Topic, insights: Sequence[StoredInsight]) -> str:
    """The language of the mail that a machine's name was taken from, "" when unknown."""
    if topic.named_by != "machine":
        return ""
    name = telling_words(topic.name)
    return next((i.language for i in insights[:MOST_POINTS] if name <= telling_words(f"{i.context} {i.text}")), "")


def verdict_on(ranked: RankedTopic) -> Verdict:
    """Should somebody write it?"""
    topic, recent = ranked.topic, ranked.companies_recent
    ideal = f", {ranked.ideal} of them ideal customers" if ranked.ideal else ""
    asked = f"{count_companies(recent)} asked in the last 28 days{ideal}, {ranked.companies_before} in the 28 before"
    detail = one_line(topic.status_detail or "")
    if topic.status == "published":
        if not recent:
            return Verdict("Published", "Nobody asked in the last 28 days.")
        return Verdict("Send the page that we have", f"{asked}.")
    if topic.status in ("claimed", "drafting"):
        return Verdict(f"Somebody is on it{f': {detail}' if detail else ''}", f"{asked}.")
    if topic.status == "wont-do":
        return Verdict("Decided against", f"{detail.rstrip('.') or 'No reason given'}. {asked}.")
    if topic.status == "snoozed":
        return Verdict(f"Put off until {_until(detail)}", f"{asked}.")
    if not recent:
        return Verdict("Can wait", f"Nobody asked in the last 28 days, {count_companies(ranked.companies)} before.")
    if recent >= ENOUGH_COMPANIES or ranked.trend == "rising":
        return Verdict("Write it now", f"{asked}; no page answers it.")
    advice = "Worth a page" if ranked.companies >= ENOUGH_COMPANIES else "Keep an eye on it"
    return Verdict(advice, f"{asked}, {ranked.companies} ever; no page answers it.")


def demand_by_week(insights: Sequence[StoredInsight], windows: Windows) -> tuple[WeekBar, ...]:
    """Distinct companies in each of the 26 weeks that end with the windows, oldest first; () when there were none.

    Weeks of seven days back from the last day, so that the last four bars are the 28 days of every other number.
    """
    last = windows.recent.last
    companies: list[set[str]] = [set() for _ in range(WEEKS)]
    for insight in insights:
        age = (last - windows.day_of(insight.asked_at)).days
        if 0 <= age < 7 * WEEKS:
            companies[age // 7].add(insight.company)
    if not any(companies):
        return ()
    months = load_frame("en").table["months"]
    bars = []
    for back in range(WEEKS - 1, -1, -1):
        end = last - timedelta(days=7 * back)
        days = [end - timedelta(days=ago) for ago in range(7)]
        month = next((months[day.month - 1] for day in days if day.day == 1), "")
        bars.append(WeekBar(days[-1], end, len(companies[back]), month))
    return tuple(bars)


def describe_history(topic: Topic, decisions: Sequence[Decision], windows: Windows) -> tuple[Event, ...]:
    """Birth and every human decision that concerns the topic, oldest first."""
    events = [Event(windows.day_of(topic.born_at), "First seen as a topic.")]
    for decision in decisions:
        undone = " Taken back since." if decision.undone_at else ""
        text = f"{_deed(decision, topic)} by {one_line(decision.author)}.{undone}"
        events.append(Event(windows.day_of(decision.decided_at), text))
    return tuple(events)


def decisions_by_topic(decisions: Sequence[Decision]) -> dict[int, list[Decision]]:
    """Which decisions concern a topic: its own, merges into it, and the split that it was born by."""
    concerned: dict[int, list[Decision]] = {}
    for decision in decisions:
        named = [decision.detail.get(key) for key in ("into", "born")]
        numbers = {decision.topic, *(int(str(name)[2:]) for name in named if str(name or "").startswith("T-"))}
        for number in sorted(numbers):
            concerned.setdefault(number, []).append(decision)
    return concerned


def group_unplaced(
    insights: tuple[StoredInsight, ...], windows: Windows, showing: Showing
) -> tuple[CategoryVoices, ...]:
    """Insights without a topic under their category, the newest first."""
    groups: dict[str, list[Voice]] = {category: [] for category in CATEGORIES}
    for insight in sorted(insights, key=lambda i: (i.asked_at, i.id), reverse=True):
        voice = None if insight.inferred else describe_insight(insight, windows, showing)
        if voice:
            groups.setdefault(insight.category, []).append(voice)
    return tuple(CategoryVoices(category, tuple(voices)) for category, voices in groups.items() if voices)


def redirects_of(topics: tuple[Topic, ...], carrier: Mapping[int, int]) -> tuple[Redirect, ...]:
    """A merged topic's address leads to the topic that carries on, a dismissed one's to the index."""
    by_id = {topic.id: topic for topic in topics}
    moved = []
    for topic in topics:
        heir = by_id[carrier[topic.id]]
        if heir.dismissed:
            moved.append(Redirect(topic_url(topic, ""), ""))
        elif heir.id != topic.id:
            moved.append(Redirect(topic_url(topic, ""), topic_url(heir, "")))
    return tuple(moved)


def count_companies(count: int) -> str:
    """ "1 company", "3 companies"."""
    return load_frame("en").count("companies", count)


def show_day(day: date) -> str:
    """ "5 Nov 2026"."""
    return load_frame("en").day(day, year=True)


def _until(text: str) -> str:
    try:
        return show_day(date.fromisoformat(text))
    except ValueError:
        return text


def _deed(decision: Decision, topic: Topic) -> str:
    detail = {key: one_line(str(value)) for key, value in decision.detail.items() if isinstance(value, str | int)}
    if decision.verb == "rename":
        return f"Renamed to “{detail.get('name', '')}”"
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
        more = detail.get("detail", "")
        return f"Status set to {detail.get('status', '')}{f' ({more})' if more else ''}"
    return {"dismiss": "Dismissed", "restore": "Restored"}.get(decision.verb, decision.verb.capitalize())
