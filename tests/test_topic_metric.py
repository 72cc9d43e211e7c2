"""The metric learned for "same topic?" draws together what means the same, and its gradient is the right one."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nlp.embedding import unit_rows
from nlp.records import Kind
from nlp.same_topic import load_same_topic

BENCH = Path(__file__).parent.parent / "bench"
if not BENCH.exists():
    pytest.skip("the benches are not part of the package", allow_module_level=True)
sys.path.insert(0, str(BENCH))

from topic_metric import TEMPERATURE, Spoken, contrast, fit_metric  # noqa: E402

WIDTH, TOPICS, EACH = 50, 6, 8


def test_gradient_is_that_of_the_loss() -> None:
    random = np.random.default_rng(1)
    rows, metric = random.normal(size=(11, 5)), random.normal(size=(5, 5))
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5])  # the last two have no partner
    step = 1e-5
    expected = np.zeros_like(metric)
    for place in np.ndindex(*metric.shape):
        more, less = metric.copy(), metric.copy()
        more[place] += step
        less[place] -= step
        expected[place] = (loss(rows, labels, more) - loss(rows, labels, less)) / (2 * step)

    assert np.abs(contrast(rows, labels, metric) - expected).max() < 1e-5 * np.abs(expected).max()


def test_what_tells_topics_apart_comes_to_count_more_than_what_does_not() -> None:
    companies = [speak(seed) for seed in range(4)]
    metric = fit_metric(speak(4), companies)
    unseen = speak(5)

    before, after = gap(unseen, np.eye(WIDTH)), gap(unseen, metric)

    assert after > 1.1 * before > 0


def test_fitting_again_gives_the_same() -> None:
    assert np.array_equal(fit_metric(speak(0), [speak(1)]), fit_metric(speak(0), [speak(1)]))


def test_shipped_metric_takes_rows_of_both_encoders() -> None:
    model = load_same_topic()

    assert model.metric.shape == model.recogniser.weights.shape[:1] * 2
    assert not np.allclose(model.metric, np.eye(len(model.metric)), atol=1e-3)


@pytest.mark.parametrize("file", sorted((BENCH / "training").glob("*/*.jsonl")), ids=lambda file: file.stem)
def test_companies_that_are_learned_from_are_invented_and_whole(file: Path) -> None:
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    assert len({row["topic"] for row in rows}) > 10
    for row in rows:
        assert row["company"].endswith(".example")
        assert Kind(row["kind"])
        assert row["text"].strip()
        assert row["answer"] is None or isinstance(row["answer"], str)


def speak(seed: int) -> Spoken:
    """Sentences whose first half tells the topic and whose second, louder half tells who speaks."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(TOPICS), EACH)
    meanings = random.normal(size=(TOPICS, WIDTH // 2))[labels]
    voices = 2 * random.normal(size=(2 * len(labels), WIDTH // 2))
    questions = unit_rows(np.hstack([meanings, voices[: len(labels)]]).astype(np.float32))
    answers = unit_rows(np.hstack([meanings, voices[len(labels) :]]).astype(np.float32))
    return Spoken(questions, answers, labels)


def gap(spoken: Spoken, metric: NDArray[np.floating]) -> float:
    """How much more alike two questions of one topic are than two others."""
    units = unit_rows(np.asarray(spoken.questions @ metric, dtype=np.float32))
    alike = units @ units.T
    same = spoken.labels[:, None] == spoken.labels[None, :]
    np.fill_diagonal(same, False)
    others = spoken.labels[:, None] != spoken.labels[None, :]
    return float(alike[same].mean() - alike[others].mean())


def loss(rows: NDArray[np.float64], labels: NDArray[np.int64], metric: NDArray[np.float64]) -> float:
    projected = rows @ metric
    units = projected / np.linalg.norm(projected, axis=1, keepdims=True)
    scores = units @ units.T / TEMPERATURE
    np.fill_diagonal(scores, -np.inf)
    log_chances = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    same = labels[:, None] == labels[None, :]
    np.fill_diagonal(same, False)
    return -float(sum(log_chances[row, same[row]].mean() for row in range(len(rows)) if same[row].any()) / len(rows))
