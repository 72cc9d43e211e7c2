"""Decides what the page of a topic says, from its insights. Pure; redaction and pseudonyms are handed in."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from digest.frame import load_frame
from digest.likeness import fold_same, telling_words
from digest.page_records import (
    CategoryVoices,
    IndexRow,
    KnownPage,
    Point,
    RelatedTopic,
    SubQuestion,
    TopicPage,
    Verdict,
    Voice,
    WeekBar,
)
from digest.quotes import Redaction, cut_quote, one_line, shorten
from digest.records import NO_FACETS, RankedTopic, TopicFacets, Windows
from digest.site_answers import (
    Sources,
    collect_answers,
    collect_conflicts,
    collect_experts,
    collect_facts,
    collect_links,
    label_link,
)
from digest.site_history import describe_history
from digest.web_links import safe_href
from nlp.pages import TopicCoverage
from nlp.records import CATEGORIES, Decision, Kind, StoredInsight, Topic, topic_id

WEEKS = 26
ENOUGH_COMPANIES = 3
MOST_POINTS = 24  # of one kind on one page; nobody reads more, and the search has them
CONTEXT_LETTERS = 220
PARTS = {"history": "further down in", "forwarded": "forwarded in", "own": "written in"}


@dataclass(frozen=True, slots=True)
class Showing:
    """How people and companies appear. company: domain -> what the page calls it.

    with_people: colleagues by name. hosts: links lead to these only; None: anywhere. with_slugs: pages have an
    address in words, which a mail gave.
    """

    redaction: Redaction
    company: Callable[[str], str]
    with_people: bool = True
    hosts: tuple[str, ...] | None = None
    with_slugs: bool = True

    def path(self, topic: Topic) -> str:
        """The folder of a topic's page below the site."""
        return f"t/{topic_id(topic.id)}-{topic.slug}/" if self.with_slugs else f"t/{topic_id(topic.id)}/"


@dataclass(frozen=True, slots=True)
class Material:
    """All that the page of one topic is made of. central: insight ids, the most central first."""

    ranked: RankedTopic
    insights: tuple[StoredInsight, ...]
    central: tuple[int, ...] = ()
    decisions: Sequence[Decision] = ()
    coverage: TopicCoverage | None = None
    subquestions: tuple[SubQuestion, ...] = ()
    keywords: tuple[str, ...] = ()
    related: tuple[RelatedTopic, ...] = ()
    facets: TopicFacets = NO_FACETS


def describe_topic(
    material: Material, voices: Mapping[int, Voice], sources: Sources, windows: Windows, showing: Showing
) -> TopicPage:
    """The page of one topic. voices: of the insights that may be shown."""
    ordered = order_insights(material.insights, material.central)
    said = [insight for insight in ordered if not insight.inferred]
    kinds: dict[Kind, list[StoredInsight]] = {kind: [] for kind in Kind}
    for insight in said:
        kinds[insight.kind].append(insight)
    topic = material.ranked.topic
    named_in = language_of_name(topic, said)
    languages = tuple(language for language, _ in Counter(one.language for one in said).most_common() if language)
    first = named_in or next(iter(languages), "")
    points = {kind: describe_points(members, voices, first) for kind, members in kinds.items()}
    answers, left_out = collect_answers(ordered, sources, windows, showing.redaction, hosts=showing.hosts)
    return TopicPage(
        ranked=material.ranked,
        name=show_name(topic, showing),
        language=named_in,
        verdict=verdict_on(material.ranked, material.coverage),
        weeks=demand_by_week(said, windows),
        questions=points[Kind.QUESTION][0],
        pains=points[Kind.PAIN][0],
        needs=points[Kind.NEED][0],
        answers=answers,
        answers_left_out=left_out,
        facts=collect_facts(answers),
        links=collect_links(ordered, sources, showing.redaction, hosts=showing.hosts),
        experts=collect_experts(ordered, sources),
        page_url=safe_href(topic.status_detail or "") if topic.status == "published" else "",
        history=describe_history(topic, material.decisions, windows, with_people=showing.with_people),
        left_out=sum(left_out for _, left_out, _ in points.values()),
        hidden=sum(hidden for _, _, hidden in points.values()),
        path=showing.path(topic),
        languages=languages,
        subquestions=material.subquestions,
        keywords=material.keywords,
        pages=describe_pages(material.coverage),
        conflicts=collect_conflicts(ordered, sources, windows, showing.redaction),
        related=material.related,
        facets=material.facets,
    )


def order_insights(insights: Sequence[StoredInsight], central: Sequence[int]) -> list[StoredInsight]:
    """The most central first. central: ids of those that are known to be."""
    places = {insight: place for place, insight in enumerate(central)}
    return sorted(insights, key=lambda i: (places.get(i.id, len(places)), i.id))


def describe_insight(
    insight: StoredInsight, windows: Windows, showing: Showing, sources: Sources | None = None
) -> Voice | None:
    """One insight as it may be shown, with one sentence around it; None when its quote cannot be made safe."""
    words = choose_words(insight, showing.redaction)
    return make_voice(insight, words, windows, showing, sources) if words else None


def choose_words(insight: StoredInsight, redaction: Redaction) -> tuple[str, str] | None:
    """Its text and its context as they may be shown; None when the text cannot be made safe."""
    text = redaction.redact(one_line(insight.text))
    if not text or not redaction.is_safe(text):
        return None
    context = shorten(redaction.redact(one_line(insight.context)), CONTEXT_LETTERS) if insight.context else ""
    if context and (context in text or not redaction.is_safe(context)):
        context = ""
    return text, context


def make_voice(
    insight: StoredInsight,
    words: tuple[str, str],
    windows: Windows,
    showing: Showing,
    sources: Sources | None = None,
) -> Voice:
    """words: as `choose_words` gives them."""
    text, context = words
    return Voice(
        insight.id,
        insight.kind.value,
        text,
        context,
        showing.company(insight.company),
        windows.day_of(insight.asked_at),
        insight.language,
        insight.answer is not None,
        tell_source(insight, sources) if sources else "",
    )


def tell_source(insight: StoredInsight, sources: Sources) -> str:
    """Which part of whose mail the words stood in."""
    return _place_in_mail(sources.roles.get(insight.id, ""), sources.authors.get(insight.message, ""))


@lru_cache(maxsize=10_000)  # one text for all that stand at the same place
def _place_in_mail(role: str, author: str) -> str:
    part = PARTS.get(role, "quoted in")
    return f"{part} a mail of {author}" if author else f"{part} a mail"


def describe_points(
    insights: Sequence[StoredInsight], voices: Mapping[int, Voice], language: str = ""
) -> tuple[tuple[Point, ...], int, int]:
    """What was said, the same words folded; what most companies said first, else what is in this language, else the
    most central.

    Also: how many are left out because there is no end to them, and how many because they cannot be made safe.
    """
    folded = fold_same(insights, lambda insight: insight.text)
    counted = [(len({insight.company for insight in group}) if len(group) > 1 else 1, group) for group in folded]
    counted.sort(key=lambda one: (-one[0], one[1][0].language != language))
    points, hidden, left_out = [], 0, 0
    for place, (companies, group) in enumerate(counted):
        shown = tuple(voices[insight.id] for insight in group if insight.id in voices)
        hidden += len(group) - len(shown)
        if place >= MOST_POINTS:
            left_out += len(shown)
        elif shown:
            left_out += len(shown[MOST_POINTS:])
            points.append(Point(shown[0], shown[1:MOST_POINTS], companies))
    return tuple(points), left_out, hidden


def describe_row(page: TopicPage, last_asked: date | None = None) -> IndexRow:
    """The topic's line in the ranked list, with the most central quote that adds something to its name.

    One in the language of the name goes first, else in that of most of the topic.
    """
    name = telling_words(page.name)
    voices = [point.voice for point in page.points if adds_to(name, point.voice.text)]
    language = page.language or next(iter(page.languages), "")
    alike = (voice for voice in voices if voice.language == language)
    voice = next(alike, voices[0] if voices else None)
    return IndexRow(
        ranked=page.ranked,
        name=page.name,
        language=page.language,
        quote=cut_quote(voice.text) if voice else "",
        quote_language=voice.language if voice else "",
        weeks=tuple(week.companies for week in page.weeks),
        path=page.path,
        languages=page.languages,
        last_asked=last_asked,
    )


def adds_to(name: frozenset[str], text: str) -> bool:
    """Whether a quote says more than the name's words."""
    words = telling_words(text)
    return len(words & name) < 0.6 * min(len(words), len(name))


def show_name(topic: Topic, showing: Showing) -> str:
    """A name that a person gave is shown as it is inside the company; the machine's comes from a mail."""
    name = one_line(topic.name)
    return showing.redaction.redact(name) if topic.named_by == "machine" or not showing.with_people else name


def language_of_name(topic: Topic, insights: Sequence[StoredInsight]) -> str:
    """The language of the mail that a machine's name was taken from, "" when unknown."""
    if topic.named_by != "machine":
        return ""
    name = telling_words(topic.name)
    for insight in insights[:MOST_POINTS]:
        text = f"{insight.context} {insight.text}"
        folded = text.casefold()  # a quick look: most texts lack one of the words
        if all(word in folded for word in name) and name <= telling_words(text):
            return insight.language
    return ""


def verdict_on(ranked: RankedTopic, coverage: TopicCoverage | None = None) -> Verdict:
    """Should somebody write it: a new page, more on one that we have, or just send it?"""
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
    if coverage and coverage.best and coverage.verdict == "send":
        return Verdict("Just send the page that we have", f"{asked}; {_title(coverage)} answers it.")
    if coverage and coverage.best and coverage.verdict == "extend" and recent:
        return Verdict("Extend the page that we have", f"{asked}; {_title(coverage)} answers only a part.")
    if not recent:
        return Verdict("Can wait", f"Nobody asked in the last 28 days, {count_companies(ranked.companies)} before.")
    if recent >= ENOUGH_COMPANIES or ranked.trend == "rising":
        return Verdict("Write it now", f"{asked}; no page answers it.")
    advice = "Worth a page" if ranked.companies >= ENOUGH_COMPANIES else "Keep an eye on it"
    return Verdict(advice, f"{asked}, {ranked.companies} ever; no page answers it.")


def describe_pages(coverage: TopicCoverage | None) -> tuple[KnownPage, ...]:
    """Existing pages, the best first."""
    return tuple(
        KnownPage(
            label=one_line(match.page.title) or label_link(match.page.url),
            href=safe_href(match.page.url),
            coverage=match.coverage,
            reason=one_line(match.reason),
            links_sent=match.links_sent,
            is_gone=match.is_gone,
        )
        for match in (coverage.matches if coverage else ())
    )


def demand_by_week(insights: Sequence[StoredInsight], windows: Windows) -> tuple[WeekBar, ...]:
    """Distinct companies in each of the 26 weeks that end with the windows, oldest first; () when there were none.

    Weeks of seven days back from the last day, so that the last four bars are the 28 days of every other number.
    """
    last = windows.recent.last
    companies: list[set[str]] = [set() for _ in range(WEEKS)]
    earliest = datetime.combine(last - timedelta(days=7 * WEEKS + 1), time.min, tzinfo=UTC)
    for insight in insights:
        if insight.asked_at < earliest:  # cheaper than finding the day of each
            continue
        age = (last - windows.day_of(insight.asked_at)).days
        if 0 <= age < 7 * WEEKS:
            companies[age // 7].add(insight.company)
    if not any(companies):
        return ()
    return tuple(
        WeekBar(first, end, len(found), month)
        for (first, end, month), found in zip(_weeks_until(last), reversed(companies), strict=True)
    )


def group_unplaced(insights: Sequence[StoredInsight], voices: Mapping[int, Voice]) -> tuple[CategoryVoices, ...]:
    """Insights without a topic under their category, the newest first."""
    groups: dict[str, list[Voice]] = {category: [] for category in CATEGORIES}
    for insight in sorted(insights, key=lambda i: (i.asked_at, i.id), reverse=True):
        if not insight.inferred and insight.id in voices:
            groups.setdefault(insight.category, []).append(voices[insight.id])
    return tuple(CategoryVoices(category, tuple(found)) for category, found in groups.items() if found)


def count_companies(count: int) -> str:
    """ "1 company", "3 companies"."""
    return load_frame("en").count("companies", count)


def show_day(day: date) -> str:
    """ "5 Nov 2026"."""
    return load_frame("en").day(day, year=True)


def _weeks_until(last: date) -> list[tuple[date, date, str]]:
    """(first day, last day, month that begins in it) of each week, oldest first."""
    months = load_frame("en").table["months"]
    weeks = []
    for back in range(WEEKS - 1, -1, -1):
        end = last - timedelta(days=7 * back)
        days = [end - timedelta(days=ago) for ago in range(7)]
        weeks.append((days[-1], end, next((months[day.month - 1] for day in days if day.day == 1), "")))
    return weeks


def _title(coverage: TopicCoverage) -> str:
    page = coverage.best.page if coverage.best else None
    return f"“{shorten(one_line(page.title), 90)}”" if page and page.title else label_link(coverage.url)


def _until(text: str) -> str:
    try:
        return show_day(date.fromisoformat(text))
    except ValueError:
        return text
