"""How well pages find their topics, against the truth of two invented companies: python -m bench.pages [--fit] [--list]

Topics are those of the truth, so that the matching is measured alone; every second topic is scored only. Links that
colleagues sent are left out unless --links is given: a young mailbox has none.
"""

import csv
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from nlp.embedding import load_packaged_encoders
from nlp.page_matching import (
    ANSWERED_FROM,
    FEATURES,
    PARTLY_FROM,
    TopicVoice,
    measure_pairs,
    score_pairs,
    split_passages,
)
from nlp.page_voices import embed_prior, embed_sayings
from nlp.page_words import PassageVectors
from nlp.pages import page_key
from nlp.space import Expression

FOLDER = Path(__file__).with_name("content")
COMPANIES = ("marrowby", "brightfold")
NONE, PARTLY, ANSWERED, OPTIONAL = 0, 1, 2, -1


def measure_company(name: str, *, with_links: bool) -> tuple[list[str], list[str], NDArray, NDArray]:
    """(topics, paths, features (topics, pages, n), truth (topics, pages))."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8") as file:
        pages = list(csv.DictReader(file))
    truth = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    said = defaultdict(list)
    for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said[row["topic"]].append(row)
    topics = sorted(topic for topic in truth if topic in said)
    encoders = load_packaged_encoders()
    sayings = [
        tuple(Expression(row["text"], row["context"], row["answer"], row["language"]) for row in said[topic])
        for topic in topics
    ]
    passages = [split_passages(page["title"], page["summary"], "") for page in pages]
    numbers = [number for number, some in enumerate(passages) for _ in some]
    texts = [text for some in passages for text in some]
    blocks = tuple(encoder.embed(texts) for encoder in (encoders.english, encoders.multilingual) if encoder is not None)
    keys = {page_key(page["url"]): number for number, page in enumerate(pages)}
    voices = [
        TopicVoice(
            row,
            tuple(text for one in sayings[row] for text in (one.text, one.answer) if text),
            _count_links(said[topic], keys) if with_links else {},
            sum(bool(one["answer"]) for one in said[topic]),
        )
        for row, topic in enumerate(topics)
    ]
    pairs = measure_pairs(
        voices, embed_sayings(encoders, sayings), PassageVectors(tuple(numbers), tuple(texts), blocks),
        embed_prior(encoders),
    )  # fmt: skip
    features = pairs.features()
    paths = [urlsplit(page["url"]).path for page in pages]
    labels = np.zeros(features.shape[:2], dtype=int)
    for row, topic in enumerate(topics):
        for word, label in (("answered", ANSWERED), ("partly", PARTLY), ("optional", OPTIONAL)):
            for path in truth[topic].get(word, ()):
                labels[row, paths.index(path)] = label
    return topics, paths, features, labels


def _count_links(rows: Sequence[dict], keys: dict[str, int]) -> dict[int, int]:
    counts: dict[int, int] = defaultdict(int)
    for row in rows:
        if row["answer"]:
            for key in {page_key(url) for url in row["links"]} & set(keys):
                counts[keys[key]] += 1
    return counts


def report(name: str, scores: NDArray, labels: NDArray) -> str:
    """Precision and recall of matches, and whether each topic's verdict is right."""
    counted = labels != OPTIONAL
    found, true = (scores >= PARTLY_FROM) & counted, labels > NONE
    sure = (scores >= ANSWERED_FROM) & counted
    precision = (found & true).sum() / max(found.sum(), 1)
    recall = (found & true).sum() / max(true.sum(), 1)
    has = (labels == ANSWERED).any(axis=1)
    told = ((scores >= ANSWERED_FROM) & (labels != OPTIONAL)).any(axis=1)
    nothing = ~true.any(axis=1)
    return (
        f"{name:12} {len(labels):3} topics, {true.sum():3} pairs: matches P {precision:.2f} R {recall:.2f}; "
        f"'answered' P {(sure & true).sum() / max(sure.sum(), 1):.2f}, found for {(told & has).sum()} of {has.sum()} "
        f"topics with such a page; a page claimed for {(found[nothing]).any(axis=1).sum()} of {nothing.sum()} without"
    )


def main(arguments: Sequence[str]) -> None:
    with_links = "--links" in arguments
    measured = {name: measure_company(name, with_links=with_links) for name in COMPANIES}
    if "--fit" in arguments:
        _fit(measured)
    both: dict[str, list[tuple[NDArray, NDArray]]] = defaultdict(list)
    for name, (topics, paths, features, labels) in measured.items():
        scores = score_pairs(features)
        for part, start in (("looked-at", 0), ("scored-only", 1)):
            both[part].append((scores[start::2], labels[start::2]))
            print(report(f"{name} {part}", scores[start::2], labels[start::2]))
        if "--list" in arguments:
            for row in range(0, len(topics), 2):
                best = np.argsort(-scores[row])[:3]
                print("  ", topics[row], [(paths[c], round(scores[row, c], 2), int(labels[row, c])) for c in best])
    for part, pieces in both.items():
        rows = max(scores.shape[1] for scores, _ in pieces)
        padded = [
            (np.pad(s, ((0, 0), (0, rows - s.shape[1]))), np.pad(t, ((0, 0), (0, rows - t.shape[1]))))
            for s, t in pieces
        ]
        print(report(part, np.vstack([s for s, _ in padded]), np.vstack([t for _, t in padded])))


def _fit(measured: dict) -> None:
    from sklearn.linear_model import LogisticRegression

    rows, labels = [], []
    for _, _, features, truth in measured.values():
        counted = truth[0::2] != OPTIONAL
        rows.append(features[0::2][counted])
        labels.append(truth[0::2][counted] > NONE)
    model = LogisticRegression(C=10).fit(np.vstack(rows), np.concatenate(labels))
    scores = score_pairs(np.vstack(rows))
    true = np.concatenate(labels)
    for start in np.arange(0.1, 0.75, 0.05):
        found = scores >= start
        print(f"  from {start:.2f}: P {true[found].mean():.2f} R {found[true].mean():.2f}")
    print(dict(zip(FEATURES, model.coef_[0].round(2), strict=True)), "intercept", model.intercept_.round(2))


if __name__ == "__main__":
    main(sys.argv[1:])
