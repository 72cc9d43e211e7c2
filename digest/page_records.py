"""What the pages show. Frozen values; every text that came from a mail is already redacted."""

from dataclasses import dataclass

from digest.records import RankedTopic


@dataclass(frozen=True, slots=True)
class Voice:
    """One insight as a page shows it. company: a name or a pseudonym. day: ISO date. answered: a colleague answered."""

    kind: str
    text: str
    context: str
    company: str
    day: str
    language: str
    answered: bool


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """What a colleague wrote. question: the words it answers. author: the colleague's name."""

    text: str
    question: str
    author: str
    day: str


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link or file that answers carried. count: mails. href: "" when it is a file or no plain web address."""

    label: str
    href: str
    count: int


@dataclass(frozen=True, slots=True)
class WeekBar:
    """Companies that asked in one ISO week."""

    week: str
    companies: int


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a topic's history."""

    day: str
    text: str


@dataclass(frozen=True, slots=True)
class TopicPage:
    """Everything on the page of one topic. hidden: quotes left out because they could not be made safe."""

    ranked: RankedTopic
    name: str
    verdict: str
    weeks: tuple[WeekBar, ...]
    questions: tuple[Voice, ...]
    pains: tuple[Voice, ...]
    needs: tuple[Voice, ...]
    answers: tuple[ShownAnswer, ...]
    links: tuple[ShownLink, ...]
    experts: tuple[tuple[str, int], ...]
    history: tuple[Event, ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of the ranked list."""

    ranked: RankedTopic
    name: str
    quote: str


@dataclass(frozen=True, slots=True)
class CategoryVoices:
    """Insights without a topic, by category."""

    category: str
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The small print of every page. window: "19 Oct to 15 Nov 2026"."""

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
    """A page that moved. path, target: folders below the site, with a slash at the end."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class SiteContent:
    """The whole site before it is rendered. searchable: everything of all time, for the search box."""

    facts: Facts
    rows: tuple[IndexRow, ...]
    unplaced: tuple[CategoryVoices, ...]
    topics: tuple[TopicPage, ...]
    redirects: tuple[Redirect, ...]
