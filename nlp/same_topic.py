"""Decides "same topic?" for pairs of insights, with a model learned from the mailboxes of other companies.

Its parts lie in data/topics/, written by bench/train_topics.py and checked by SHA-256; nothing of it is code.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harvester.resources import data_folder
from nlp.company import Mailbox, compare_in_company
from nlp.embedding import Encoders, Vectors, verify_sha256
from nlp.views import FEATURES, Recogniser, Views, compare_views

CHUNK_PAIRS = 200_000
# Log odds to similarity, so that 0 to 1 spans what is seen: from one in a thousand to nearly sure.
LOWEST_LOG_ODDS, SPAN = -7.0, 10.0


@dataclass(frozen=True, slots=True)
class SameTopic:
    """The model. encoders: the name of those it was trained with. rarity: of hashed words; metric: see nlp.views.

    trees: judge a pair by itself. company_trees: by what both have in common with the rest of the mailbox as well.
    """

    encoders: str
    archetypes: tuple[str, ...]
    recogniser: Recogniser
    rarity: Vectors
    metric: Vectors
    trees: Any  # onnxruntime.InferenceSession, as are the others
    company_trees: Any

    def log_odds(self, one: Views, other: Views) -> Vectors:
        """(n, m): of each insight of `one` being of the same topic as each of `other`."""
        found = np.zeros((len(one), len(other)), dtype=np.float32)
        step = max(1, CHUNK_PAIRS // max(1, len(other)))
        for start in range(0, len(one) if len(other) else 0, step):
            rows = np.arange(start, min(len(one), start + step))
            features = compare_views(one.take(rows), other)
            found[rows] = run_trees(self.trees, features.reshape(-1, len(FEATURES))).reshape(len(rows), len(other))
        return found

    def log_odds_in_company(self, mailbox: Mailbox) -> tuple[Vectors, Vectors]:
        """(n, n) twice, symmetric: of each insight being of the same topic as each other, alone and in company."""
        compared = compare_in_company(mailbox, lambda features: run_trees(self.trees, features))
        rows, others = np.triu_indices(len(compared.odds), 1)
        found = np.zeros_like(compared.odds)
        for start in range(0, len(rows), CHUNK_PAIRS):
            some = slice(start, start + CHUNK_PAIRS)
            found[rows[some], others[some]] = run_trees(self.company_trees, compared.features(rows[some], others[some]))
        return compared.odds, found + found.T


def run_trees(trees: Any, features: Vectors) -> Vectors:
    """(n,) log odds. trees: an onnxruntime.InferenceSession. features: (n, f)."""
    found = np.zeros(len(features), dtype=np.float32)
    for start in range(0, len(features), CHUNK_PAIRS):
        some = slice(start, start + CHUNK_PAIRS)
        found[some] = trees.run(None, {"pairs": features[some]})[-1].ravel()
    return found


def scale_log_odds(log_odds: Vectors) -> Vectors:
    """0 to 1: the scale that topics.py has its bars on."""
    return np.asarray(np.clip((log_odds - LOWEST_LOG_ODDS) / SPAN, 0, 1), dtype=np.float32)


def unscale_log_odds(similarity: Vectors) -> Vectors:
    """Back to log odds, as far as they lie on the scale."""
    return np.asarray(similarity * np.float32(SPAN) + np.float32(LOWEST_LOG_ODDS), dtype=np.float32)


@cache
def load_same_topic() -> SameTopic:
    """The shipped model. Raises ModelError when a file is damaged."""
    folder = data_folder() / "topics"
    told = tomllib.loads((folder / "same_topic.toml").read_text(encoding="utf-8"))
    for name, expected in told["sha256"].items():
        verify_sha256(folder / name, expected)
    with np.load(folder / "same_topic.npz", allow_pickle=False) as arrays:
        return SameTopic(
            encoders=str(told["encoders"]),
            archetypes=tuple(str(one) for one in arrays["archetypes"]),
            recogniser=Recogniser(
                weights=arrays["weights"].astype(np.float32),
                bias=arrays["bias"].astype(np.float32),
                usual=arrays["usual"].astype(np.float32),
            ),
            rarity=arrays["rarity"].astype(np.float32),
            metric=arrays["metric"].astype(np.float32),
            trees=open_trees(folder / "same_topic.onnx"),
            company_trees=open_trees(folder / "in_company.onnx"),
        )


def open_trees(model: Path | bytes) -> Any:
    """An onnxruntime.InferenceSession of the file, or of its bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the same sums in the same order on every machine
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    given = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])


def same_topic_for(encoders: Encoders) -> SameTopic | None:
    """The model if it was trained with these encoders; None otherwise, then their vectors alone decide."""
    model = load_same_topic()
    return model if model.encoders == encoders.name else None
