"""What the pages show. Frozen values; every text that came from a mail is already redacted."""

from dataclasses import dataclass
from datetime import date

from digest.records import NO_FACETS, RankedTopic, TopicFacets
from nlp.embedding import Vectors


@dataclass(frozen=True, slots=True)
class Voice:
    """One insight as a page shows it. company: a name or a pseudonym. answered: a colleague answered in the mail.

    source: which part of whose mail it stood in, "" when unknown.
    """

    id: int
    kind: str
    text: str
    context: str
    company: str
    day: date
    language: str
    answered: bool
    source: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """What one or several insights say in the same words. companies: distinct among all of them."""

    voice: Voice
    others: tuple[Voice, ...]
    companies: int


@dataclass(frozen=True, slots=True)
class SubQuestion:
    """One line of the outline: what a share of the insights asks in particular."""

    text: str
    language: str
    companies: int
    insights: int


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
    denied: one of them says no where another of the same words says yes.
    """

    best: ShownAnswer
    others: tuple[ShownAnswer, ...]
    figures: tuple[str, ...]
    denied: bool = False

    @property
    def is_conflict(self) -> bool:
        """Whether a person has to say which answer holds."""
        return bool(self.figures) or self.denied


@dataclass(frozen=True, slots=True)
class ShownSide:
    """One of several values that cannot all hold, the sentence that says so, and who wrote it when."""

    value: str
    sentence: str
    author: str
    day: date


@dataclass(frozen=True, slots=True)
class ShownConflict:
    """Answers that contradict each other. kind: number | date | yes-no."""

    kind: str
    sides: tuple[ShownSide, ...]


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
class KnownPage:
    """An existing page and what it has to do with the topic. coverage: none | partly | answered."""

    label: str
    href: str
    coverage: str
    reason: str
    links_sent: int = 0
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class RelatedTopic:
    """Another topic that is close. path: its folder below the site."""

    id: str
    name: str
    language: str
    path: str
    companies: int


@dataclass(frozen=True, slots=True)
class TopicPage:
    """Everything on the page of one topic.

    weeks: () when nobody asked in all of them. left_out: quotes beyond what a page holds. hidden: quotes that could
    not be made safe. path: its folder below the site. languages: of what was asked, the most frequent first.
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
    path: str = ""
    languages: tuple[str, ...] = ()
    subquestions: tuple[SubQuestion, ...] = ()
    keywords: tuple[str, ...] = ()
    pages: tuple[KnownPage, ...] = ()
    conflicts: tuple[ShownConflict, ...] = ()
    related: tuple[RelatedTopic, ...] = ()
    facets: TopicFacets = NO_FACETS

    @property
    def points(self) -> tuple[Point, ...]:
        """Questions, then pains, then needs."""
        return (*self.questions, *self.pains, *self.needs)


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of the ranked list. weeks: companies per week, oldest first; () when nobody asked in all of them.

    last_asked: None when nobody ever did in words of his own.
    """

    ranked: RankedTopic
    name: str
    language: str
    quote: str
    quote_language: str
    weeks: tuple[int, ...]
    path: str
    languages: tuple[str, ...]
    last_asked: date | None


@dataclass(frozen=True, slots=True)
class CategoryVoices:
    """Insights without a topic, by category, the newest first."""

    category: str
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of the coverage matrix. companies: that asked. unanswered: those of them that no page answers."""

    category: str
    stage: str
    topics: int
    companies: int
    unanswered: int
    pages: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """Category by stage, the worst category first. worst: the fields with most companies left alone."""

    stages: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Cell, ...]], ...]
    worst: tuple[Cell, ...]
    days: int


@dataclass(frozen=True, slots=True)
class CompanyLine:
    """One line of the list of companies. path: its folder below the site."""

    name: str
    path: str
    is_ideal: bool
    insights: int
    topics: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Outline:
    """What lies inside a topic, in numbers of insights and single words, as it is kept from build to build.

    central: the most central first. parts: (insight whose words tell it, companies, insights). words: (theirs, ours,
    companies, answers). middle: (d,) mean of its vectors, empty without any.
    """

    central: tuple[int, ...]
    parts: tuple[tuple[int, int, int], ...]
    keywords: tuple[str, ...]
    words: tuple[tuple[str, str, int, int], ...]
    middle: Vectors


@dataclass(frozen=True, slots=True)
class WordUse:
    """What buyers call it and what we call it; theirs: "" when no buyer uses ours. topics: ids, the busiest first."""

    theirs: str
    ours: str
    companies: int
    answers: int
    topics: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A line of the vocabulary page."""

    use: WordUse
    topics: tuple[RelatedTopic, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A topic that moved since the last digest. count: companies that asked since."""

    row: IndexRow
    count: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since a day. digest: its week, "" when none went out and the last seven days are told."""

    since: date
    digest: str
    companies: int
    insights: int
    new: tuple[Change, ...]
    more: tuple[Change, ...]
    decisions: tuple[Event, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.insights or self.new or self.decisions)


@dataclass(frozen=True, slots=True)
class Health:
    """What the owner sees first. state: fine | quiet | broken. reasons: (status, reason, mails)."""

    state: str
    sentence: str
    counts: tuple[tuple[str, str], ...]
    runs: tuple[tuple[str, str, str, str], ...]
    reasons: tuple[tuple[str, str, int], ...]
    versions: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The small print. window: "20 Oct to 16 Nov 2026". build: internal | shareable. built: ISO 8601, UTC."""

    company: str
    built_at: str
    built: str
    window: str
    zone: str
    companies: int
    insights: int
    unplaced: int
    encoder: str
    build: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """A page that moved. path, target: folders below the site, with a slash at the end; target "" is the index."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class SiteContent:
    """The pages of topics before they have a form."""

    facts: Facts
    topics: tuple[TopicPage, ...]
