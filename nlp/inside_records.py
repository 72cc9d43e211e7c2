"""What lies inside a topic: the parts of its question, the words of buyers and of colleagues. Frozen values.

Texts are as they may be shown: whoever asks hands in how to show them.
"""

from collections.abc import Callable
from dataclasses import dataclass

# Redacts a text; None when it cannot be made safe.
Show = Callable[[str], str | None]


def show_as_is(text: str) -> str | None:
    """For those who may see everything."""
    return text


@dataclass(frozen=True, slots=True)
class Subquestion:
    """One part of what a topic asks. text: its most central phrasing that can be read alone, of insight `insight`.

    kind: question | pain | need, of that phrasing. companies: distinct.
    insights: all of this part, the best phrasing first.
    """

    text: str
    language: str
    kind: str
    insight: int
    companies: int
    insights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or two that set a topic apart from the others. companies: distinct ones that use it."""

    text: str
    companies: int


@dataclass(frozen=True, slots=True)
class WordPair:
    """What they call it and what we call it. theirs: "" when we use a word that none of them does.

    companies: that say it their way. answers: distinct answers that say it ours.
    """

    theirs: str
    ours: str
    companies: int
    answers: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """A few words as a buyer wrote them, of insight `insight`."""

    text: str
    language: str
    insight: int


@dataclass(frozen=True, slots=True)
class Inside:
    """Everything of one topic. central: its insight ids, the most central first."""

    central: tuple[int, ...] = ()
    subquestions: tuple[Subquestion, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    vocabulary: tuple[WordPair, ...] = ()
    phrases: tuple[Phrase, ...] = ()
