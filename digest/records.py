"""What travels from ranked topics to the outgoing mail. Frozen values; every text here is already redacted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from nlp.mentions import COMPETITOR, PRODUCT, Mention
from nlp.pages import TopicCoverage
from nlp.reasons import Support
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
class TopicFacets:
    """What a topic names and which reasons to buy it speaks of. mentions: named by most companies first."""

    mentions: tuple[Mention, ...] = ()
    supports: tuple[Support, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Beside a topic, for scripts."""
        kinds = {"competitors": COMPETITOR, "products": PRODUCT}
        named = {key: [one.as_json() for one in self.mentions if one.kind == kind] for key, kind in kinds.items()}
        return {**named, "reasons": [one.as_json() for one in self.supports]}


NO_FACETS = TopicFacets()


@dataclass(frozen=True, slots=True)
class Page:
    """The page that answers a topic. published_on: None when nobody said when.

    links_sent of answers: answers to the topic since then that carried its address.
    """

    url: str
    published_on: date | None
    links_sent: int = 0
    answers: int = 0
    title: str = ""
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class MergeSuggestion:
    """Two topics that may mean the same; a person decides. The second would become another name of the first."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Material:
    """All that the archive holds for one digest.

    topics: living and not dismissed. insights: by topic id, merged topics resolved.
    arrived: insight id -> when we learned of it; decides what is news.
    central: topic id -> its insight ids, the most typical first.
    coverage: topic id -> what pages we have. pages: topic id -> the page that answers it.
    suggested: topics that the last digest told to write. changed: topic id -> when a person last set its status.
    set_aside: why mails since the last digest did not count -> how many. colleagues: who contributed since then.
    """

    topics: tuple[Topic, ...]
    insights: Mapping[int, tuple[StoredInsight, ...]]
    unplaced: tuple[StoredInsight, ...] = ()
    arrived: Mapping[int, datetime] = field(default_factory=dict)
    central: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    coverage: Mapping[int, TopicCoverage] = field(default_factory=dict)
    pages: Mapping[int, Page] = field(default_factory=dict)
    suggested: tuple[int, ...] = ()
    changed: Mapping[int, datetime] = field(default_factory=dict)
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
    """One topic as the digest shows it. url: "" when mails carry no links. page_title, page_url: to extend or send."""

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
    page_title: str = ""
    page_url: str = ""


@dataclass(frozen=True, slots=True)
class PageLine:
    """A topic that is asked although a page answers it: how many companies since that day.

    links_sent of answers: how often colleagues sent the page when they answered.
    """

    topic: TopicLine
    page_url: str
    page_title: str
    since: date
    companies_since: int
    links_sent: int
    answers: int


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What became of a topic. event: its status; "open" when it was suggested and nobody took it.

    detail: who is on it, why not, or until when; "" when nobody said.
    """

    topic: TopicLine
    event: str
    companies_since: int = 0
    links_sent: int = 0
    answers: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What only a person can decide. kind: merge | conflict | gone.

    topics: the two that may be one, or the one concerned. sides: what the answers say. command: what to type.
    otherwise: what to type when it is not so; "" when there is nothing to say then.
    """

    kind: str
    topics: tuple[TopicLine, ...]
    command: str
    sides: tuple[str, ...] = ()
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class CategoryQuotes:
    """Single insights that belong to no topic yet, under their category. more: how many are not shown."""

    category: str
    quotes: tuple[Quote, ...]
    more: int


@dataclass(frozen=True, slots=True)
class AskedPair:
    """A company that asked about a topic in the days of the alignment index. page_url: "" when no page answers it."""

    company: str
    topic: int
    page_url: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """Do sales and marketing agree on what buyers want? The list behind the index, and the index.

    answered of asked: pairs whose topic has a page that answers it, and all pairs.
    share: answered / asked in percent; None below 20 companies, where percentages mislead, and for none.
    """

    days: DayRange
    pairs: tuple[AskedPair, ...]
    answered: int
    asked: int
    share: int | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """companies heard and colleagues who contributed since the last digest. answered, asked, share: see Alignment."""

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
class Figure:
    """One of the five numbers of the monthly note. value: as shown. before: of the month before, where it is told."""

    name: str
    value: str
    count: int
    before: int | None = None


@dataclass(frozen=True, slots=True)
class ExecutiveNote:
    """The monthly note to those who decide about time and money: five numbers, three topics, one ask.

    week: the month it covers, "2026-M10". ask: write | send | none. asked: the topic that the ask is about.
    """

    company: str
    audience: str
    week: str
    news: News
    days: DayRange
    before: DayRange
    zone: str
    subject: str
    preheader: str
    figures: tuple[Figure, ...]
    topics: tuple[TopicLine, ...]
    ask: str
    asked: TopicLine | None
    unplaced: int
    insights: int
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
