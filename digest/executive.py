"""Decides what the monthly note to the management says: five numbers, three topics, one ask. Pure."""

from collections.abc import Iterable

from digest.alignment import measure_alignment
from digest.compose import choose_still_asked, rank_write_next
from digest.desk import Desk, Edition
from digest.frame import Frame
from digest.quotes import Redaction, one_line, shorten
from digest.ranking import companies_in
from digest.records import DayRange, ExecutiveNote, Figure, Material, News, Page, TopicLine, Windows
from digest.windows import month_windows
from nlp.records import StoredInsight

AUDIENCE = "executive"
TOPICS = 3
SUBJECT_CHARACTERS = 60
SEVERAL_COMPANIES = 2


def compose_note(
    material: Material, month: str, news: News, edition: Edition, redaction: Redaction, frame: Frame
) -> ExecutiveNote | None:
    """The note about a calendar month ("2026-M10"); None when nobody asked in it.

    news.until: the moment it is written, after the month's end; what was asked later does not count.
    """
    windows = month_windows(month, edition.zone)
    desk = Desk(material, news, edition, redaction, frame, windows)
    topics = tuple(desk.line(topic) for topic in desk.recent[:TOPICS])
    everything = tuple(desk.all_insights())
    said = [i for i in everything if not i.inferred and windows.day_of(i.asked_at) in windows.recent]
    if not said:
        return None
    unplaced = {insight.id for insight in material.unplaced}
    ask, asked = _one_ask(desk)
    figures = _five_figures(desk)
    name = frame.month(month)
    companies = frame.count("companies", figures[0].count)
    lead = shorten(topics[0].name, SUBJECT_CHARACTERS) if topics else ""
    masthead = frame.say("executive.masthead", month=name)
    return ExecutiveNote(
        company=one_line(edition.company),
        audience=AUDIENCE,
        week=month,
        news=news,
        days=windows.recent,
        before=windows.before,
        zone=str(edition.zone),
        subject=frame.say("executive.subject", month=name, companies=companies, name=lead) if lead else masthead,
        preheader=frame.say("executive.preheader", ask=asked.name if asked else "").strip(),
        figures=figures,
        topics=topics,
        ask=ask,
        asked=asked,
        unplaced=sum(insight.id in unplaced for insight in said),
        insights=len(said),
        pause_address=edition.pause_address,
        web_url="",
        language=frame.language,
    )


def _five_figures(desk: Desk) -> tuple[Figure, ...]:
    windows, ideal = desk.windows, frozenset(desk.edition.ideal)
    everything = tuple(desk.all_insights())
    now, before = (companies_in(everything, days, windows) for days in (windows.recent, windows.before))
    alignment = measure_alignment(desk.ranked, desk.material.insights, windows)
    pages = tuple(desk.material.pages.values())
    live = _published(pages, windows.recent)
    open_topics = sum(
        topic.companies_recent >= SEVERAL_COMPANIES and topic.coverage != "answered" for topic in desk.recent
    )
    return (
        Figure("companies", str(len(now)), len(now), len(before)),
        _ideal_or_insights(now, before, ideal, everything, windows),
        Figure(
            "alignment",
            desk.frame.say("count.share", part=alignment.answered, whole=alignment.asked),
            alignment.asked,
        ),
        Figure("published", str(live), live, _published(pages, windows.before)),
        Figure("open", str(open_topics), open_topics),
    )


def _ideal_or_insights(
    now: frozenset[str],
    before: frozenset[str],
    ideal: frozenset[str],
    everything: tuple[StoredInsight, ...],
    windows: Windows,
) -> Figure:
    """Whom we want to have among those who asked; where nobody said whom we want, how much they asked."""
    if ideal:
        return Figure("ideal", str(len(now & ideal)), len(now & ideal), len(before & ideal))
    asked, earlier = (
        sum(not i.inferred and windows.day_of(i.asked_at) in days for i in everything)
        for days in (windows.recent, windows.before)
    )
    return Figure("insights", str(asked), asked, earlier)


def _published(pages: Iterable[Page], days: DayRange) -> int:
    """Pages that went live in those days, each once."""
    return len({page.url for page in pages if page.published_on and page.published_on in days})


def _one_ask(desk: Desk) -> tuple[str, TopicLine | None]:
    """Room for the page that is missing most; else, that sales sends a page that is there."""
    missing = [topic for topic in rank_write_next(desk) if topic.coverage == "none"]
    if missing:
        return "write", desk.line(missing[0], with_quote=False)
    unsent = [line for line in choose_still_asked(desk) if 2 * line.links_sent < line.answers]
    if unsent:
        return "send", unsent[0].topic
    return "none", None
