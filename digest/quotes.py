"""Chooses and shortens what prospects said, for a mail that many people read. Pure.

Redaction itself is handed in: this module only makes sure that nothing is shown without it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from digest.records import Quote
from nlp.records import Kind, StoredInsight

MIN_WORDS, MAX_WORDS = 12, 18
FEW_WORDS = 6
ASKED = 2.5  # what is asked is worth a cut at a comma in what leads up to it
LOOKED_AT_WORDS = 400
SENTENCE_ENDS = ".!?…。？！"
PAUSES = ",;:–—)"
# Control characters, zero-width characters and marks that turn the reading direction; \s is joined separately.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Redaction:
    """How names, addresses and numbers are taken out. is_safe: whether a redacted text may be shown at all."""

    redact: Callable[[str], str]
    is_safe: Callable[[str], bool]


def one_line(text: str) -> str:
    """Visible characters only, single spaces: safe for a header, a table cell and a text line."""
    return " ".join((text if text.isprintable() else _INVISIBLE.sub("", text)).split())


def shorten(text: str, most: int) -> str:
    """At most `most` characters, cut at a word."""
    if len(text) <= most:
        return text
    head, _, tail = text[:most].rpartition(" ")
    return (head if len(head) >= most // 2 else head + " " + tail).strip(" ,;:-–") + "…"


def cut_quote(text: str) -> str:
    """12 to 18 words that make sense: whole sentences if possible, else from pause to pause; marks where it cut."""
    words = one_line(text).split()[:LOOKED_AT_WORDS]
    if len(words) <= MAX_WORDS:
        return " ".join(words)
    spans = [
        (start, start + length)
        for start in range(len(words) - MIN_WORDS + 1)
        for length in range(MIN_WORDS, MAX_WORDS + 1)
        if start + length <= len(words)
    ]
    start, end = max(spans, key=lambda span: (_sense(words, *span), -span[0], span[1]))
    cut = " ".join(words[start:end])
    if not _ends_sentence(words[end - 1]):
        cut = cut.rstrip(PAUSES + " -") + "\u00a0…"
    return cut if start == 0 or _ends_sentence(words[start - 1]) else "…\u00a0" + cut


def choose_quote(
    insights: Iterable[StoredInsight],
    redaction: Redaction,
    *,
    name: str = "",
    arrived_after: datetime | None = None,
    arrived: Callable[[StoredInsight], datetime | None] = lambda insight: None,
    used: frozenset[str] = frozenset(),
    said: frozenset[str] = frozenset(),
    central: tuple[int, ...] = (),
    category: str = "",
    language: str = "",
) -> tuple[Quote, str] | None:
    """The quote that tells most beside the topic's name, and the company it came from; None when none may be shown.

    Never an inferred insight. used: companies quoted already, taken only when there is no other.
    said: texts shown already, never shown again. central: insight ids, the most typical of the topic first; its first
    half goes before whatever else makes a quote good, because the odd one of a topic tells the wrong thing. category:
    of the topic; what is of another comes later, because a complaint tells little about a price. language: that the
    readers read; what is said in it goes before what is as typical in another. A question of which
    the cut left only what led up to it comes after those that are still asked.
    """
    candidates = [
        (insight, quote)
        for insight in insights
        if not insight.inferred and (quote := make_quote(insight, redaction)) is not None and quote.text not in said
    ]
    if not candidates:
        return None

    places = {number: place for place, number in enumerate(central)}
    typical = frozenset(central[: (len(central) + 1) // 2])

    def worth(candidate: tuple[StoredInsight, Quote]) -> tuple[float, ...]:
        insight, quote = candidate
        came = arrived(insight)
        words = len(quote.text.split())
        return (
            insight.company not in used,
            insight.id in typical,
            not language or insight.language == language,
            not category or insight.category == category,
            insight.kind is not Kind.QUESTION or quote.text.endswith("?"),
            not _says_the_same(quote.text, name),
            came is not None and arrived_after is not None and came >= arrived_after,
            MIN_WORDS <= words <= MAX_WORDS + 2,
            not quote.text.startswith("…"),
            -places.get(insight.id, len(places)),
            insight.asked_at.timestamp(),
            insight.id,
        )

    insight, quote = max(candidates, key=worth)
    return quote, insight.company


def make_quote(insight: StoredInsight, redaction: Redaction) -> Quote | None:
    """The insight in the prospect's words; with the sentence around it when it is very short. None when unsafe."""
    text = insight.text
    if len(text.split()) < FEW_WORDS and insight.context and insight.text not in insight.context:
        text = f"{insight.context} {insight.text}"
    shown = cut_quote(redaction.redact(one_line(text)))
    if not _WORD.search(shown) or not redaction.is_safe(shown):
        return None
    return Quote(shown, insight.language, str(insight.kind))


def _sense(words: list[str], start: int, end: int) -> float:
    before = words[start - 1] if start else "."
    last = words[end - 1]
    begins = 4.0 if _ends_sentence(before) else 2.5 if before[-1] in PAUSES else -3.0
    ends = 4.0 if _ends_sentence(last) else 2.5 if last[-1] in PAUSES else -0.5 if len(last) <= 3 else 0.0
    breaks = sum(map(_ends_sentence, words[start : end - 1]))
    return begins + ends + ASKED * last.endswith("?") - 0.6 * breaks


def _ends_sentence(word: str) -> bool:
    return word.rstrip("\"'”’»)")[-1:] in SENTENCE_ENDS if word.rstrip("\"'”’»)") else False


def _says_the_same(quote: str, name: str) -> bool:
    said, named = (set(_WORD.findall(text.lower())) for text in (quote, name))
    return bool(named) and len(said & named) >= 0.6 * min(len(said), len(named))
