"""Decides what the pages say, from ranked topics and their insights. Pure; redaction and pseudonyms are handed in."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from digest.page_records import (
    CategoryVoices,
    Event,
    IndexRow,
    Redirect,
    ShownAnswer,
    ShownLink,
    TopicPage,
    Voice,
    WeekBar,
)
from digest.quotes import Redaction, cut_quote, one_line
from digest.ranking import topic_url
from digest.records import RankedTopic, Windows
from nlp.records import CATEGORIES, Decision, Kind, StoredInsight, Topic

WEEKS = 26
MOST_ANSWERS = 12
MOST_LINKS = 12
MOST_EXPERTS = 5


@dataclass(frozen=True, slots=True)
class Sources:
    """What the mails of a topic tell beside the insights, by message.

    authors: the colleague's name. links: web addresses in the answer. files: names of the attachments.
    """

    authors: Mapping[int, str]
    links: Mapping[int, tuple[str, ...]]
    files: Mapping[int, tuple[str, ...]]


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
    decisions: tuple[Decision, ...],
    windows: Windows,
    showing: Showing,
) -> TopicPage:
    """The page of one topic. central: insight ids, the most central first; quotes appear in that order."""
    places = {insight: place for place, insight in enumerate(central)}
    ordered = sorted(insights, key=lambda i: (places.get(i.id, len(places)), i.id))
    said = [insight for insight in ordered if not insight.inferred]
    voices = {insight.id: describe_insight(insight, windows, showing) for insight in said}
    by_kind = {
        kind: tuple(voice for i in said if i.kind is kind and (voice := voices[i.id]) is not None) for kind in Kind
    }
    return TopicPage(
        ranked=ranked,
        name=show_name(ranked.topic, showing),
        verdict=verdict_on(ranked),
        weeks=demand_by_week(tuple(said), windows),
        questions=by_kind[Kind.QUESTION],
        pains=by_kind[Kind.PAIN],
        needs=by_kind[Kind.NEED],
        answers=collect_answers(ordered, sources, windows, showing),
        links=collect_links(ordered, sources),
        experts=collect_experts(ordered, sources),
        history=describe_history(ranked.topic, decisions, windows),
        hidden=sum(voice is None for voice in voices.values()),
    )


def describe_insight(insight: StoredInsight, windows: Windows, showing: Showing) -> Voice | None:
    """One insight as it may be shown; None when its quote cannot be made safe."""
    text = showing.redaction.redact(one_line(insight.text))
    if not text or not showing.redaction.is_safe(text):
        return None
    context = showing.redaction.redact(one_line(insight.context)) if insight.context else ""
    return Voice(
        kind=str(insight.kind),
        text=text,
        context=context if context not in text and showing.redaction.is_safe(context) else "",
        company=showing.company(insight.company),
        day=windows.day_of(insight.asked_at).isoformat(),
        language=insight.language,
        answered=insight.answer is not None,
    )


def describe_row(ranked: RankedTopic, page: TopicPage) -> IndexRow:
    """The topic's line in the ranked list, with its most central quote."""
    voices = (*page.questions, *page.pains, *page.needs)
    return IndexRow(ranked, page.name, cut_quote(voices[0].text) if voices else "")


def show_name(topic: Topic, showing: Showing) -> str:
    """A name that a person gave is shown as it is; the machine's comes from a mail and is redacted."""
    return topic.name if topic.named_by == "person" else showing.redaction.redact(one_line(topic.name))


def verdict_on(ranked: RankedTopic) -> str:
    """Should somebody write it? One sentence."""
    asked = f"{_companies(ranked.companies_recent)} asked in the last 28 days, {ranked.companies_before} before"
    if ranked.topic.status == "published":
        return f"Published. {asked}: " + ("still asked." if ranked.companies_recent else "quiet since.")
    if ranked.topic.status in ("claimed", "drafting"):
        return f"Somebody is on it. {asked}."
    if not ranked.companies_recent:
        return f"Can wait. Nobody asked in the last 28 days; {_companies(ranked.companies)} in all."
    advice = "Write it now" if ranked.companies_recent >= 3 or ranked.trend in ("rising", "back") else "Worth a page"
    return f"{advice}. {asked} ({ranked.trend}), and no page answers it."


def demand_by_week(insights: tuple[StoredInsight, ...], windows: Windows) -> tuple[WeekBar, ...]:
    """Distinct companies in each of the 26 ISO weeks that end with the windows, oldest first."""
    last_monday = _monday(windows.recent.last)
    mondays = [last_monday - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]
    companies: dict[date, set[str]] = {monday: set() for monday in mondays}
    for insight in insights:
        monday = _monday(windows.day_of(insight.asked_at))
        if monday in companies:
            companies[monday].add(insight.company)
    return tuple(WeekBar(_week_name(monday), len(companies[monday])) for monday in mondays)


def collect_answers(
    insights: list[StoredInsight], sources: Sources, windows: Windows, showing: Showing
) -> tuple[ShownAnswer, ...]:
    """What colleagues answered, the newest first; the same words once."""
    shown: dict[str, ShownAnswer] = {}
    for insight in sorted(insights, key=lambda i: (i.asked_at, i.id), reverse=True):
        if not insight.answer:
            continue
        text = showing.redaction.redact(insight.answer.strip())
        question = showing.redaction.redact(one_line(insight.text))
        if text and showing.redaction.is_safe(text) and showing.redaction.is_safe(question):
            author = sources.authors.get(insight.message, "")
            day = windows.day_of(insight.asked_at).isoformat()
            shown.setdefault(one_line(text).casefold(), ShownAnswer(text, question, author, day))
    return tuple(shown.values())[:MOST_ANSWERS]


def collect_links(insights: list[StoredInsight], sources: Sources) -> tuple[ShownLink, ...]:
    """Links and files that went out with the answers, the most used first."""
    messages = sorted({insight.message for insight in insights})
    links = Counter(link for message in messages for link in dict.fromkeys(sources.links.get(message, ())))
    files = Counter(name for message in messages for name in dict.fromkeys(sources.files.get(message, ())))
    shown = [ShownLink(label_link(url), safe_href(url), count) for url, count in links.items()]
    shown += [ShownLink(one_line(name), "", count) for name, count in files.items()]
    return tuple(sorted(shown, key=lambda link: (-link.count, link.label)))[:MOST_LINKS]


def collect_experts(insights: list[StoredInsight], sources: Sources) -> tuple[tuple[str, int], ...]:
    """Who answered, and how many mails; the most experienced first."""
    answered = {insight.message for insight in insights if insight.answer}
    counts = Counter(name for message in sorted(answered) if (name := sources.authors.get(message)))
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))[:MOST_EXPERTS]


def describe_history(topic: Topic, decisions: tuple[Decision, ...], windows: Windows) -> tuple[Event, ...]:
    """Birth and every human decision, oldest first."""
    events = [Event(_day(topic.born_at, windows), "first seen as a topic")]
    for decision in decisions:
        undone = " (undone)" if decision.undone_at else ""
        text = f"{decision.verb} by {decision.author}: {_detail(decision)}".rstrip(": ") + undone
        events.append(Event(_day(decision.decided_at, windows), text))
    return tuple(events)


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


def safe_href(url: str) -> str:
    """The address when it is a plain web address, else ""."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def label_link(url: str) -> str:
    """What a reader sees of a link: host and path, so that the target is visible."""
    label = one_line(url).split("://", 1)[-1].removeprefix("www.").rstrip("/")
    return label if len(label) <= 80 else label[:79] + "…"


def _detail(decision: Decision) -> str:
    shown = [f"{value}" for value in decision.detail.values() if isinstance(value, str | int) and value != ""]
    return one_line(", ".join(shown))[:120]


def _companies(count: int) -> str:
    return "1 company" if count == 1 else f"{count} companies"


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _week_name(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def _day(moment: datetime, windows: Windows) -> str:
    return windows.day_of(moment).isoformat()
