"""Finds the name of a topic: the most central question, cleaned so that a marketer understands it without the mail."""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from harvester.resources import data_folder
from nlp.records import Kind, StoredInsight

MAX_NAME = 90
MIN_WORDS = 4
LOOKED_AT = 20  # most central insights
DEPENDENT_WORDS = 3  # at the start
TELLING_LETTERS, TELLING_WORDS = 5, 2  # shorter words are mostly grammar
MAX_SLUG = 60

# What opens a sentence without belonging to it, and what closes it out of courtesy. Bounded, matched at the ends only.
_OPENINGS = re.compile(
    r"(?:and|also|but|so|well|ok|okay|oh|now|then|besides|secondly|second|first|firstly|finally|lastly|next|again|btw|"
    r"by the way|one more thing|another (?:question|thing)|quick question|just wondering|p\.?s|"
    r"hi|hello|hey|dear|good (?:morning|afternoon|evening)|thanks|thank you|"
    r"und|aber|also|außerdem|ausserdem|noch etwas|kurze frage|hallo|guten tag|et|mais|aussi|bonjour|"
    r"y|pero|además|hola|e|ma|inoltre|buongiorno|en|maar|ook|verder|\d{1,2}[.)]|[-*•–—])"
    r"(?:[\s,:;.!–—-]+)",
    re.IGNORECASE,
)
_CLOSINGS = re.compile(
    r"[\s,;–—-]+(?:please|pls|thanks|thank you|cheers|many thanks|bitte|danke|merci|gracias|grazie|bedankt|"
    r"if you would be so kind|if possible|by any chance)\s*(?=[.?!]*$)",
    re.IGNORECASE,
)
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Taste:
    """What makes a good name here. language: that most prospects write; "" prefers the topic's own.

    people: words of their names, lower case; sentences that hold one are taken only when nothing else is there.
    """

    people: Collection[str] = ()
    language: str = ""


NO_TASTE = Taste()


def choose_name(insights: Sequence[StoredInsight], taste: Taste = NO_TASTE) -> str:
    """insights: of one topic, the most central first, at least one."""
    language = taste.language or main_language(insights)
    cost = [place + _cost(insight, language, taste.people) for place, insight in enumerate(insights[:LOOKED_AT])]
    return shorten(clean_question(insights[cost.index(min(cost))].text))


def clean_question(text: str) -> str:
    """Without greetings, list numbers and courtesy; begins with a capital."""
    cleaned = " ".join(text.split()).strip(" \"'“”„«»>")
    for _ in range(4):
        shorter = _CLOSINGS.sub("", _OPENINGS.sub("", cleaned, count=1) if _OPENINGS.match(cleaned) else cleaned)
        if shorter == cleaned or len(shorter.split()) < 2:
            break
        cleaned = shorter.strip()
    return cleaned[:1].upper() + cleaned[1:]


def shorten(text: str, limit: int = MAX_NAME) -> str:
    """At most `limit` characters, cut after a whole clause if there is one, else after a word with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    for marks in ("?", ".!", ";:", ","):
        cut = max(head.rfind(mark) for mark in marks)
        if cut >= limit // 3:
            ending = head[cut] if marks in ("?", ".!") else "?" if text.endswith("?") else ""
            return head[:cut].rstrip() + ending
    return head[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:-") + "…"


def slugify(name: str) -> str:
    """ "Does it work with SAP?" -> "does-it-work-with-sap"; "topic" when no letter of it can be written in ASCII."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    slug = _NO_LETTERS.sub("-", plain).strip("-")
    if len(slug) > MAX_SLUG:
        slug = slug[: MAX_SLUG + 1].rsplit("-", 1)[0]
    return slug or "topic"


def _cost(insight: StoredInsight, language: str, names: Collection[str]) -> float:
    """How many places in the order of centrality a blemish is worth."""
    text = clean_question(insight.text)
    words = [word.strip(".,;:!?()\"'’").lower() for word in text.split()]
    blemishes = (
        (6.0, insight.kind is not Kind.QUESTION),
        (4.0, "?" not in text),
        (4.0, len(text) > MAX_NAME),
        (8.0, len(words) < MIN_WORDS),
        (10.0, insight.language != language),
        (5.0, sum(len(word) >= TELLING_LETTERS for word in words) < TELLING_WORDS),
        (3.0, not _dependent_words().isdisjoint(words[:DEPENDENT_WORDS])),
        (6.0, insight.inferred),
        (5.0, any(word in names for word in words)),
        (1.0, any(character.isdigit() for character in text)),
    )
    return sum(cost for cost, is_blemished in blemishes if is_blemished)


@cache
def _dependent_words() -> frozenset[str]:
    content = tomllib.loads((data_folder() / "insights" / "naming.toml").read_text(encoding="utf-8"))
    return frozenset(content["dependent"])


def main_language(insights: Sequence[StoredInsight]) -> str:
    """The commonest; the first of the alphabet among equals."""
    languages = Counter(insight.language for insight in insights)
    return min(languages, key=lambda language: (-languages[language], language), default="")
