"""What the "same topic?" model sees of a pair of insights: likenesses of questions, answers, words and archetypes.

Pure functions over arrays. Trained on by bench/train_topics.py, used by nlp/same_topic.py: both see the same numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors, unit_rows
from nlp.records import Kind
from nlp.space import Block, Centre, RawRows, centre_apart

STEM = 5  # letters; enough to let "invoice" meet "invoicing", in most languages
HASHED_WORDS = 2**15
ENGLISH_SHARE = 0.7  # of the English encoder beside the multilingual one, where both are taken together
LEAST_CHANCE = 1e-4
ANSWER_SHARE = 0.5  # what the answer says about the archetype, beside the question

FEATURES = (
    *(
        f"{name} {block}"
        for block in ("english", "multilingual", "taught english", "taught multilingual")
        for name in ("questions", "answers", "cross", "both")
    ),
    *("all", "all questions", "atlas questions", "atlas answers", "atlas cross", "atlas"),
    *("words of questions", "words of answers", "words", "same kind", "english", "answered"),
    *("learned questions", "learned answers", "learned cross", "learned both"),
)

_KINDS = tuple(Kind)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Which archetype of the atlas is it? Multinomial logistic regression on the vectors of a text.

    weights: (d, k). bias, usual: (k,); usual: mean log chance over ordinary insights.
    """

    weights: Vectors
    bias: Vectors
    usual: Vectors

    def chances(self, rows: Vectors) -> Vectors:
        """(n, k) from raw rows (n, d); rows sum to 1."""
        scores = rows @ self.weights + self.bias
        exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one insight. answer: "" when nothing answered it."""

    text: str
    answer: str
    kind: str
    language: str


@dataclass(frozen=True, slots=True)
class Views:
    """n insights as the model sees them; every array has n rows.

    questions, answers: a pair per encoder, centred unit rows, zero where silent. learned: questions and answers of all
    encoders under the learned metric, unit rows. atlas: unit rows. question_atlas, answer_atlas: square roots of
    chances. words: sparse unit rows of questions, answers, both.
    """

    questions: tuple[Vectors, ...]
    answers: tuple[Vectors, ...]
    learned: tuple[Vectors, Vectors]
    atlas: Vectors
    question_atlas: Vectors
    answer_atlas: Vectors
    words: tuple[Any, ...]
    kinds: NDArray[np.int64]
    english: Vectors
    answered: Vectors

    def __len__(self) -> int:
        return len(self.kinds)

    def take(self, rows: NDArray[np.intp]) -> "Views":
        """These rows, in this order."""
        return Views(
            tuple(block[rows] for block in self.questions),
            tuple(block[rows] for block in self.answers),
            (self.learned[0][rows], self.learned[1][rows]),
            self.atlas[rows],
            self.question_atlas[rows],
            self.answer_atlas[rows],
            tuple(block[rows] for block in self.words),
            self.kinds[rows],
            self.english[rows],
            self.answered[rows],
        )


def see(
    said: Sequence[Said],
    raw: RawRows,
    centre: Centre,
    blocks: Sequence[Block],
    recogniser: Recogniser,
    rarity: Vectors,
    metric: Vectors,
) -> Views:
    """said, raw: n insights and their vectors. rarity: (HASHED_WORDS,) inverse document frequencies elsewhere.

    metric: (d, d), applied to rows of all blocks.
    """
    questions, answers = split_blocks(raw, centre, blocks)
    rarity = rarity * count_rarity([text for one in said for text in (one.text, one.answer) if text])
    asked, answered = recogniser.chances(raw.questions), recogniser.chances(raw.answers)
    has_answer: NDArray[np.bool_] = np.any(raw.answers, axis=1)
    log_chances = np.log(asked + LEAST_CHANCE) + ANSWER_SHARE * np.log(answered + LEAST_CHANCE)
    return Views(
        questions=questions,
        answers=answers,
        learned=(unit_rows(np.hstack(questions) @ metric), unit_rows(np.hstack(answers) @ metric)),
        atlas=unit_rows(log_chances - (1 + ANSWER_SHARE) * recogniser.usual),
        question_atlas=np.sqrt(asked),
        answer_atlas=np.where(has_answer[:, None], np.sqrt(answered), np.float32(0)),
        words=(
            weigh_words([one.text for one in said], rarity),
            weigh_words([one.answer for one in said], rarity),
            weigh_words([f"{one.text} {one.answer}" for one in said], rarity),
        ),
        kinds=np.array([_KINDS.index(one.kind) for one in said], dtype=np.int64),
        english=np.array([one.language == "en" for one in said], dtype=np.float32),
        answered=np.asarray(has_answer, dtype=np.float32),
    )


def split_blocks(
    raw: RawRows, centre: Centre, blocks: Sequence[Block]
) -> tuple[tuple[Vectors, ...], tuple[Vectors, ...]]:
    """(questions, answers): centred unit rows, an array per encoder."""
    questions, answers = centre_apart(raw, centre, blocks)
    return (
        tuple(unit_rows(questions[:, block.columns]) for block in blocks),
        tuple(unit_rows(answers[:, block.columns]) for block in blocks),
    )


def compare_views(one: Views, other: Views) -> Vectors:
    """(n, m, len(FEATURES)): every insight of `one` with every one of `other`."""
    found: list[Any] = []
    for q1, a1, q2, a2 in zip(one.questions, one.answers, other.questions, other.answers, strict=True):
        found += _compare_sides(q1, a1, q2, a2)
    found.append(_together(one) @ _together(other).T)
    found.append(_questions_together(one) @ _questions_together(other).T)
    found.append(one.question_atlas @ other.question_atlas.T)
    found.append(one.answer_atlas @ other.answer_atlas.T)
    found.append((one.question_atlas @ other.answer_atlas.T + one.answer_atlas @ other.question_atlas.T) / 2)
    found.append(one.atlas @ other.atlas.T)
    found += [(mine @ theirs.T).toarray() for mine, theirs in zip(one.words, other.words, strict=True)]
    found.append(one.kinds[:, None] == other.kinds[None, :])
    found.append(one.english[:, None] + other.english[None, :])
    found.append(one.answered[:, None] + other.answered[None, :])
    found += _compare_sides(*one.learned, *other.learned)
    return np.stack([np.asarray(feature, dtype=np.float32) for feature in found], axis=-1)


def _compare_sides(q1: Vectors, a1: Vectors, q2: Vectors, a2: Vectors) -> list[Vectors]:
    """Questions with questions, answers with answers, each with the other's, both with both."""
    return [q1 @ q2.T, a1 @ a2.T, (q1 @ a2.T + a1 @ q2.T) / 2, _add_units(q1, a1) @ _add_units(q2, a2).T]


def _add_units(one: Vectors, other: Vectors) -> Vectors:
    """Unit rows of the sums, in place: of a large mailbox they are a hundred megabytes."""
    sums = one + other
    sums /= np.maximum(np.sqrt(np.einsum("ij,ij->i", sums, sums)), np.float32(1e-9))[:, None]
    return sums


def weigh_words(texts: Sequence[str], rarity: Vectors) -> Any:
    """(n, HASHED_WORDS) sparse unit rows: word stems, damped, rare ones more."""
    from scipy.sparse import diags
    from sklearn.preprocessing import normalize

    counts = count_words_hashed(texts)
    counts.data = 1 + np.log(counts.data)
    return normalize((counts @ diags(rarity)).tocsr())


def count_rarity(texts: Sequence[str]) -> Vectors:
    """(HASHED_WORDS,): log of how many times fewer of the texts have the word. What all of a company's mails are about
    tells nothing, however rare it is elsewhere.
    """
    frequencies = count_words_hashed(texts).getnnz(axis=0)
    return np.asarray(np.log((1 + len(texts)) / (1 + frequencies)), dtype=np.float32)


def count_words_hashed(texts: Sequence[str]) -> Any:
    """(n, HASHED_WORDS) sparse counts of word stems."""
    return _hasher().transform(texts)


@cache
def _hasher() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer=_stems, n_features=HASHED_WORDS, alternate_sign=False, norm=None, dtype=np.float32
    )


def _stems(text: str) -> list[str]:
    return [word[:STEM] for word in _WORD.findall(text.lower()) if len(word) > 2 or word.isdigit()]


def _together(views: Views) -> Vectors:
    pairs = [unit_rows(q + a) for q, a in zip(views.questions, views.answers, strict=True)]
    return unit_rows(np.hstack([ENGLISH_SHARE * pairs[0], *pairs[1:]]))


def _questions_together(views: Views) -> Vectors:
    return unit_rows(np.hstack([ENGLISH_SHARE * views.questions[0], *views.questions[1:]]))
