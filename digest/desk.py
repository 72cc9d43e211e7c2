"""One digest in the making: what was counted once, what may be shown, and whom it has quoted already. Pure.

Every text of a prospect passes through the redaction before it enters a record.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from digest.frame import Frame
from digest.quotes import Redaction, choose_quote, one_line, shorten
from digest.ranking import companies_in, rank_topics
from digest.records import DayRange, Material, News, RankedTopic, TopicLine, Windows
from digest.windows import windows_until
from nlp.records import StoredInsight, topic_id

NAME_CHARACTERS = 120
DETAIL_CHARACTERS = 90


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


class Desk:
    """Ranked topics with their insights, and the lines that show them."""

    def __init__(
        self,
        material: Material,
        news: News,
        edition: Edition,
        redaction: Redaction,
        frame: Frame,
        windows: Windows | None = None,
    ) -> None:
        """windows: the 28 days that end with the news against the 28 before, unless others are given."""
        self.material, self.edition, self.redaction, self.frame = material, edition, redaction, frame
        self.today = news.until.astimezone(edition.zone).date()
        self.windows: Windows = windows or windows_until(self.today, edition.zone)
        since = news.since.astimezone(edition.zone).date() if news.since else None
        self.news_since: date = self.windows.recent.first if since is None else since
        self.since = news.since
        self.ranked = rank_topics(
            material.topics,
            material.insights,
            self.windows,
            ideal=edition.ideal,
            base_url=edition.base_url,
            coverage=material.coverage,
        )
        self.recent = tuple(topic for topic in self.ranked if topic.companies_recent)
        self.fresh = self._fresh(news)
        self.quoted: set[str] = set()
        self.said: set[str] = set()

    def line(self, topic: RankedTopic, *, with_quote: bool = True) -> TopicLine:
        """The topic as the mail shows it; a company is quoted a second time only when there is no other."""
        name = self.name(topic)
        chosen = None
        if with_quote:
            chosen = choose_quote(
                (i for i in self.insights(topic) if self.windows.day_of(i.asked_at) in self.windows.recent),
                self.redaction,
                name=name,
                arrived_after=self.since,
                arrived=self.arrived,
                used=frozenset(self.quoted),
                said=frozenset(self.said),
                central=self.material.central.get(topic.topic.id, ()),
                category=topic.topic.category,
                language=self.frame.language,
            )
        if chosen:
            self.said.add(chosen[0].text)
            self.quoted.add(chosen[1])
        coverage = self.material.coverage.get(topic.topic.id)
        best = coverage.best if coverage else None
        return TopicLine(
            id=topic_id(topic.topic.id),
            name=name,
            language=_most_common(i.language for i in self.insights(topic)),
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
            page_title=shorten(one_line(best.page.label), NAME_CHARACTERS) if best else "",
            page_url=topic.page_url,
        )

    def name(self, topic: RankedTopic) -> str:
        """A name that a person gave is shown as it is; the machine's comes from a mail and is redacted."""
        name = one_line(topic.topic.name)
        if topic.topic.named_by == "machine":
            name = one_line(self.redaction.redact(name))
        return shorten(name, NAME_CHARACTERS)

    def detail(self, text: str | None) -> str:
        """What a person wrote beside a status."""
        return shorten(self.redaction.redact(one_line(text or "")), DETAIL_CHARACTERS)

    def insights(self, topic: RankedTopic) -> tuple[StoredInsight, ...]:
        """All of the topic, oldest first."""
        return self.material.insights.get(topic.topic.id, ())

    def all_insights(self) -> Iterable[StoredInsight]:
        """Of every topic that is shown, and those without one."""
        for topic in self.ranked:
            yield from self.insights(topic)
        yield from self.material.unplaced

    def arrived(self, insight: StoredInsight) -> datetime:
        """When we learned of it."""
        return self.material.arrived.get(insight.id, insight.asked_at)

    def is_all_fresh(self, topic: RankedTopic) -> bool:
        """Whether nothing of the topic was known before this digest."""
        return all(i.id in self.fresh for i in self.insights(topic) if not i.inferred)

    def companies_since(self, topic: RankedTopic, day: date) -> int:
        """Distinct companies that asked on that day or later."""
        return len(companies_in(self.insights(topic), DayRange(day, self.today), self.windows))

    def _fresh(self, news: News) -> frozenset[int]:
        """Ids of the insights that are news: learned since the last digest, and not asked ages ago."""
        oldest = min(self.news_since, self.windows.recent.first)
        return frozenset(
            insight.id
            for insight in self.all_insights()
            if not insight.inferred
            and oldest <= self.windows.day_of(insight.asked_at) <= self.today
            and (news.since is None or news.since <= self.arrived(insight))
            and self.arrived(insight) <= news.until
        )


def _most_common(languages: Iterable[str]) -> str:
    counted = Counter(languages).most_common(1)
    return counted[0][0] if counted else ""
