"""What the pages show. Frozen values; every text that came from a mail is already redacted."""

from dataclasses import dataclass
from datetime import date

from digest.records import RankedTopic


@dataclass(frozen=True, slots=True)
class Voice:
    """One insight as a page shows it. company: a name or a pseudonym. answered: a colleague answered in the mail."""

    id: int
    kind: str
    text: str
    context: str
    company: str
    day: date
    language: str
    answered: bool


@dataclass(frozen=True, slots=True)
class Point:
    """What one or several insights say in the same words. companies: distinct among all of them."""

    voice: Voice
    others: tuple[Voice, ...]
    companies: int


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """What a colleague wrote. text: pieces, True marks a web address. question: the words it answers."""

    text: tuple[tuple[str, bool], ...]
    question: str
    author: str
    day: date
    language: str

    @property
    def plain(self) -> str:
        """The text in one piece."""
        return "".join(piece for piece, _ in self.text)


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """Answers that say the same or send the same page. best: the one to start from.

    figures: numbers in which answers of otherwise the same words differ; a person has to say which holds.
    """

    best: ShownAnswer
    others: tuple[ShownAnswer, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence of an answer that holds a figure, and who wrote it when."""

    text: str
    author: str
    day: date


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link or file that answers carried. count: mails. href: "" when it is a file or no plain web address."""

    label: str
    href: str
    count: int


@dataclass(frozen=True, slots=True)
class WeekBar:
    """Companies that asked in seven days. month: its short name in the first week that begins in it, else ""."""

    first: date
    last: date
    companies: int
    month: str


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a topic's history."""

    day: date
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Should somebody write it? advice: a few words. reason: one sentence."""

    advice: str
    reason: str


@dataclass(frozen=True, slots=True)
class TopicPage:
    """Everything on the page of one topic.

    weeks: () when nobody asked in all of them. left_out: quotes beyond what a page holds. hidden: quotes that could
    not be made safe.
    """

    ranked: RankedTopic
    name: str
    language: str
    verdict: Verdict
    weeks: tuple[WeekBar, ...]
    questions: tuple[Point, ...]
    pains: tuple[Point, ...]
    needs: tuple[Point, ...]
    answers: tuple[AnswerGroup, ...]
    answers_left_out: int
    facts: tuple[Fact, ...]
    links: tuple[ShownLink, ...]
    experts: tuple[tuple[str, int], ...]
    page_url: str
    history: tuple[Event, ...]
    left_out: int
    hidden: int

    @property
    def points(self) -> tuple[Point, ...]:
        """Questions, then pains, then needs."""
        return (*self.questions, *self.pains, *self.needs)


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of the ranked list. weeks: companies per week, oldest first; () when nobody asked in all of them."""

    ranked: RankedTopic
    name: str
    language: str
    quote: str
    quote_language: str
    weeks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CategoryVoices:
    """Insights without a topic, by category."""

    category: str
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The small print. window: "20 Oct to 16 Nov 2026"."""

    company: str
    built_at: str
    window: str
    zone: str
    companies: int
    insights: int
    unplaced: int
    encoder: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """A page that moved. path, target: folders below the site, with a slash at the end; target "" is the index."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class SiteContent:
    """The whole site before it is rendered."""

    facts: Facts
    rows: tuple[IndexRow, ...]
    unplaced: tuple[CategoryVoices, ...]
    topics: tuple[TopicPage, ...]
    redirects: tuple[Redirect, ...]
