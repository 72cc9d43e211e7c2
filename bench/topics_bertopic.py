"""BERTopic with its defaults on given vectors, refitted on everything each week. Needs the group `bench`.

A refit numbers its topics anew, so each is given the number of the topic it shares most insights with; that is the
kindest reading. What is still elsewhere than the week before has moved.
"""

import importlib.util
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from topic_scores import Placement

from nlp.embedding import Vectors

# UMAP looks at 15 neighbours of each text; with fewer texts there is nothing to learn yet.
FEWEST_TEXTS = 16


def is_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("bertopic", "umap", "hdbscan"))


def refit_weekly(texts: Sequence[str], vectors: Vectors, weeks: Sequence[range], seed: int) -> list[Placement]:
    """Where every text is at the end of each week, with the numbers of the week before where topics overlap."""
    placements: list[Placement] = []
    for week in range(len(weeks)):
        found = fit([row for rows in weeks[: week + 1] for row in rows], texts, vectors, seed)
        placements.append(keep_numbers(placements[-1], found) if placements else found)
    return placements


def fit(rows: Sequence[int], texts: Sequence[str], vectors: Vectors, seed: int) -> Placement:
    from bertopic import BERTopic
    from umap import UMAP

    if len(rows) < FEWEST_TEXTS:
        return dict.fromkeys(rows)
    # What BERTopic makes itself, but for the seed: without one every run differs.
    reducer = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed, n_jobs=1)
    model = BERTopic(umap_model=reducer, embedding_model=None)
    topics, _ = model.fit_transform([texts[row] for row in rows], vectors[list(rows)])
    return {row: None if topic < 0 else int(topic) for row, topic in zip(rows, topics, strict=True)}


def keep_numbers(before: Placement, after: Placement) -> Placement:
    """`after` with each topic under the number of the one it stems from; pairs are chosen for the most shared texts."""
    from scipy.optimize import linear_sum_assignment

    shared = Counter((group, after[row]) for row, group in before.items())
    olds = sorted({group for group in before.values() if group is not None})
    news = sorted({group for group in after.values() if group is not None})
    overlap = np.array([[shared[old, new] for new in news] for old in olds]).reshape(len(olds), len(news))
    pairs = zip(*linear_sum_assignment(-overlap), strict=True)
    kept = {news[j]: olds[i] for i, j in pairs if overlap[i, j]}
    fresh = number_after(olds)
    numbers = {new: kept[new] if new in kept else next(fresh) for new in news}
    return {row: None if group is None else numbers[group] for row, group in after.items()}


def number_after(known: Sequence[int]) -> Iterator[int]:
    return iter(range(max(known, default=-1) + 1, 2**31))
