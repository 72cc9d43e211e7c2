"""Tells whether those who wrote a mail sell to the colleague instead of buying from him.

Who puts the address into every mail also passes on what suppliers offer. They ask a lot, and tell of pains that they
put into the reader's mouth, but nobody asks it whom marketing writes for.

The numbers lie in data/insights/sellers.npz, written by bench/train_sellers.py and checked by SHA-256.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harvester.records import Part, Role
from harvester.resources import data_folder
from nlp.candidates import Candidate, speaks_for_prospect
from nlp.embedding import Embedder, Vectors, unit_rows, verify_sha256
from nlp.lines import read_lines
from nlp.patterns import load_patterns

MIN_SENTENCES = 2  # one tells too little of who writes
MOST_SENTENCES = 40  # of each side: who writes shows early, and a pasted document says nothing of it


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What the prospects of one mail said, and what the colleague answered, as sentences."""

    said: tuple[str, ...]
    answered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SellerModel:
    """Logistic regression on the mean vectors of what was said and of what was answered.

    said, answered: (d,) weights. threshold: chance from which on a mail is taken for a seller's.
    """

    said: Vectors
    answered: Vectors
    bias: float
    threshold: float

    def find_sellers(self, said: Vectors, answered: Vectors) -> Vectors:
        """(n,): the chance that a seller wrote this. said, answered: (n, d), zero where silent."""
        scores = said @ self.said + answered @ self.answered + self.bias
        chances: Vectors = (1.0 / (1.0 + np.exp(-scores))).astype(np.float32)
        return chances


def read_correspondence(parts: Sequence[Part], candidates: Sequence[Candidate]) -> Correspondence:
    """candidates: the sentences of prospects in these parts."""
    patterns = load_patterns(candidates[0].language if candidates else "en")
    answered = [
        line.text
        for part in parts
        if part.role is Role.OWN and not speaks_for_prospect(part)
        for line in read_lines(part.text, patterns)
    ]
    said = tuple(candidate.line.text for candidate in candidates)
    return Correspondence(said[:MOST_SENTENCES], tuple(answered[:MOST_SENTENCES]))


def embed_correspondence(letters: Sequence[Correspondence], embedder: Embedder) -> tuple[Vectors, Vectors]:
    """(n, d) each: the directions of the means of what was said and of what was answered, zero where silent."""
    return (
        _embed_means([correspondence.said for correspondence in letters], embedder),
        _embed_means([correspondence.answered for correspondence in letters], embedder),
    )


def _embed_means(texts: Sequence[Sequence[str]], embedder: Embedder) -> Vectors:
    vectors = embedder.embed([text for some in texts for text in some])
    means = np.zeros((len(texts), embedder.size), dtype=np.float32)
    start = 0
    for row, some in enumerate(texts):
        if some:
            means[row] = vectors[start : start + len(some)].mean(axis=0)
        start += len(some)
    return unit_rows(means)


def load_seller_model() -> SellerModel:
    """The shipped model. Raises ModelError when the file is damaged."""
    folder = data_folder() / "insights"
    verify_sha256(folder / "sellers.npz", (folder / "sellers.sha256").read_text(encoding="ascii").strip())
    return read_seller_model(folder / "sellers.npz")


def read_seller_model(file: Path) -> SellerModel:
    """The model in that file."""
    with np.load(file, allow_pickle=False) as arrays:
        return SellerModel(
            said=arrays["said"].astype(np.float32),
            answered=arrays["answered"].astype(np.float32),
            bias=float(arrays["bias"]),
            threshold=float(arrays["threshold"]),
        )
