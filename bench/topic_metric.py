"""Learns in which directions of the encoders' space topics differ: a linear metric, trained by supervised contrast.

Khosla et al., Supervised Contrastive Learning (2020), with one matrix in the place of the network and Adam (Kingma and
Ba, 2015) to fit it: what means the same is drawn together, what one company is asked besides is pushed apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nlp.embedding import Vectors, unit_rows

STEPS, RATE, TEMPERATURE, SILENCED = 1_600, 3e-4, 0.07, 0.2
ARCHETYPES_SHARE = 0.3  # of the steps; the others each take a company
ARCHETYPES, PER_ARCHETYPE, PER_TOPIC = 100, 4, 8  # in one step
FIRST_MOMENT, SECOND_MOMENT, TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True, eq=False)
class Spoken:
    """n sentences of one source. questions, answers: (n, d) unit rows, zero where nothing answered. labels: (n,)."""

    questions: Vectors
    answers: Vectors
    labels: np.ndarray


def fit_metric(archetypes: Spoken, companies: Sequence[Spoken]) -> Vectors:
    """(d, d): a row times it is what is compared. Begins as the identity."""
    random = np.random.default_rng(0)
    metric = np.eye(archetypes.questions.shape[1], dtype=np.float32)
    first, second = np.zeros_like(metric), np.zeros_like(metric)
    for step in range(1, STEPS + 1):
        if random.random() < ARCHETYPES_SHARE:
            rows, labels = draw(archetypes, random, ARCHETYPES, PER_ARCHETYPE)
        else:
            rows, labels = draw(companies[random.integers(len(companies))], random, None, PER_TOPIC)
        kept = random.random(rows.shape, dtype=np.float32) >= SILENCED
        gradient = contrast(rows * kept / np.float32(1 - SILENCED), labels, metric)
        first += (1 - FIRST_MOMENT) * (gradient - first)
        second += (1 - SECOND_MOMENT) * (gradient**2 - second)
        pace = RATE * max(0.02, 1 - (step - 1) / STEPS)
        metric -= pace * (first / (1 - FIRST_MOMENT**step)) / (np.sqrt(second / (1 - SECOND_MOMENT**step)) + TINY)
    return metric


def draw(
    spoken: Spoken, random: np.random.Generator, classes: int | None, per_class: int
) -> tuple[Vectors, np.ndarray]:
    """Some sentences of some labels, questions and answers alike. classes: all that have two sentences if None."""
    names, counts = np.unique(spoken.labels, return_counts=True)
    names = names[counts > 1]
    if classes is not None:
        names = random.choice(names, min(classes, len(names)), replace=False)
    chosen = [random.permutation(np.flatnonzero(spoken.labels == name))[:per_class] for name in names]
    rows = np.concatenate(chosen)
    numbers = np.repeat(np.arange(len(names)), [len(some) for some in chosen])
    answered = np.any(spoken.answers[rows], axis=1)
    return (
        np.vstack([spoken.questions[rows], spoken.answers[rows[answered]]]),
        np.concatenate([numbers, numbers[answered]]),
    )


def contrast(rows: Vectors, labels: np.ndarray, metric: Vectors) -> Vectors:
    """The gradient of the loss by the metric."""
    projected = rows @ metric
    lengths = np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-9)
    units = unit_rows(projected)
    scores = units @ units.T / np.float32(TEMPERATURE)
    np.fill_diagonal(scores, -np.inf)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    same = (labels[:, None] == labels[None, :]).astype(np.float32)
    np.fill_diagonal(same, 0)
    partners = same.sum(axis=1, keepdims=True)
    by_score = (chances * (partners > 0) - same / np.maximum(partners, 1)) / len(labels)
    by_unit = (by_score + by_score.T) @ units / np.float32(TEMPERATURE)
    by_row = (by_unit - units * np.sum(units * by_unit, axis=1, keepdims=True)) / lengths
    return np.asarray(rows.T @ by_row, dtype=np.float32)
