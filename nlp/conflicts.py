"""Finds answers of one topic that contradict each other: figures, dates, yes against no. Pure; a person settles them.

Careful rather than complete: two sentences are compared only when most of their words are the same.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from harvester.resources import data_folder
from nlp.inside_records import Show, show_as_is
from nlp.records import StoredInsight
from nlp.wording import stems_in

ALIKE = 0.4  # of all stems of both sentences
SHARED_STEMS = 2
TOLERANCE = 0.05  # a month is 30 or 31 days
MOST_ANSWERS = 40  # distinct ones, the newest
MOST_SENTENCES = 8  # of one answer
LONGEST_SENTENCE = 300
MOST_CONFLICTS = 6
FORTNIGHT = ("fortnight", "fortnights")

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LINK = re.compile(r"https?://[^\s<>\"]{1,2000}", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(rf"{_FIGURE.pattern}|{_WORD.pattern}|[%€$£]")
_NUMERIC_DATE = re.compile(r"\b(?:(\d{4})-(\d{2})-(\d{2})|(\d{1,2})[./](\d{1,2})[./](\d{4}))\b")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_OPENING = re.compile(r"^[\s,;:–—-]*")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the values. sentence: that says so, as it may be shown. insights: to which it was answered."""

    value: str
    sentence: str
    insights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Answers that cannot all be right. kind: number | date | yes-no. sides: at least two, the newest first."""

    kind: str
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a sentence says. dimension: what is measured. amounts: all of that dimension in it; shown: as written."""

    kind: str
    dimension: str
    amounts: frozenset[float]
    shown: str
    sentence: str
    stems: frozenset[str]
    insight: StoredInsight


def find_conflicts(insights: Sequence[StoredInsight], show: Show = show_as_is) -> tuple[Conflict, ...]:
    """insights: of one topic. show: redacts; a sentence that cannot be shown is no side."""
    claims = [claim for insight in _distinct_answers(insights) for claim in _claims_of(insight)]
    groups: list[list[_Claim]] = []
    for claim in claims:
        group = next((one for one in groups if _is_about_the_same(claim, one[0])), None)
        if group is None:
            groups.append([claim])
        else:
            group.append(claim)
    found = [conflict for group in groups if (conflict := _conflict_of(group, show))]
    return tuple(found[:MOST_CONFLICTS])


def _distinct_answers(insights: Sequence[StoredInsight]) -> list[StoredInsight]:
    newest = sorted((one for one in insights if one.answer), key=lambda one: (one.asked_at, one.id), reverse=True)
    distinct: dict[str, StoredInsight] = {}
    for insight in newest:
        distinct.setdefault(" ".join((insight.answer or "").casefold().split()), insight)
    return list(distinct.values())[:MOST_ANSWERS]


def _claims_of(insight: StoredInsight) -> Iterator[_Claim]:
    answer = _LINK.sub(" ", insight.answer or "")
    sentences = [one.strip() for one in _SENTENCE_END.split(answer) if one.strip()][:MOST_SENTENCES]
    if sentences and (verdict := _yes_or_no(sentences[0])):
        asks = stems_in(insight.text, insight.language)
        yield _Claim("yes-no", "yes-no", frozenset({verdict == "yes"}), verdict, sentences[0], asks, insight)
    shortened = (sentence[:LONGEST_SENTENCE] for sentence in sentences)
    measured = [(sentence, measures) for sentence in shortened if (measures := _measures(sentence))]
    asked = _figures_in(insight.text) | _figures_in(insight.context) if measured else frozenset[float]()
    for sentence, measures in measured:
        # "14 technicians at 29 euros are 406 euros": reckoned for one customer, no statement about the offer.
        if not asked.isdisjoint(_figures_in(sentence)):
            continue
        stems = stems_in(sentence, insight.language)
        for dimension, amounts in measures.items():
            shown = ", ".join(dict.fromkeys(text for _, text in amounts))
            kind = "date" if dimension == "date" else "number"
            values = frozenset(amount for amount, _ in amounts)
            yield _Claim(kind, dimension, values, shown, sentence, stems, insight)


def _is_about_the_same(one: _Claim, other: _Claim) -> bool:
    if (one.kind, one.dimension, one.insight.language) != (other.kind, other.dimension, other.insight.language):
        return False
    shared = len(one.stems & other.stems)
    return shared >= SHARED_STEMS and shared >= ALIKE * len(one.stems | other.stems)


def _conflict_of(group: Sequence[_Claim], show: Show) -> Conflict | None:
    """Sides of those claims that have no value in common with any other side."""
    sides: list[list[_Claim]] = []
    for claim in group:
        agreeing = next((side for side in sides if any(_agree(claim, one) for one in side)), None)
        if agreeing is None:
            sides.append([claim])
        else:
            agreeing.append(claim)
    if len(sides) < 2:
        return None
    shown = []
    for side in sides:
        texts = ((claim, show(claim.sentence), show(claim.shown)) for claim in side)
        found = next(((value, text) for _, text, value in texts if text and value), None)
        if found:
            shown.append(Side(*found, tuple(sorted(claim.insight.id for claim in side))))
    return Conflict(group[0].kind, tuple(shown)) if len(shown) > 1 else None


def _agree(one: _Claim, other: _Claim) -> bool:
    if one.kind != "number":
        return not one.amounts.isdisjoint(other.amounts)
    return any(abs(a - b) <= TOLERANCE * max(a, b) for a in one.amounts for b in other.amounts)


def _measures(sentence: str) -> dict[str, list[tuple[float, str]]]:
    """What is measured -> (amount in its smallest unit, as written) of each figure with a unit, and of each date."""
    found: dict[str, list[tuple[float, str]]] = {}
    if not _may_measure(sentence):
        return found
    for match in _NUMERIC_DATE.finditer(sentence):
        year, month, day = (int(part) for part in (match.groups()[:3] if match[1] else match.groups()[:2:-1]))
        found.setdefault("date", []).append((year * 10_000 + month * 100 + day, match[0]))
    without_dates = _NUMERIC_DATE.sub(" ", sentence)
    tokens = _TOKEN.findall(without_dates)
    words = [token.casefold() for token in tokens]
    units, months = _tables().units, _tables().months
    for place, token in enumerate(tokens):
        amount = _amount(token)
        if amount is None:
            continue
        after = words[place + 1] if place + 1 < len(words) else ""
        before = words[place - 1] if place else ""
        if after in months or before in months:
            month = months.get(after) or months[before]
            label = f"{token} {tokens[place + 1]}" if after in months else f"{tokens[place - 1]} {token}"
            found.setdefault("date", []).append((amount + 100 * month, label))
            continue
        unit = units.get(after) or (
            units.get(before) if before in ("€", "$", "£", "eur", "chf", "usd", "gbp") else None
        )
        if unit:
            shown = f"{token} {tokens[place + 1]}" if after in units else f"{tokens[place - 1]} {token}"
            found.setdefault(unit[0], []).append((amount * unit[1], shown))
    for place, word in enumerate(words):
        if word in FORTNIGHT and (place == 0 or _amount(words[place - 1]) is None):
            found.setdefault("days", []).append((14.0, tokens[place]))
    return found


def _may_measure(sentence: str) -> bool:
    """A quick look: most sentences hold neither a figure nor a word for one."""
    return bool(_DIGIT.search(sentence)) or not _tables().telling.isdisjoint(_WORD.findall(sentence.casefold()))


def _figures_in(text: str) -> frozenset[float]:
    """The amounts above one, in digits and in words."""
    numbers = _tables().numbers
    words = numbers.keys() & set(_WORD.findall(text.casefold()))
    amounts = (*map(_amount, _FIGURE.findall(text)), *(numbers[word] for word in words))
    return frozenset(amount for amount in amounts if amount is not None and amount > 1)


def _amount(token: str) -> float | None:
    """ "2,400" and "2.400" are two thousand four hundred, "1.5" and "1,5" one and a half, "two" is two."""
    if not token[0].isdecimal():  # "²" is a digit and no number
        return _tables().numbers.get(token.casefold())
    if _THOUSANDS.fullmatch(token):
        return float(token.replace(",", "").replace(".", "")[:15])
    whole, _, rest = token.replace(",", ".").partition(".")
    return float(f"{whole[:15]}.{rest.replace('.', '')[:6] or 0}")


def _yes_or_no(sentence: str) -> str:
    start = _OPENING.sub("", sentence.casefold().replace("’", "'"))
    if not start.startswith(_tables().openings):
        return ""
    for verdict in ("no", "yes"):  # "no" first: "it does not" begins like "it does"
        for opening in _tables().answers[verdict]:
            if start.startswith(opening) and not start[len(opening) : len(opening) + 1].isalpha():
                return verdict
    return ""


@dataclass(frozen=True, slots=True)
class _Tables:
    """units: spelling -> (what it measures, how many of the smallest unit).

    telling: words that are a figure. openings: of an answer, all that say yes or no.
    """

    units: dict[str, tuple[str, float]]
    numbers: dict[str, float]
    months: dict[str, int]
    answers: dict[str, tuple[str, ...]]
    telling: frozenset[str]
    openings: tuple[str, ...]


@cache
def _tables() -> _Tables:
    table = tomllib.loads((data_folder() / "insights" / "conflicts.toml").read_text(encoding="utf-8"))
    units = {
        spelling: (dimension, float(size))
        for dimension, content in table["units"].items()
        for size, *spellings in content["words"]
        for spelling in spellings
    }
    answers = {
        verdict: tuple(sorted(openings, key=len, reverse=True)) for verdict, openings in table["answers"].items()
    }
    numbers = {word: float(value) for word, value in table["numbers"].items()}
    telling = frozenset((*numbers, *FORTNIGHT))
    openings = tuple(opening for found in answers.values() for opening in found)
    return _Tables(units, numbers, table["months"], answers, telling, openings)
