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
from nlp.language import detect_language
from nlp.lines import Line, count_words, read_lines, words_of
from nlp.patterns import load_patterns
from nlp.records import Insight, Kind

Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""(n questions, m passages) -> n rows of m numbers from -1 to 1."""

STEM = 5  # letters; enough to let "invoice" meet "invoicing", in most languages
WEIGHT_WORDS = 1.5
WEIGHT_ORDER = 0.3
WEIGHT_SIMILARITY = 1.2
NUMBERED = 5.0  # a number beats every likeness
ASIDE = 0.1  # "See you on Monday." is shorter than most answers
BACKWARDS = 0.08
MIN_ANSWER_WORDS = 4
MIN_SCORE = 0.16
MAX_PASSAGES = 80
MIN_PASSAGE_WORDS = 2

_FINGERPRINT = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class _Passage:
    text: str
    item: str
    place: float  # 0 first to 1 last


def answer_passage(insight: Insight, parts: tuple[Part, ...], similarity: Similarity | None = None) -> str | None:
    """The passage that answers this one insight."""
    return pair_answers((insight,), parts, similarity)[0]


def pair_answers(
    insights: Sequence[Insight], parts: tuple[Part, ...], similarity: Similarity | None = None
) -> list[str | None]:
    """One passage (or None) per insight of the same mail.

    similarity: how alike questions and passages are for a sentence encoder; without it only words and order count.
    """
    answers: list[str | None] = [None] * len(insights)
    for index in dict.fromkeys(insight.part for insight in insights):
        rows = [row for row, insight in enumerate(insights) if insight.part == index]
        passages = _passages(_answer_text(index, parts), n_questions=len(rows))
        if not passages:
            continue
        asked = [insights[row] for row in rows]
        places = [_place_of(insight, parts[index]) for insight in asked]
        alike = similarity([i.text for i in asked], [p.text for p in passages]) if similarity else None
        scores = [
            _scores(insight, places[number], passages, alike[number] if alike is not None else None)
            for number, insight in enumerate(asked)
        ]
        chosen = _choose(asked, scores)
        for row, best, of_row in zip(rows, chosen, scores, strict=True):
            if of_row[best] >= MIN_SCORE:
                answers[row] = passages[best].text
    return answers


def _choose(asked: Sequence[Insight], scores: Sequence[Sequence[float]]) -> list[int]:
    """Questions and needs are answered in order, mostly; a pain is met wherever it is."""
    chosen = [max(range(len(row)), key=lambda place, row=row: row[place]) for row in scores]  # type: ignore[misc]
    in_order = [number for number, insight in enumerate(asked) if insight.kind is not Kind.PAIN]
    if in_order:
        for number, place in zip(in_order, align([scores[number] for number in in_order]), strict=True):
            chosen[number] = place
    return chosen


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
    found = [
        _Passage(
            text=" ".join(line.text for line in group),
            item=group[0].item,
            place=number / max(1, len(groups) - 1),
        )
        for number, group in enumerate(groups)
        if sum(count_words(line.text) for line in group) >= MIN_PASSAGE_WORDS
    ]
    return found[:MAX_PASSAGES]


def _place_of(insight: Insight, part: Part) -> tuple[float, str]:
    """(0 first to 1 last among the sentences of its part, its list number)."""
    wanted = _FINGERPRINT.sub("", insight.text).lower()
    lines = _lines(part.text)
    for number, line in enumerate(lines):
        got = _FINGERPRINT.sub("", line.text).lower()
        if got and (got in wanted or wanted in got):
            return number / max(1, len(lines) - 1), line.item
    return 0.5, ""


def _scores(
    insight: Insight, place: tuple[float, str], passages: list[_Passage], alike: Sequence[float] | None
) -> list[float]:
    position, item = place
    scores = []
    for number, passage in enumerate(passages):
        words = shared_words(f"{insight.context} {insight.text}", passage.text)
        likeness = max(0.0, alike[number]) if alike is not None else 0.0
        content = WEIGHT_WORDS * words + WEIGHT_SIMILARITY * likeness
        order = WEIGHT_ORDER * (1 - abs(position - passage.place))
        is_aside = len(passages) > 1 and count_words(passage.text) < MIN_ANSWER_WORDS
        is_numbered = item not in ("", "-") and passage.item == item
        scores.append(content + order - ASIDE * is_aside + NUMBERED * is_numbered)
    return scores


def shared_words(one: str, other: str) -> float:
    """0 to 1: how much of their meaningful words two texts share, endings aside."""
    a, b = _stems(one), _stems(other)
    return len(a & b) / math.sqrt(len(a) * len(b)) if a and b else 0.0


def _stems(text: str) -> frozenset[str]:
    return frozenset(
        word[:STEM] for word in words_of(text) if (len(word) > 2 or word.isdigit()) and word not in _unmeaning()
    )


@cache
def _unmeaning() -> frozenset[str]:
    content = tomllib.loads((data_folder() / "insights" / "words.toml").read_text(encoding="utf-8"))
    return frozenset(content["unmeaning"])
