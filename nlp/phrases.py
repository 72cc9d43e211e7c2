"""Cuts short phrases out of what buyers wrote, word for word, for writers who want to sound like them. Pure."""

import re
from collections.abc import Iterator, Sequence

from nlp.inside_records import Keyword, Phrase, Show, show_as_is
from nlp.records import Kind, StoredInsight
from nlp.wording import joining_words, stems_in, word_forms, words_in

MOST_PHRASES = 12
MIN_WORDS, MAX_WORDS = 3, 9
LOOKED_AT = 80  # insights, the first ones given
LONGEST_TEXT = 600
# Where a phrase may end without anybody missing something.
_PAUSE = re.compile(r"(?<!\d)\.|[,;:!?()\n\"“”„«»]+|\s[–—-]\s|…")
_EDGE = " '’-–—*•"


def find_phrases(
    insights: Sequence[StoredInsight], keywords: Sequence[Keyword] = (), show: Show = show_as_is
) -> tuple[Phrase, ...]:
    """Those that hold most of the topic's keywords first, pains and needs before questions; no company twice in a row.

    insights: of one topic, the most central first. Every phrase stands in its insight letter by letter.
    """
    wanted = frozenset(stem for keyword in keywords for stem in stems_in(keyword.text, ""))
    scored = []
    for place, insight in enumerate([one for one in insights if not one.inferred][:LOOKED_AT]):
        forms = word_forms(insight.language)
        for clause in _clauses(insight.text[:LONGEST_TEXT]):
            words = words_in(clause)
            stems = {stem for word in words if (stem := forms[word])}
            held = sum(any(stem.startswith(want) or want.startswith(stem) for want in wanted) for stem in stems)
            worth = 2 * held + min(len(stems), 4) + (insight.kind is not Kind.QUESTION) - 0.1 * place
            if len(stems) >= 2 and forms[words[-1]]:
                scored.append((-worth, insight.id, clause, insight, frozenset(stems)))
    scored.sort(key=lambda one: one[:3])
    return tuple(_choose(scored, show))


def _clauses(text: str) -> Iterator[str]:
    """What stands between two pauses, when it is neither a word nor a story."""
    for piece in _PAUSE.split(text):
        clause = _without_joint(piece.strip(_EDGE))
        if "\n" not in clause and MIN_WORDS <= len(clause.split()) <= MAX_WORDS and words_in(clause):
            yield clause


def _without_joint(clause: str) -> str:
    first, _, rest = clause.partition(" ")
    return rest.lstrip() if first.casefold() in joining_words() else clause


def _choose(scored: Sequence[tuple[float, int, str, StoredInsight, frozenset[str]]], show: Show) -> Iterator[Phrase]:
    taken: list[frozenset[str]] = []
    companies: dict[str, int] = {}
    most_of_one = 1
    while most_of_one <= 2 and len(taken) < MOST_PHRASES:
        for _, _, clause, insight, stems in scored:
            if len(taken) >= MOST_PHRASES:
                return
            if companies.get(insight.company, 0) >= most_of_one or any(
                len(stems & one) * 2 > len(stems) for one in taken
            ):
                continue
            shown = show(clause)
            if shown:
                taken.append(stems)
                companies[insight.company] = companies.get(insight.company, 0) + 1
                yield Phrase(shown, insight.language, insight.id)
        most_of_one += 1
