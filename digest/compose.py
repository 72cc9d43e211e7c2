"""Decides what the weekly mail says: which topics, which words, in which order. Pure; knows nothing of HTML or SMTP.

Every text of a prospect passes through the redaction before it enters a record.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.frame import Frame
from digest.quotes import Redaction, choose_quote, make_quote, one_line, shorten
from digest.ranking import companies_in, percentage, rank_topics
from digest.records import (
    CategoryQuotes,
    Choice,
    Digest,
    FollowUp,
    Footer,
    Material,
    News,
    Numbers,
    PageLine,
    RankedTopic,
    TopicLine,
    Windows,
)
from digest.windows import week_of, windows_until
from nlp.records import CATEGORIES, Kind, StoredInsight, topic_id

NEW_AT_MOST = 3
STILL_ASKED_AT_MOST = 2
FOLLOW_UPS_AT_MOST = 3
CHOICES_AT_MOST = 2
SINGLES_PER_CATEGORY = 3
ALIGNMENT_DAYS = 90
NAME_CHARACTERS = 120
SUBJECT_CHARACTERS = 70
WRITE_NEXT_COMPANIES = 2
STAGE_WEIGHT = {"decision": 2, "consideration": 1, "awareness": 0}


@dataclass(frozen=True, slots=True)
class Edition:
    """What is the same every week. base_url: "" for a mail without links. pause_address: whom to write to."""

    company: str
    zone: ZoneInfo
    ideal: tuple[str, ...] = ()
    top: int = 5
    base_url: str = ""
    pause_address: str = ""
    audience: str = "marketing"


def compose_digest(
    material: Material, news: News, edition: Edition, redaction: Redaction, frame: Frame
) -> Digest | None:
    """Put the digest together; None when nothing was learned since the last one."""
    desk = _Desk(material, news, edition, redaction, frame)
    if not desk.fresh:
        return None
    write_next = desk.write_next()
    top = desk.top(told=write_next)
    new = desk.new(shown={line.rank for line in top})
    still_asked = desk.still_asked()
    singles = desk.singles() if len(top) < edition.top else ()
    numbers = desk.numbers()
    return Digest(
        company=one_line(edition.company),
        audience=edition.audience,
        week=week_of(news.until, edition.zone),
        news=news,
        news_since=desk.news_since,
        subject=desk.subject(),
        preheader=desk.preheader(numbers, write_next or next(iter(top), None)),
        write_next=write_next,
        top=top,
        new=new,
        still_asked=still_asked,
        follow_ups=desk.follow_ups({line.topic.rank for line in still_asked}),
        choices=desk.choices(),
        singles=singles,
        numbers=numbers,
        footer=desk.footer(),
        pause_address=edition.pause_address,
        web_url="",
        language=frame.language,
    )


class _Desk:
    """One digest in the making: what was counted once, and whom we have quoted already."""

    def __init__(self, material: Material, news: News, edition: Edition, redaction: Redaction, frame: Frame) -> None:
        self.material, self.edition, self.redaction, self.frame = material, edition, redaction, frame
        self.today = news.until.astimezone(edition.zone).date()
        self.windows: Windows = windows_until(self.today, edition.zone)
        since = news.since.astimezone(edition.zone).date() if news.since else None
        self.news_since: date = self.windows.recent.first if since is None else since
        self.since = news.since
        self.ranked = rank_topics(
            material.topics, material.insights, self.windows, ideal=edition.ideal, base_url=edition.base_url
        )
        self.recent = tuple(topic for topic in self.ranked if topic.companies_recent)
        self.fresh = self._fresh(news)
        self.quoted: set[str] = set()
        self.said: set[str] = set()

    def _fresh(self, news: News) -> frozenset[int]:
        """Ids of the insights that are news: learned since the last digest, and not asked ages ago."""
        oldest = min(self.news_since, self.windows.recent.first)
        return frozenset(
            insight.id
            for insight in self._all_insights()
            if not insight.inferred
            and oldest <= self.windows.day_of(insight.asked_at) <= self.today
            and (news.since is None or news.since <= self._arrived(insight))
            and self._arrived(insight) <= news.until
        )

    def write_next(self) -> TopicLine | None:
        """The open topic without a page that most companies ask for, ideal customers counting twice."""
        candidates = [
            topic
            for topic in self.recent
            if topic.coverage == "none" and self._is_open(topic) and topic.companies_recent >= WRITE_NEXT_COMPANIES
        ]
        if not candidates:
            return None
        return self._line(
            max(
                candidates,
                key=lambda t: (t.companies_recent + t.ideal, STAGE_WEIGHT.get(t.topic.stage, 0), -t.rank),
            )
        )

    def top(self, told: TopicLine | None) -> tuple[TopicLine, ...]:
        """The first of the ranking. told: the topic that was quoted above already."""
        return tuple(
            self._line(topic, with_quote=told is None or told.rank != topic.rank)
            for topic in self.recent[: self.edition.top]
        )

    def new(self, shown: set[int]) -> tuple[TopicLine, ...]:
        """Topics never heard of before this digest that the ranking does not show yet."""
        news = [
            topic
            for topic in self.recent
            if topic.rank not in shown and topic.trend == "new" and self._is_all_fresh(topic)
        ]
        return tuple(self._line(topic) for topic in news[:NEW_AT_MOST])

    def still_asked(self) -> tuple[PageLine, ...]:
        """Published pages whose topic is asked all the same, most companies first."""
        lines = [
            PageLine(
                topic=self._line(topic, with_quote=False),
                page_url=page.url,
                published_on=self.windows.day_of(page.published_at),
                companies_since=self._companies_since(topic, page.published_at),
                links_sent=page.links_sent,
            )
            for topic in self.recent
            if (page := self.material.pages.get(topic.topic.id)) is not None
        ]
        asked = sorted((line for line in lines if line.companies_since), key=lambda line: -line.companies_since)
        return tuple(asked[:STILL_ASKED_AT_MOST])

    def follow_ups(self, shown: set[int]) -> tuple[FollowUp, ...]:
        """What became of the topics that the last digest told to write, and of those published since."""
        followed = []
        for topic in self.ranked:
            page = self.material.pages.get(topic.topic.id)
            is_new_page = page is not None and self.windows.day_of(page.published_at) >= self.news_since
            if topic.rank in shown or not (topic.topic.id in self.material.suggested or is_new_page):
                continue
            followed.append(
                FollowUp(
                    topic=self._line(topic, with_quote=False),
                    event="open" if self._is_open(topic) else topic.topic.status,
                    companies_since=self._companies_since(topic, page.published_at) if page else 0,
                    links_sent=page.links_sent if page else 0,
                )
            )
        return tuple(followed[:FOLLOW_UPS_AT_MOST])

    def choices(self) -> tuple[Choice, ...]:
        """Pairs that may mean the same."""
        known = {topic.topic.id: topic for topic in self.ranked}
        return tuple(
            Choice(
                self._line(known[pair.first], with_quote=False),
                self._line(known[pair.second], with_quote=False),
                f"answers topic merge {topic_id(pair.second)} {topic_id(pair.first)}",
            )
            for pair in self.material.suggestions
            if pair.first in known and pair.second in known
        )[:CHOICES_AT_MOST]

    def singles(self) -> tuple[CategoryQuotes, ...]:
        """News that belongs to no topic yet, under its category: what a young mailbox has to say."""
        blocks = []
        for category in CATEGORIES:
            quotes = [
                quote
                for insight in reversed(self.material.unplaced)
                if insight.category == category
                and insight.id in self.fresh
                and (quote := make_quote(insight, self.redaction)) is not None
            ]
            if quotes:
                shown = tuple(quotes[:SINGLES_PER_CATEGORY])
                blocks.append(CategoryQuotes(category, shown, len(quotes) - len(shown)))
        return tuple(blocks)

    def subject(self) -> str:
        """The news in a buyer's words: the topic that grew most, else the ranking's first, else a single question."""
        lead = self._lead()
        if lead is None:
            return self.frame.say("subject.single", name=self._single_words())
        name = shorten(self._name(lead), SUBJECT_CHARACTERS)
        companies = self.frame.count("companies", lead.companies_recent)
        if lead.companies_before and lead.companies_before != lead.companies_recent:
            return self.frame.say("subject.was", name=name, companies=companies, before=lead.companies_before)
        if lead.trend in ("new", "back"):
            trend = self.frame.say(f"trend.{lead.trend}")
            return self.frame.say("subject.trend", name=name, companies=companies, trend=trend)
        return self.frame.say("subject.plain", name=name, companies=companies)

    def preheader(self, numbers: Numbers, lead: TopicLine | None) -> str:
        """The line that a phone shows under the subject."""
        companies = self.frame.count("companies", numbers.companies)
        told = self.frame.say("text.preheader_write_next", name=lead.name) if lead else ""
        return self.frame.say(
            "text.preheader", companies=companies, day=self.frame.day(self.news_since), lead=told
        ).strip()

    def numbers(self) -> Numbers:
        """Companies heard and colleagues who contributed since the last digest; the alignment index of 90 days."""
        first = self.today - timedelta(days=ALIGNMENT_DAYS - 1)
        days = replace(self.windows.recent, first=first)
        asked = {t.topic.id: companies_in(self._insights(t), days, self.windows) for t in self.ranked}
        pairs = sum(len(companies) for companies in asked.values())
        answered = sum(len(companies) for number, companies in asked.items() if number in self.material.pages)
        everybody = frozenset[str]().union(*asked.values())
        return Numbers(
            companies=len({i.company for i in self._all_insights() if i.id in self.fresh}),
            colleagues=self.material.colleagues,
            answered=answered,
            asked=pairs,
            share=percentage(answered, pairs, companies=len(everybody)) if answered else None,
        )

    def footer(self) -> Footer:
        """What was counted and what was left out."""
        recent = [i for i in self._all_insights() if self.windows.day_of(i.asked_at) in self.windows.recent]
        said = [i for i in recent if not i.inferred]
        unplaced = {i.id for i in self.material.unplaced}
        return Footer(
            recent=self.windows.recent,
            before=self.windows.before,
            zone=str(self.edition.zone),
            set_aside=tuple((reason, n) for reason, n in self.material.set_aside.items() if n),
            unplaced=sum(i.id in unplaced for i in said),
            insights=len(said),
            inferred=len(recent) - len(said),
        )

    def _lead(self) -> RankedTopic | None:
        news = [t for t in self.recent if any(i.id in self.fresh for i in self._insights(t))]
        if not news:
            return None
        return max(news, key=lambda t: (t.companies_recent - t.companies_before, t.ideal, t.companies_recent, -t.rank))

    def _single_words(self) -> str:
        newest_questions_first = sorted(
            self.material.unplaced, key=lambda i: (i.kind is Kind.QUESTION, i.asked_at), reverse=True
        )
        for insight in newest_questions_first:
            if insight.id in self.fresh and (quote := make_quote(insight, self.redaction)) is not None:
                return shorten(quote.text, SUBJECT_CHARACTERS)
        return self.frame.say("heading.masthead")

    def _line(self, topic: RankedTopic, *, with_quote: bool = True) -> TopicLine:
        name = self._name(topic)
        chosen = None
        if with_quote:
            chosen = choose_quote(
                (i for i in self._insights(topic) if self.windows.day_of(i.asked_at) in self.windows.recent),
                self.redaction,
                name=name,
                arrived_after=self.since,
                arrived=self._arrived,
                used=frozenset(self.quoted),
                said=frozenset(self.said),
                central=self.material.central.get(topic.topic.id, ()),
            )
        if chosen:
            self.said.add(chosen[0].text)
            self.quoted.add(chosen[1])
        return TopicLine(
            id=topic_id(topic.topic.id),
            name=name,
            language=_most_common(i.language for i in self._insights(topic)),
            rank=topic.rank,
            companies=topic.companies_recent,
            companies_before=topic.companies_before,
            ideal=topic.ideal,
            trend=topic.trend,
            coverage=topic.coverage,
            category=topic.topic.category,
            stage=topic.topic.stage,
            url=topic.url if self.edition.base_url else "",
            quote=chosen[0] if chosen else None,
        )

    def _name(self, topic: RankedTopic) -> str:
        name = one_line(topic.topic.name)
        if topic.topic.named_by == "machine":
            name = one_line(self.redaction.redact(name))
        return shorten(name, NAME_CHARACTERS)

    def _insights(self, topic: RankedTopic) -> tuple[StoredInsight, ...]:
        return self.material.insights.get(topic.topic.id, ())

    def _all_insights(self) -> Iterable[StoredInsight]:
        for topic in self.ranked:
            yield from self._insights(topic)
        yield from self.material.unplaced

    def _arrived(self, insight: StoredInsight) -> datetime:
        return self.material.arrived.get(insight.id, insight.asked_at)

    def _is_all_fresh(self, topic: RankedTopic) -> bool:
        return all(i.id in self.fresh for i in self._insights(topic) if not i.inferred)

    def _is_open(self, topic: RankedTopic) -> bool:
        if topic.topic.status == "snoozed":
            return _is_over(topic.topic.status_detail, self.today)
        return topic.topic.status == "open"

    def _companies_since(self, topic: RankedTopic, moment: datetime) -> int:
        return len({i.company for i in self._insights(topic) if not i.inferred and i.asked_at >= moment})


def _is_over(until: str | None, today: date) -> bool:
    try:
        return until is None or date.fromisoformat(until) <= today
    except ValueError:
        return False


def _most_common(languages: Iterable[str]) -> str:
    counted = Counter(languages).most_common(1)
    return counted[0][0] if counted else ""
