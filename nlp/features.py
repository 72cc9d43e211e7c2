"""Describes a sentence in numbers for the sentence model: the phrases it holds, its shape, its place in the mail."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harvester.resources import data_folder
from nlp.candidates import Candidate
from nlp.embedding import Embedder
from nlp.facets import CATEGORY_NAMES, STAGE_NAMES, count_hits
from nlp.lines import count_words, words_of
from nlp.patterns import SUPPORTED
from nlp.records import Kind

SECTIONS = (
    "question_start",
    "question_indirect",
    "need",
    "pain",
    "not_scheduling",
    "not_courtesy",
    "not_resend",
    "not_reported",
    "not_rhetorical",
    "not_social",
    "not_own",
    "not_pain",
)
VETOES = SECTIONS[4:11]
WORD_LIMITS = (2, 4, 7, 12, 20)
CUE_SCALE = 0.9  # against vectors of length VECTOR_SCALE; found by trying, both ways between two mailboxes
VECTOR_SCALE = 3.0

Matrix = NDArray[np.float64]

_DIGIT = re.compile(r"\d")


def sentence_features(candidates: Sequence[Candidate], vectors: NDArray[np.float32]) -> Matrix:
    """(n, d) from the candidates and the (n, e) unit vectors of their texts."""
    cues = np.array([_cues(candidate) for candidate in candidates], dtype=np.float64).reshape(len(candidates), -1)
    return np.hstack([vectors.astype(np.float64) * VECTOR_SCALE, cues * CUE_SCALE])


def facet_features(
    texts: Sequence[str], kinds: Sequence[Kind], vectors: NDArray[np.float32], answers: NDArray[np.float32]
) -> Matrix:
    """(n, d) for category and stage. answers: (n, e) unit vectors of the answers, zeros where there is none."""
    rows = [
        [*(float(kind is one) for one in Kind), *_facet_hits(text), float("?" in text), min(count_words(text), 30) / 30]
        for text, kind in zip(texts, kinds, strict=True)
    ]
    cues = np.array(rows, dtype=np.float64).reshape(len(texts), -1)
    return np.hstack([np.hstack([vectors, answers]).astype(np.float64) * VECTOR_SCALE, cues])


def embed_answers(answers: Sequence[str | None], embedder: Embedder) -> NDArray[np.float32]:
    """(n, e): what the colleague answered tells what was asked; zeros where there is no answer."""
    vectors = np.zeros((len(answers), embedder.size), dtype=np.float32)
    given = [row for row, answer in enumerate(answers) if answer]
    vectors[given] = embedder.embed([answers[row] or "" for row in given]).reshape(len(given), embedder.size)
    return vectors


def _facet_hits(text: str) -> list[float]:
    categories, stages = count_hits(text, "category"), count_hits(text, "stage")
    return [float(min(categories.get(name, 0), 2)) for name in CATEGORY_NAMES] + [
        float(min(stages.get(name, 0), 2)) for name in STAGE_NAMES
    ]


def _cues(candidate: Candidate) -> list[float]:
    line = candidate.line
    words = words_of(line.text)
    found = [hit.section for hit in candidate.hits]
    asks = "?" in line.text
    n_words = len(words)
    first = words[0] if words else ""
    return [
        *(float(section in found) for section in SECTIONS),
        *(float(found.count(section) >= 2) for section in SECTIONS[:4]),
        *_word_bucket(n_words),
        float(asks),
        float("!" in line.text),
        float(bool(_DIGIT.search(line.text))),
        float(":" in line.text),
        float("," in line.text),
        float(line.text[:1].islower()),
        float(line.text.rstrip().endswith((".", "!", "?"))),
        float("@" in line.text or "http" in line.text),
        *(float(any(word in group for word in words)) for group in _word_groups().values()),
        *(float(first in group) for group in _word_groups().values()),
        float(line.number == 0),
        float(line.number == line.count - 1),
        float(line.count == 1),
        float(line.count == 1 and n_words <= WORD_LIMITS[1]),
        float(bool(line.item)),
        float("?" in line.before),
        float("?" in line.after),
        float("?" in line.after and not line.ends),
        float("?" in line.before and not line.starts),
        float(line.starts),
        float(line.ends),
        float(line.starts and line.ends),
        float(asks and n_words <= WORD_LIMITS[1]),
        float(asks and any(veto in found for veto in VETOES)),
        *(float(candidate.language == language) for language in SUPPORTED),
    ]


def _word_bucket(n_words: int) -> list[float]:
    bucket = sum(n_words > limit for limit in WORD_LIMITS)
    return [float(bucket == number) for number in range(len(WORD_LIMITS) + 1)]


@cache
def _word_groups() -> dict[str, frozenset[str]]:
    """Words for "we", "you" and "not" in all languages."""
    content = tomllib.loads((data_folder() / "insights" / "words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(words) for name, words in content["groups"].items()}
