"""Finds the passage of a colleague's text that answers an insight: by position, numbering, shared words, order.

"Not answered" is an answer too: None. Never a greeting or a sign-off.
"""

import math
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from harvester.records import Part, Role
from harvester.resources import data_folder
from nlp.facets import count_hits
from nlp.language import detect_language
from nlp.lines import Line, count_words, read_lines, words_of
from nlp.patterns import load_patterns
from nlp.records import Insight, Kind

Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""(n questions, m passages) -> n rows of m numbers from -1 to 1."""

STEM = 5  # letters; enough to let "invoice" meet "invoicing", in most languages
WEIGHT_WORDS = 1.5
WEIGHT_ORDER = 0.2
WEIGHT_SIMILARITY = 1.6
NUMBERED = 5.0  # a number beats every likeness
ASIDE = 0.35  # "Glad about the knee." is shorter than most answers
MONEY = 0.25  # who asks for the price is answered where the price stands
SHARED = 0.3  # what hurts, and the question it leads to, have one answer
SHARED_AT_LENGTH = 0.12  # unless there are passages enough for one each
BACKWARDS = 0.08
MAX_ASIDE_WORDS = 8
MIN_SCORE = 0.16
MAX_PASSAGES = 80
MIN_PASSAGE_WORDS = 2

_FINGERPRINT = re.compile(r"[\W_]+")
_LINK = re.compile(r"(?:https?:)?//\S+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class _Passage:
    """place: 0 first to 1 last among those that say something. is_aside: a quip, a courtesy or a bare link."""

    text: str
    item: str
    place: float
    is_aside: bool


def pair_answers(
    insights: Sequence[Insight], parts: tuple[Part, ...], similarity: Similarity | None = None
) -> list[str | None]:
    """One passage (or None) per insight of the same mail.

    similarity: how alike questions and passages are for a sentence encoder; without it only words and order count.
    """
    answers: list[str | None] = [None] * len(insights)
    for index in dict.fromkeys(insight.part for insight in insights):
        rows = [row for row, insight in enumerate(insights) if insight.part == index]
        if parts[index].role is Role.OWN:
            for row in rows:
                answers[row] = _told_in_note(insights[row], [insights[one] for one in rows], parts[index].text)
            continue
        passages = _passages(_answer_text(index, parts), n_questions=len(rows))
        if not passages:
            continue
        asked = [insights[row] for row in rows]
        places = _places_of(asked, parts[index])
        alike = similarity([i.text for i in asked], [p.text for p in passages]) if similarity else None
        scores = [
            _scores(insight, places[number], passages, alike[number] if alike is not None else None)
            for number, insight in enumerate(asked)
        ]
        chosen = _choose(asked, scores, n_telling=sum(not passage.is_aside for passage in passages))
        for row, insight, best, of_row in zip(rows, asked, chosen, scores, strict=True):
            # Nobody answers a pain with a word of sympathy alone.
            is_sympathy = insight.kind is Kind.PAIN and passages[best].is_aside
            if of_row[best] >= MIN_SCORE and not is_sympathy:
                answers[row] = passages[best].text
    return answers


def _choose(asked: Sequence[Insight], scores: Sequence[list[float]], *, n_telling: int) -> list[int]:
    """Questions and needs are answered in order, mostly; a pain is met where the question is that it leads to."""
    in_order = [number for number, insight in enumerate(asked) if insight.kind is not Kind.PAIN]
    chosen = dict(zip(in_order, align([scores[number] for number in in_order]), strict=True)) if in_order else {}
    for number, row in enumerate(scores):
        if number not in chosen:
            led_to = next((chosen[later] for later in in_order if later > number), chosen.get(number - 1))
            if led_to is not None:
                row[led_to] += SHARED if n_telling <= len(in_order) else SHARED_AT_LENGTH
            chosen[number] = max(range(len(row)), key=lambda place, row=row: row[place])  # type: ignore[misc]
    return [chosen[number] for number in range(len(asked))]


def align(scores: Sequence[Sequence[float]]) -> list[int]:
    """The passage of each question, so that the sum of scores is highest; answering out of order costs BACKWARDS.

    scores: n rows of m numbers, m at least 1.
    """
    best = list(scores[0])
    came_from: list[list[int]] = []
    for row in scores[1:]:
        steps = [
            max(range(len(row)), key=lambda before, here=here: best[before] - BACKWARDS * (before > here))  # type: ignore[misc]
            for here in range(len(row))
        ]
        best = [best[step] - BACKWARDS * (step > here) + row[here] for here, step in enumerate(steps)]
        came_from.append(steps)
    chosen = [max(range(len(best)), key=lambda place: best[place])]
    for steps in reversed(came_from):
        chosen.append(steps[chosen[-1]])
    return chosen[::-1]


def compare_at_once(asked: Sequence[tuple[Sequence[Insight], tuple[Part, ...]]], similarity: Similarity) -> Similarity:
    """The same similarity for many mails (insights, parts), but with all their texts embedded in one go.

    Small batches are what makes encoders slow.
    """
    questions = {insight.text: 0 for insights, _ in asked for insight in insights}
    passages = {
        passage.text: 0
        for insights, parts in asked
        for index in {insight.part for insight in insights}
        for passage in _passages(_answer_text(index, parts), n_questions=_count_asked(insights, index))
    }
    if not questions or not passages:
        return similarity
    for places in (questions, passages):
        places.update((text, place) for place, text in enumerate(places))
    alike = similarity(list(questions), list(passages))

    def look_up(wanted: Sequence[str], among: Sequence[str]) -> Sequence[Sequence[float]]:
        return [[alike[questions[text]][passages[passage]] for passage in among] for text in wanted]

    return look_up


def _count_asked(insights: Sequence[Insight], index: int) -> int:
    return sum(insight.part == index for insight in insights)


def _answer_text(index: int, parts: tuple[Part, ...]) -> str:
    """What the colleague wrote about that part: right below it when he answered inline, else above the quote."""
    below = [
        part.text for place, part in enumerate(parts) if part.answers == index and place > index and _is_ours(part)
    ]
    if below:
        return "\n\n".join(below)
    limit = max(1, parts[index].depth)
    depth = max((part.depth for part in parts[: index + 1] if _is_ours(part) and part.depth < limit), default=0)
    return "\n\n".join(part.text for part in parts if _is_ours(part) and part.depth == depth)


def _is_ours(part: Part) -> bool:
    if part.role is Role.OWN:
        return part.author_kind != "prospect"
    return part.role in (Role.QUOTED, Role.HISTORY, Role.FORWARDED) and part.author_kind == "us"


@lru_cache(maxsize=512)
def _lines(text: str) -> tuple[Line, ...]:
    return read_lines(text, load_patterns(detect_language(text)))


def _passages(text: str, *, n_questions: int) -> list[_Passage]:
    lines = _lines(text)
    paragraphs: dict[int, list[Line]] = {}
    for line in lines:
        paragraphs.setdefault(line.paragraph, []).append(line)
    groups = list(paragraphs.values())
    if len(groups) == 1 and n_questions > 1:
        groups = [[line] for line in groups[0]]
    texts = [(" ".join(line.text for line in group), group[0].item) for group in groups][:MAX_PASSAGES]
    texts = [(text, item) for text, item in texts if count_words(text) >= MIN_PASSAGE_WORDS and not _is_pointing(text)]
    asides = [not item and _is_aside(text) for text, item in texts]
    n_telling = asides.count(False)
    return [
        _Passage(text, item, min(1.0, asides[:number].count(False) / max(1, n_telling - 1)), asides[number])
        for number, (text, item) in enumerate(texts)
    ]


def _is_aside(text: str) -> bool:
    """A few words without a figure that do not say yes or no."""
    words = words_of(_LINK.sub(" ", text))
    return len(words) <= MAX_ASIDE_WORDS and not _DIGIT.search(_LINK.sub(" ", text)) and not _says_yes_or_no(words)


def _is_pointing(text: str) -> bool:
    """ "Thanks for your mail, see below": nothing but where the answers stand."""
    words = words_of(text)
    if _DIGIT.search(text) or _says_yes_or_no(words) or _words("pointing").isdisjoint(words):
        return False
    return (_words("pointing") | _words("around_pointing")).issuperset(words)


def _says_yes_or_no(words: list[str]) -> bool:
    return bool(words) and (words[0] in _words("agreeing") or " ".join(words[:2]) in _words("agreeing"))


def _places_of(asked: Sequence[Insight], part: Part) -> list[tuple[float, str]]:
    """(0 first to 1 last among the questions of its part, its list number); a pain stands with what follows it."""
    n_asking = sum(insight.kind is not Kind.PAIN for insight in asked)
    items = [_item_of(insight, part) for insight in asked]
    places, before = [], 0
    for insight, item in zip(asked, items, strict=True):
        places.append((min(1.0, before / max(1, n_asking - 1)), item))
        before += insight.kind is not Kind.PAIN
    return places


def _item_of(insight: Insight, part: Part) -> str:
    wanted = _FINGERPRINT.sub("", insight.text).lower()
    for line in _lines(part.text):
        got = _FINGERPRINT.sub("", line.text).lower()
        if got and (got in wanted or wanted in got):
            return line.item
    return ""


def _told_in_note(insight: Insight, others: Sequence[Insight], note: str) -> str | None:
    """What the colleague told the prospect, as his note goes on; the note itself is no answer."""
    heard = [_FINGERPRINT.sub("", other.text).lower() for other in others]
    wanted = _FINGERPRINT.sub("", insight.text).lower()
    is_behind = False
    for line in _lines(note):
        letters = _FINGERPRINT.sub("", line.text).lower()
        if letters and (letters in wanted or wanted in letters):
            is_behind = True
        elif is_behind and not any(letters in other or other in letters for other in heard):
            tells = any(word in _words("telling") for word in words_of(line.text))
            return line.text if tells or _says_yes_or_no(words_of(line.text)) else None
        elif is_behind and insight.kind is not Kind.QUESTION:
            return None
    return None


def _scores(
    insight: Insight, place: tuple[float, str], passages: list[_Passage], alike: Sequence[float] | None
) -> list[float]:
    position, item = place
    n_telling = sum(not passage.is_aside for passage in passages)
    asks_money = bool(count_hits(insight.text, "category")["cost"])
    scores = []
    for number, passage in enumerate(passages):
        words = shared_words(f"{insight.context} {insight.text}", passage.text)
        likeness = max(0.0, alike[number]) if alike is not None else 0.0
        content = WEIGHT_WORDS * words + WEIGHT_SIMILARITY * likeness
        order = WEIGHT_ORDER * (1 - abs(position - passage.place) if n_telling > 1 else 1)
        is_money = asks_money and bool(count_hits(passage.text, "category")["cost"])
        is_numbered = item not in ("", "-") and passage.item == item
        scores.append(
            content
            + order
            + MONEY * is_money
            - ASIDE * (passage.is_aside and len(passages) > 1)
            + NUMBERED * is_numbered
        )
    return scores


def shared_words(one: str, other: str) -> float:
    """0 to 1: how much of their meaningful words two texts share, endings aside."""
    a, b = _stems(one), _stems(other)
    return len(a & b) / math.sqrt(len(a) * len(b)) if a and b else 0.0


def _stems(text: str) -> frozenset[str]:
    return frozenset(
        word[:STEM] for word in words_of(text) if (len(word) > 2 or word.isdigit()) and word not in _words("unmeaning")
    )


@cache
def _words(name: str) -> frozenset[str]:
    content = tomllib.loads((data_folder() / "insights" / "words.toml").read_text(encoding="utf-8"))
    return frozenset(content[name])
