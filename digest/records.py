"""What travels from ranked topics to the outgoing mail. Frozen values; every text here is already redacted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from nlp.records import StoredInsight, Topic, topic_id


@dataclass(frozen=True, slots=True)
class DayRange:
    """Whole days of the company's calendar, both ends included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Windows:
    """The days that count. listed: what `--days` asks for. recent, before: 28 days against the 28 before."""

    zone: ZoneInfo
    listed: DayRange
    recent: DayRange
    before: DayRange

    def day_of(self, moment: datetime) -> date:
        """The calendar day of an aware moment, as the company's clocks showed it."""
        return moment.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class RankedTopic:
    """A topic with its counts. Inferred insights are in `inferred` only; companies are distinct.

    companies, insights: ever, up to the last day of the windows. ideal: ideal customers among companies_recent.
    trend: new | back | rising | falling | steady. coverage: none | partly | answered. url: relative without a base_url.
    verdict: new-page | extend | send. page_url: the page to extend or send, "" for none.
    """

    topic: Topic
    rank: int
    companies: int
    insights: int
    inferred: int
    companies_listed: int
    insights_listed: int
    companies_recent: int
    companies_before: int
    ideal: int
    trend: str
    coverage: str
    url: str
    verdict: str = "new-page"
    page_url: str = ""

    def as_json(self) -> dict[str, object]:
        """One element of the `topics` list that scripts read."""
        return {
            "rank": self.rank,
            "id": topic_id(self.topic.id),
            "name": self.topic.name,
            "slug": self.topic.slug,
            "status": self.topic.status,
            "category": self.topic.category,
            "stage": self.topic.stage,
            "coverage": self.coverage,
            "verdict": self.verdict,
            "page_url": self.page_url or None,
            "companies": self.companies,
            "insights": self.insights,
            "inferred": self.inferred,
            "companies_listed": self.companies_listed,
            "insights_listed": self.insights_listed,
            "companies_28d": self.companies_recent,
            "companies_prev_28d": self.companies_before,
            "ideal_28d": self.ideal,
            "trend": self.trend,
            "merged_into": topic_id(self.topic.merged_into) if self.topic.merged_into else None,
            "url": self.url,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """The published answer to a topic. links_sent: answers of colleagues that carried its address since then."""

    url: str
    published_at: datetime
    links_sent: int = 0


@dataclass(frozen=True, slots=True)
class MergeSuggestion:
    """Two topics that may mean the same; a person decides."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Material:
    """All that the archive holds for one digest.

    topics: living and not dismissed. insights: by topic id, merged topics resolved.
    arrived: insight id -> when we learned of it; decides what is news.
    central: topic id -> its insight ids, the most typical first.
    pages: topic id -> its published page. suggested: topics that the last digest told to write.
    set_aside: why mails since the last digest did not count -> how many. colleagues: who contributed since then.
    """

    topics: tuple[Topic, ...]
    insights: Mapping[int, tuple[StoredInsight, ...]]
    unplaced: tuple[StoredInsight, ...] = ()
    arrived: Mapping[int, datetime] = field(default_factory=dict)
    central: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    pages: Mapping[int, Page] = field(default_factory=dict)
    suggested: tuple[int, ...] = ()
    suggestions: tuple[MergeSuggestion, ...] = ()
    colleagues: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """What a digest covers: everything learned from since to until. since is None for the first digest."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """A prospect's words, redacted and cut at sense. kind: question | pain | need."""

    text: str
    language: str
    kind: str


@dataclass(frozen=True, slots=True)
class TopicLine:
    """One topic as the digest shows it. url: "" when mails carry no links."""

    id: str
    name: str
    language: str
    rank: int
    companies: int
    companies_before: int
    ideal: int
    trend: str
    coverage: str
    category: str
    stage: str
    url: str
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class PageLine:
    """A published topic: how many companies asked since it went live, in how many answers its link was sent."""

    topic: TopicLine
    page_url: str
    published_on: date
    companies_since: int
    links_sent: int


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What became of a topic. event: its status; "open" when it was suggested and nobody took it."""

    topic: TopicLine
    event: str
    companies_since: int = 0
    links_sent: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Two topics that a person may merge. command: what to type."""

    first: TopicLine
    second: TopicLine
    command: str


@dataclass(frozen=True, slots=True)
class CategoryQuotes:
    """Single insights that belong to no topic yet, under their category. more: how many are not shown."""

    category: str
    quotes: tuple[Quote, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """answered of asked: pairs of company and topic in 90 days, and those whose topic has a published page.

    share: answered / asked in percent; None below 20 companies, where percentages mislead, and for none.
    """

    companies: int
    colleagues: int
    answered: int
    asked: int
    share: int | None


@dataclass(frozen=True, slots=True)
class Footer:
    """unplaced of insights: single insights of the recent window that fit no topic yet."""

    recent: DayRange
    before: DayRange
    zone: str
    set_aside: tuple[tuple[str, int], ...]
    unplaced: int
    insights: int
    inferred: int


@dataclass(frozen=True, slots=True)
class Digest:
    """The weekly mail before it has a form. None and () mean: the block is not there."""

    company: str
    audience: str
    week: str
    news: News
    news_since: date
    subject: str
    preheader: str
    write_next: TopicLine | None
    top: tuple[TopicLine, ...]
    new: tuple[TopicLine, ...]
    still_asked: tuple[PageLine, ...]
    follow_ups: tuple[FollowUp, ...]
    choices: tuple[Choice, ...]
    singles: tuple[CategoryQuotes, ...]
    numbers: Numbers
    footer: Footer
    pause_address: str
    web_url: str
    language: str


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail in its final bytes. recipients: the envelope, lower case."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    html: str
    text: str
