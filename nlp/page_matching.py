"""Decides which existing pages answer a topic, how sure that is, and why. Pure; vectors and texts are handed in.

A topic speaks through its questions and the passages of the answers to them, a page through its passages. Weights and
thresholds were fitted on the looked-at half of two invented companies (bench/content, `python -m bench.pages`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors, unit_rows

PARTLY_FROM, ANSWERED_FROM = 0.25, 0.5  # of the score
MOST_KEPT = 5
PRIOR = 5  # a mean over few topics or pages is held together by as many imagined typical ones
FEATURES = ("questions", "questions, other languages", "answers", "answers, other languages", "words", "rival topic",
            "rival page", "sent")  # fmt: skip
WEIGHTS = np.array([4.5, 5.1, 1.9, 1.5, 3.6, 3.9, 5.2, 3.5])
INTERCEPT = -4.7
STEM = 6
PASSAGE_WORDS, MOST_PASSAGES = 80, 12
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class TopicVoice:
    """What a topic says. texts: questions and answer passages. sent: page id -> how many answers carried its address.

    answered: how many answers there are at all.
    """

    topic: int
    texts: tuple[str, ...]
    sent: Mapping[int, int]
    answered: int


@dataclass(frozen=True, slots=True)
class VoiceVectors:
    """One row per topic, raw means of unit rows, one array per encoder; a zero row where nothing was said."""

    questions: tuple[Vectors, ...]
    answers: tuple[Vectors, ...]


@dataclass(frozen=True, slots=True)
class PassageVectors:
    """pages: page of each passage row. texts: the passage. blocks: (rows, d) per encoder."""

    pages: tuple[int, ...]
    texts: tuple[str, ...]
    blocks: tuple[Vectors, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A page that has to do with a topic. score: 0 to 1. reason: half a sentence."""

    page: int
    coverage: str
    score: float
    reason: str
    links_sent: int


def split_passages(title: str, summary: str, text: str) -> tuple[str, ...]:
    """Title with summary first, then the text in stretches of some 80 words; at least one, maybe of the title alone."""
    words = text.split()[: PASSAGE_WORDS * MOST_PASSAGES]
    opening = summary or " ".join(words[:PASSAGE_WORDS])
    stretches = [" ".join(words[start : start + PASSAGE_WORDS]) for start in range(0, len(words), PASSAGE_WORDS)]
    first = f"{title.rstrip('.')}. {opening}" if title and opening else title or opening or "-"
    return (first, *(stretch for stretch in stretches if stretch != opening))


def match_topics(
    voices: Sequence[TopicVoice], topics: VoiceVectors, pages: PassageVectors, prior: VoiceVectors
) -> tuple[tuple[Found, ...], ...]:
    """For each topic the pages that answer it or could be extended, the surest first.

    prior: one row per encoder: what questions and answers have in common everywhere.
    """
    if not voices or not pages.pages:
        return tuple(() for _ in voices)
    numbers = tuple(dict.fromkeys(pages.pages))
    features, shared = measure_pairs(voices, topics, pages, prior)
    scores = score_pairs(features)
    found = []
    for row, voice in enumerate(voices):
        best = np.argsort(-scores[row], kind="stable")[:MOST_KEPT]
        found.append(
            tuple(
                Found(
                    page=numbers[column],
                    coverage="answered" if scores[row, column] >= ANSWERED_FROM else "partly",
                    score=round(float(scores[row, column]), 3),
                    reason=_tell_why(voice.sent.get(numbers[column], 0), shared[row][column]),
                    links_sent=voice.sent.get(numbers[column], 0),
                )
                for column in best
                if scores[row, column] >= PARTLY_FROM
            )
        )
    return tuple(found)


def score_pairs(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """(topics, pages, features) -> (topics, pages), 0 to 1."""
    scores: NDArray[np.float64] = 1 / (1 + np.exp(-(features @ WEIGHTS + INTERCEPT)))
    return scores


def measure_pairs(
    voices: Sequence[TopicVoice], topics: VoiceVectors, pages: PassageVectors, prior: VoiceVectors
) -> tuple[NDArray[np.float64], list[list[tuple[str, ...]]]]:
    """(topics, pages, features), and which telling words each pair shares."""
    numbers = tuple(dict.fromkeys(pages.pages))
    column_of = {page: column for column, page in enumerate(numbers)}
    columns = np.array([column_of[page] for page in pages.pages])
    firsts = np.array([pages.pages.index(page) for page in numbers])
    alike = []
    for said, common in ((topics.questions, prior.questions), (topics.answers, prior.answers)):
        for block, rows in enumerate(said):
            passages = _centre(pages.blocks[block], _mean(pages.blocks[block][firsts], prior.answers[block]))
            spoken = rows[rows.any(axis=1)]
            centred = unit_rows(np.where(rows.any(axis=1, keepdims=True), rows - _mean(spoken, common[block]), 0))
            alike.append(_best_passage(centred @ passages.T, columns, len(numbers)))
    both = sum(alike[1:], start=alike[0]) / len(alike)
    words, shared = _share_words([voice.texts for voice in voices], pages, numbers)
    sent = np.array([[_sent_share(voice, page) for page in numbers] for voice in voices])
    rival_topic = both - both.max(axis=0, keepdims=True)
    rival_page = both - both.max(axis=1, keepdims=True)
    features = np.stack([*_four(alike), words, rival_topic, rival_page, sent], axis=2)
    return features.astype(np.float64), shared


def _four(alike: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
    """Questions and answers by two encoders; one encoder speaks for both."""
    if len(alike) == 2:
        return (alike[0], alike[0], alike[1], alike[1])
    return tuple(alike)


def _mean(rows: Vectors, common: Vectors) -> Vectors:
    mean: Vectors = (rows.sum(axis=0) + PRIOR * common[0]) / (len(rows) + PRIOR)
    return mean


def _centre(rows: Vectors, mean: Vectors) -> Vectors:
    rest = rows - mean
    # What says next to nothing must not be blown up to unit length.
    centred: Vectors = rest / np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 0.3)
    return centred


def _best_passage(similarity: Vectors, columns: NDArray[np.intp], pages: int) -> Vectors:
    best = np.full((similarity.shape[0], pages), -1, dtype=np.float32)
    for row, column in enumerate(columns):
        best[:, column] = np.maximum(best[:, column], similarity[:, row])
    return best


def _sent_share(voice: TopicVoice, page: int) -> float:
    """How much of an answer the page is already: 1 when every answer carried it, less when only one did."""
    sent = voice.sent.get(page, 0)
    return sent / (voice.answered + 1) if sent else 0.0


def _share_words(
    texts: Sequence[Sequence[str]], pages: PassageVectors, numbers: Sequence[int]
) -> tuple[NDArray[np.float64], list[list[tuple[str, ...]]]]:
    """Rare words in common weigh much, words that everybody uses little; capped so that no one word decides."""
    said = [Counter(stem for text in some for stem in set(_stems(text))) for some in texts]
    spoken = Counter(stem for counts in said for stem in counts)
    shown: dict[int, dict[str, str]] = {}
    for page, text in zip(pages.pages, pages.texts, strict=True):
        shown.setdefault(page, {}).update({word[:STEM].lower(): word for word in _WORD.findall(text)})
    written = Counter(stem for stems in shown.values() for stem in stems)
    weights = np.zeros((len(texts), len(numbers)))
    shared: list[list[tuple[str, ...]]] = []
    for row, counts in enumerate(said):
        cells = []
        for column, page in enumerate(numbers):
            worth = {
                stem: float(np.log1p(len(texts) / spoken[stem]) * np.log1p(len(numbers) / written[stem]))
                * min(1.0, 2 * counts[stem] / len(texts[row]))
                for stem in shown[page]
                if counts.get(stem)
            }
            weights[row, column] = min(sum(worth.values()) / (5 * np.sqrt(max(len(shown[page]), 1))), 2.0)
            telling = sorted(worth, key=lambda stem: (-worth[stem], stem))[:3]
            cells.append(tuple(shown[page][stem] for stem in telling if worth[stem] > 0.8))
        shared.append(cells)
    return weights, shared


def _stems(text: str) -> Iterable[str]:
    return (word[:STEM].lower() for word in _WORD.findall(text))


def _tell_why(sent: int, words: tuple[str, ...]) -> str:
    reasons = []
    if sent:
        reasons.append(f"colleagues sent it in {sent} {'answer' if sent == 1 else 'answers'} to this")
    if words:
        reasons.append(f"both speak of {', '.join(words)}")
    return "; ".join(reasons) or "says much the same in other words"
