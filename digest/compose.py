"""Decides what the weekly mail says: which topics, which words, in which order. Pure; knows nothing of HTML or SMTP."""

from contextlib import suppress
from datetime import date

from digest.alignment import measure_alignment
from digest.choices import choose_choices
from digest.desk import Desk, Edition
from digest.frame import Frame
from digest.quotes import Redaction, make_quote, one_line, shorten
from digest.records import (
    CategoryQuotes,
    Digest,
    FollowUp,
    Footer,
    Material,
    News,
    Numbers,
    Page,
    PageLine,
    RankedTopic,
    TopicLine,
)
from digest.windows import week_of
from nlp.records import CATEGORIES, Kind

NEW_AT_MOST = 3
STILL_ASKED_AT_MOST = 2
FOLLOW_UPS_AT_MOST = 3
SINGLES_PER_CATEGORY = 3
SUBJECT_CHARACTERS = 70
WRITE_NEXT_COMPANIES = 2
STAGE_WEIGHT = {"decision": 2, "consideration": 1, "awareness": 0}


def compose_digest(
    material: Material, news: News, edition: Edition, redaction: Redaction, frame: Frame
) -> Digest | None:
    """Put the digest together; None when nothing was learned since the last one."""
    desk = Desk(material, news, edition, redaction, frame)
    if not desk.fresh:
        return None
    write_next = choose_write_next(desk)
    top = choose_top(desk, told=write_next)
    still_asked = choose_still_asked(desk)
    numbers = count_numbers(desk)
    return Digest(
        company=one_line(edition.company),
        audience=edition.audience,
        week=week_of(news.until, edition.zone),
        news=news,
        news_since=desk.news_since,
        subject=write_subject(desk),
        preheader=_preheader(desk, numbers, write_next or next(iter(top), None)),
        write_next=write_next,
        top=top,
        new=choose_new(desk, shown={line.rank for line in top}),
        still_asked=still_asked,
        follow_ups=choose_follow_ups(desk, {line.topic.rank for line in still_asked}),
        choices=choose_choices(desk),
        singles=choose_singles(desk) if len(top) < edition.top else (),
        numbers=numbers,
        footer=write_footer(desk),
        pause_address=edition.pause_address,
        web_url="",
        language=frame.language,
    )


def rank_write_next(desk: Desk) -> tuple[RankedTopic, ...]:
    """Open topics that companies ask for, what to write first: no page before half a page, then demand, then stage.

    Ideal customers count twice. A topic that somebody has claimed, put off or decided against is not among them.
    """
    candidates = [
        topic
        for topic in desk.recent
        if topic.coverage != "answered"
        and topic.topic.status == "open"
        and topic.companies_recent >= WRITE_NEXT_COMPANIES
    ]
    return tuple(sorted(candidates, key=_writing_order))


def choose_write_next(desk: Desk) -> TopicLine | None:
    """The one topic to write."""
    ranked = rank_write_next(desk)
    return desk.line(ranked[0]) if ranked else None


def choose_top(desk: Desk, told: TopicLine | None) -> tuple[TopicLine, ...]:
    """The first of the ranking. told: the topic that was quoted above already."""
    return tuple(
        desk.line(topic, with_quote=told is None or told.rank != topic.rank)
        for topic in desk.recent[: desk.edition.top]
    )


def choose_new(desk: Desk, shown: set[int]) -> tuple[TopicLine, ...]:
    """Topics never heard of before this digest that the ranking does not show yet."""
    news = [t for t in desk.recent if t.rank not in shown and t.trend == "new" and desk.is_all_fresh(t)]
    return tuple(desk.line(topic) for topic in news[:NEW_AT_MOST])


def choose_still_asked(desk: Desk) -> tuple[PageLine, ...]:
    """Topics that a page answers and that are asked all the same, most companies first."""
    lines = []
    for topic in desk.recent:
        page = desk.material.pages.get(topic.topic.id)
        if page is None or page.is_gone:
            continue
        since = _asked_since(desk, page)
        line = PageLine(
            topic=desk.line(topic, with_quote=False),
            page_url=page.url,
            page_title=shorten(one_line(page.title), SUBJECT_CHARACTERS),
            since=since,
            companies_since=desk.companies_since(topic, since),
            links_sent=page.links_sent,
            answers=page.answers,
        )
        if line.companies_since:
            lines.append(line)
    return tuple(sorted(lines, key=lambda line: -line.companies_since)[:STILL_ASKED_AT_MOST])


def choose_follow_ups(desk: Desk, shown: set[int]) -> tuple[FollowUp, ...]:
    """What became of the topics that the last digest told to write, and of those whose status changed since."""
    followed = []
    for topic in desk.ranked:
        number = topic.topic.id
        changed = desk.material.changed.get(number)
        is_changed = changed is not None and desk.since is not None and changed >= desk.since
        page = desk.material.pages.get(number) if topic.topic.status == "published" else None
        is_new_page = page is not None and page.published_on is not None and page.published_on >= desk.news_since
        if topic.rank in shown or not (number in desk.material.suggested or is_changed or is_new_page):
            continue
        if topic.topic.status == "open" and number not in desk.material.suggested:
            continue
        since = page.published_on if page else None
        followed.append(
            FollowUp(
                topic=desk.line(topic, with_quote=False),
                event=topic.topic.status,
                companies_since=desk.companies_since(topic, since) if since else 0,
                links_sent=page.links_sent if page else 0,
                answers=page.answers if page else 0,
                detail="" if topic.topic.status == "published" else _detail(desk, topic),
            )
        )
    return tuple(followed[:FOLLOW_UPS_AT_MOST])


def choose_singles(desk: Desk) -> tuple[CategoryQuotes, ...]:
    """News that belongs to no topic yet, under its category: what a young mailbox has to say."""
    blocks = []
    for category in CATEGORIES:
        quotes = [
            quote
            for insight in reversed(desk.material.unplaced)
            if insight.category == category
            and insight.id in desk.fresh
            and (quote := make_quote(insight, desk.redaction)) is not None
        ]
        if quotes:
            shown = tuple(quotes[:SINGLES_PER_CATEGORY])
            blocks.append(CategoryQuotes(category, shown, len(quotes) - len(shown)))
    return tuple(blocks)


def write_subject(desk: Desk) -> str:
    """The news in a buyer's words: the topic that grew most, else the ranking's first, else a single question."""
    frame, lead = desk.frame, _lead(desk)
    if lead is None:
        return frame.say("subject.single", name=_single_words(desk))
    name = shorten(desk.name(lead), SUBJECT_CHARACTERS)
    companies = frame.count("companies", lead.companies_recent)
    if lead.companies_before and lead.companies_before != lead.companies_recent:
        return frame.say("subject.was", name=name, companies=companies, before=lead.companies_before)
    if lead.trend in ("new", "back"):
        return frame.say("subject.trend", name=name, companies=companies, trend=frame.say(f"trend.{lead.trend}"))
    return frame.say("subject.plain", name=name, companies=companies)


def count_numbers(desk: Desk) -> Numbers:
    """Companies heard and colleagues who contributed since the last digest; the alignment index of 90 days."""
    alignment = measure_alignment(desk.ranked, desk.material.insights, desk.windows)
    return Numbers(
        companies=len({i.company for i in desk.all_insights() if i.id in desk.fresh}),
        colleagues=desk.material.colleagues,
        answered=alignment.answered,
        asked=alignment.asked,
        share=alignment.share,
    )


def write_footer(desk: Desk) -> Footer:
    """What was counted and what was left out."""
    recent = [i for i in desk.all_insights() if desk.windows.day_of(i.asked_at) in desk.windows.recent]
    said = [i for i in recent if not i.inferred]
    unplaced = {i.id for i in desk.material.unplaced}
    return Footer(
        recent=desk.windows.recent,
        before=desk.windows.before,
        zone=str(desk.edition.zone),
        set_aside=tuple((reason, n) for reason, n in desk.material.set_aside.items() if n),
        unplaced=sum(i.id in unplaced for i in said),
        insights=len(said),
        inferred=len(recent) - len(said),
    )


def _preheader(desk: Desk, numbers: Numbers, lead: TopicLine | None) -> str:
    """The line that a phone shows under the subject."""
    companies = desk.frame.count("companies", numbers.companies)
    told = desk.frame.say("text.preheader_write_next", name=lead.name) if lead else ""
    return desk.frame.say("text.preheader", companies=companies, day=desk.frame.day(desk.news_since), lead=told).strip()


def _writing_order(topic: RankedTopic) -> tuple[int, ...]:
    stage = STAGE_WEIGHT.get(topic.topic.stage, 0)
    return (topic.coverage != "none", -topic.companies_recent - topic.ideal, -stage, topic.rank)


def _asked_since(desk: Desk, page: Page) -> date:
    """Since the page went live; when that is long ago or nobody knows, in the 28 days."""
    first = desk.windows.recent.first
    return first if page.published_on is None else max(first, page.published_on)


def _detail(desk: Desk, topic: RankedTopic) -> str:
    detail = desk.detail(topic.topic.status_detail)
    if topic.topic.status == "snoozed":
        with suppress(ValueError):
            return desk.frame.day(date.fromisoformat(detail), year=True)
    return detail


def _lead(desk: Desk) -> RankedTopic | None:
    news = [t for t in desk.recent if any(i.id in desk.fresh for i in desk.insights(t))]
    if not news:
        return None
    return max(news, key=lambda t: (t.companies_recent - t.companies_before, t.ideal, t.companies_recent, -t.rank))


def _single_words(desk: Desk) -> str:
    newest_questions_first = sorted(
        desk.material.unplaced, key=lambda i: (i.kind is Kind.QUESTION, i.asked_at), reverse=True
    )
    for insight in newest_questions_first:
        if insight.id in desk.fresh and (quote := make_quote(insight, desk.redaction)) is not None:
            return shorten(quote.text, SUBJECT_CHARACTERS)
    return desk.frame.say("heading.masthead")
