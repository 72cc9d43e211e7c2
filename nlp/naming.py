"""Finds the name of a topic: the most central question, cleaned so that a marketer understands it without the mail."""

import re
import unicodedata
from collections.abc import Collection, Sequence

from nlp.records import Kind, StoredInsight

MAX_NAME = 90
MIN_WORDS = 4
LOOKED_AT = 12  # most central insights
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


def choose_name(insights: Sequence[StoredInsight], names: Collection[str] = ()) -> str:
    """insights: of one topic, the most central first, at least one. names: of people, lower case; sentences that hold
    one are taken only when nothing else is there."""
    language = _main_language(insights)
    ranked = sorted(enumerate(insights[:LOOKED_AT]), key=lambda place: place[0] + _cost(place[1], language, names))
    return shorten(clean_question(ranked[0][1].text))


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
        (3.0, insight.kind is not Kind.QUESTION),
        (2.0, "?" not in text),
        (4.0, len(text) > MAX_NAME),
        (4.0, len(words) < MIN_WORDS),
        (3.0, insight.language != language),
        (6.0, insight.inferred),
        (5.0, any(word in names for word in words)),
        (1.0, any(character.isdigit() for character in text)),
    )
    return sum(cost for cost, is_blemished in blemishes if is_blemished)


def _main_language(insights: Sequence[StoredInsight]) -> str:
    languages = [insight.language for insight in insights]
    return max(sorted(set(languages)), key=languages.count)
