"""Decides which existing pages answer a topic, how sure that is, and why. Pure; vectors and texts are handed in.

A topic speaks through its questions and the passages of the answers to them, a page through its passages. Weights and
thresholds were fitted on the looked-at half of two invented companies (bench/content, `python -m bench.pages`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import Vectors, unit_rows
from nlp.page_words import PassageVectors, SharedWords, share_words

PARTLY_FROM, ANSWERED_FROM = 0.25, 0.5  # of the score
MOST_KEPT = 5
PRIOR = 5  # a mean over few topics or pages is held together by as many imagined typical ones
FEATURES = ("questions", "questions, other languages", "answers", "answers, other languages", "words", "rival topic",
            "rival page", "sent")  # fmt: skip
WEIGHTS = np.array([4.5, 5.1, 1.9, 1.5, 3.6, 3.9, 5.2, 3.5], dtype=np.float32)
INTERCEPT = -4.7
PASSAGE_WORDS, MOST_PASSAGES = 80, 12
TOPICS_AT_ONCE = 100


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
    pairs = measure_pairs(voices, topics, pages, prior)
    found: list[tuple[Found, ...]] = []
    for start in range(0, len(voices), TOPICS_AT_ONCE):
        scores = score_pairs(pairs.features(slice(start, start + TOPICS_AT_ONCE)))
        found += (_find_pages(voices[start + row], numbers, scores[row], pairs.words) for row in range(len(scores)))
    return tuple(found)


def score_pairs(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(topics, pages, features) -> (topics, pages), 0 to 1."""
    scores: NDArray[np.float32] = 1 / (1 + np.exp(-(features @ WEIGHTS + INTERCEPT)))
    return scores


@dataclass(frozen=True, slots=True)
class Pairs:
    """How topics and pages compare. alike: two or four (topics, pages). worth: (topics, pages), of shared words."""

    alike: tuple[Vectors, ...]
    worth: Vectors
    sent: Vectors
    words: SharedWords

    def features(self, rows: slice = slice(None)) -> NDArray[np.float32]:
        """(topics, pages, features) of some topics: all at once would take gigabytes."""
        both = sum(self.alike[1:], start=self.alike[0]) / len(self.alike)
        rival_topic = both[rows] - both.max(axis=0, keepdims=True)
        rival_page = both[rows] - both[rows].max(axis=1, keepdims=True)
        alike = [one[rows] for one in self.alike]
        columns = [*_four(alike), self.worth[rows], rival_topic, rival_page, self.sent[rows]]
        return np.stack(columns, axis=2).astype(np.float32, copy=False)


def measure_pairs(
    voices: Sequence[TopicVoice], topics: VoiceVectors, pages: PassageVectors, prior: VoiceVectors
) -> Pairs:
    """Compare every topic with every page."""
    numbers = tuple(dict.fromkeys(pages.pages))
    column_of = {page: column for column, page in enumerate(numbers)}
    rows_of = np.array([column_of[page] for page in pages.pages])  # ascending: passages come page by page
    firsts = np.unique(rows_of, return_index=True)[1]
    alike = []
    for said, common in ((topics.questions, prior.questions), (topics.answers, prior.answers)):
        for block, rows in enumerate(said):
            passages = _centre(pages.blocks[block], _mean(pages.blocks[block][firsts], prior.answers[block]))
            spoken = rows[rows.any(axis=1)]
            centred = unit_rows(np.where(rows.any(axis=1, keepdims=True), rows - _mean(spoken, common[block]), 0))
            alike.append(_best_passage(centred, passages, firsts))
    sent = np.zeros((len(voices), len(numbers)), dtype=np.float32)
    for row, voice in enumerate(voices):
        for page in voice.sent:
            if page in column_of:
                sent[row, column_of[page]] = _sent_share(voice, page)
    words = share_words([voice.texts for voice in voices], pages, numbers)
    return Pairs(tuple(alike), words.worth(), sent, words)


def _find_pages(
    voice: TopicVoice, numbers: Sequence[int], scores: NDArray[np.float32], words: SharedWords
) -> tuple[Found, ...]:
    best = np.argsort(-scores, kind="stable")[:MOST_KEPT]
    return tuple(
        Found(
            page=numbers[column],
            coverage="answered" if scores[column] >= ANSWERED_FROM else "partly",
            score=round(float(scores[column]), 3),
            reason=_tell_why(voice.sent.get(numbers[column], 0), words.telling(voice.texts, numbers[column])),
            links_sent=voice.sent.get(numbers[column], 0),
        )
        for column in best
        if scores[column] >= PARTLY_FROM
    )


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


def _best_passage(topics: Vectors, passages: Vectors, firsts: NDArray[np.intp]) -> Vectors:
    """How like a topic the best passage of a page is: (topics, pages). firsts: the row where each page begins."""
    best: Vectors = np.maximum.reduceat(passages @ topics.T, firsts, axis=0).T
    return best


def _sent_share(voice: TopicVoice, page: int) -> float:
    """How much of an answer the page is already: 1 when every answer carried it, less when only one did."""
    sent = voice.sent.get(page, 0)
    return sent / (voice.answered + 1) if sent else 0.0


def _tell_why(sent: int, words: tuple[str, ...]) -> str:
    reasons = []
    if sent:
        reasons.append(f"colleagues sent it in {sent} {'answer' if sent == 1 else 'answers'} to this")
    if words:
        reasons.append(f"both speak of {', '.join(words)}")
    return "; ".join(reasons) or "says much the same in other words"
