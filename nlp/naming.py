"""Finds the name of a topic: the most central question, cleaned so that a marketer understands it without the mail."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from nlp.atlas import general_stems
from nlp.phrasing import MAX_WORDS, Setting, weigh_phrasing
from nlp.readings import finish_reading, readings_of
from nlp.records import StoredInsight
from nlp.wording import ANSWER_LETTERS, stems_in, words_in

MAX_NAME = 90
LOOKED_AT = 20  # most central insights
MOST_READ = 60  # insights whose words tell what is typical of the topic
PLACE_COST = 0.8  # of one place in the order of centrality
USUAL_MEMBERS = 24  # of a larger topic a place means less, all of its first ten are typical; so the short one is taken
SHORT_WORDS = 10
SHARED = 0.1  # of the companies use a word that is typical of the topic, at least two
CUT_COST = 4.0  # of a text that does not fit: what `shorten` leaves out is missed
FEW = 1 / 3  # of a topic's insights: then its own language may name it
MAX_SLUG = 60

_NO_LETTERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Taste:
    """What makes a good name here. language: that most prospects write; "" prefers the topic's own.

    people: words of their names, lower case; sentences that hold one are taken only when nothing else is there.
    """

    people: Collection[str] = ()
    language: str = ""


NO_TASTE = Taste()


def choose_name(insights: Sequence[StoredInsight], taste: Taste = NO_TASTE, known_as: str = "") -> str:
    """insights: of one topic, the most central first, at least one.

    known_as: how the atlas calls what the topic means, "" when that is not clear; a question asked everywhere is
    understood at once, which one buyer's sentence seldom is.
    """
    if known_as:
        return known_as
    setting = setting_of(insights, taste)
    place_cost = PLACE_COST * min(1, USUAL_MEMBERS / len(insights))
    _, _, text = min(
        (place * place_cost + weigh_phrasing(insight, setting, text) + _cost_of_cutting(text), place, text)
        for place, insight in enumerate(insights[:LOOKED_AT])
        for text in _texts_of(insight)
    )
    return shorten(text)


def _texts_of(insight: StoredInsight) -> Iterator[str]:
    for reading in readings_of(insight.text, insight.language):
        yield finish_reading(reading, insight.kind, insight.language)


def _cost_of_cutting(text: str) -> float:
    """What `shorten` leaves out is missed."""
    return CUT_COST if len(text) > MAX_NAME else 0.0


def setting_of(insights: Sequence[StoredInsight], taste: Taste) -> Setting:
    """What a sentence of this topic is weighed by. insights: the most central first."""
    shared: Counter[str] = Counter()
    names: Counter[str] = Counter()
    by_company: dict[str, tuple[set[str], set[str]]] = {}
    answered: Counter[str] = Counter()
    answers: set[str] = set()
    for insight in insights[:MOST_READ]:
        stems, capitals = by_company.setdefault(insight.company, (set(), set()))
        stems |= stems_in(insight.text, insight.language)
        capitals |= {word for word in words_in(insight.text) if word[0].isupper()}
        answer = insight.answer or ""
        if answer not in answers:
            answers.add(answer)
            answered.update(stems_in(answer[:ANSWER_LETTERS], insight.language))
    for stems, capitals in by_company.values():
        shared.update(stems)
        names.update(capitals)
    enough = max(2, ceil(SHARED * len(by_company)))
    own = main_language(insights)
    language = taste.language or own
    spoken = sum(insight.language == language for insight in insights) / len(insights)
    return Setting(
        people=taste.people,
        language=language,
        local=own if own != language and spoken < FEW else "",
        shared=frozenset(stem for stem, count in shared.items() if count >= enough),
        answered=frozenset(stem for stem, count in answered.items() if count > 1),
        names=frozenset(name for name, count in names.items() if count > 1),
        general=general_stems(),
        most_words=SHORT_WORDS if len(insights) >= USUAL_MEMBERS else MAX_WORDS,
    )


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


def main_language(insights: Sequence[StoredInsight]) -> str:
    """The commonest; the first of the alphabet among equals."""
    languages = Counter(insight.language for insight in insights)
    return min(languages, key=lambda language: (-languages[language], language), default="")
