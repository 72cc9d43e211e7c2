"""Cuts texts into the words that tell something, so that the same word is counted once in all its forms. Pure."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from harvester.resources import data_folder
from nlp.records import StoredInsight

MIN_LETTERS = 3
MIN_STEM = 4
LOOKED_AT = 24  # insights of a topic, spread evenly over its life
ANSWER_LETTERS = 240  # what is read of an answer
# A word begins and ends with a letter; hyphens and apostrophes hold it together ("sign-in", "l'huile").
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+){0,3}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """An insight and the stems on both sides. ours: those of its answer, empty when it has none."""

    insight: StoredInsight
    theirs: frozenset[str]
    ours: frozenset[str]


class WordForms(dict[str, str]):
    """Every spelling seen so far of one language -> the stem under which it is counted, "" when it tells nothing."""

    def __init__(self, silent: frozenset[str], suffixes: tuple[str, ...], elided: frozenset[str]) -> None:
        super().__init__()
        self._silent = silent
        self._suffixes = suffixes
        self._elided = elided

    def __missing__(self, word: str) -> str:
        self[word] = stem = self._stem(word)
        return stem

    def _stem(self, word: str) -> str:
        plain = word.replace("’", "'").casefold().removesuffix("'s")
        head, apostrophe, tail = plain.partition("'")
        if apostrophe and head in self._elided:
            plain = tail
        if plain in self._silent or (len(plain) < MIN_LETTERS and not (word.isupper() and len(word) > 1)):
            return ""
        for suffix in self._suffixes:
            if plain.endswith(suffix) and len(plain) - len(suffix) >= MIN_STEM:
                return plain[: -len(suffix)]
        return plain


def words_in(text: str) -> list[str]:
    """The words of a text as they are written, in order."""
    return _WORD.findall(text)


def stems_in(text: str, language: str) -> frozenset[str]:
    """The stems of the words that tell something."""
    forms = word_forms(language)
    return frozenset({forms[word] for word in _WORD.findall(text)} - {""})


@cache
def word_forms(language: str) -> WordForms:
    """Of a language without a table: nothing is left out but what is left out everywhere."""
    table = _load_table()
    own = table.get(language, {})
    silent = frozenset((*table["any"]["words"], *own.get("words", ())))
    return WordForms(silent, tuple(own.get("suffixes", ())), frozenset(own.get("elided", ())))


@cache
def joining_words() -> frozenset[str]:
    """What joins a clause to the one before it, lower case, of all languages."""
    return frozenset(_load_table()["any"]["joints"])


def read_exchanges(insights: Sequence[StoredInsight]) -> tuple[Exchange, ...]:
    """What was said and answered in a topic; of a large one a sample. Inferred insights are nobody's words."""
    said = sorted((insight for insight in insights if not insight.inferred), key=lambda insight: insight.id)
    if len(said) > LOOKED_AT:
        said = [said[place * len(said) // LOOKED_AT] for place in range(LOOKED_AT)]
    answers: dict[tuple[str, str], frozenset[str]] = {}
    exchanges = []
    for insight in said:
        key = ((insight.answer or "")[:ANSWER_LETTERS], insight.language)
        if key not in answers:
            answers[key] = stems_in(*key)
        exchanges.append(Exchange(insight, stems_in(insight.text, insight.language), answers[key]))
    return tuple(exchanges)


def spell_stems(texts: Iterable[tuple[str, str]], stems: frozenset[str]) -> dict[str, str]:
    """Stem -> how it is written most. texts: (text, language). A capital that only opens sentences is made small."""
    counts: dict[str, Counter[str]] = {stem: Counter() for stem in stems}
    for text, language in texts:
        forms = word_forms(language)
        for word in _WORD.findall(text):
            if forms[word] in stems:
                counts[forms[word]][word] += 1
    return {stem: best_spelling(spellings) for stem, spellings in counts.items() if spellings}


def best_spelling(spellings: Counter[str]) -> str:
    """The commonest; in lower case if anybody wrote it so."""
    counted: Counter[str] = Counter()
    for spelling, count in spellings.items():
        lower = spelling[:1].lower() + spelling[1:]
        counted[lower if lower in spellings else spelling] += count
    return min(counted, key=lambda spelling: (-counted[spelling], len(spelling), spelling))


@cache
def _load_table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((data_folder() / "insights" / "stopwords.toml").read_text(encoding="utf-8"))
