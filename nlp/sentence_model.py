"""Decides over sentences with two small kernel models on sentence vectors and the phrases that were found.

A sentence that is a whole mail is judged by one of its own: "Call me." among others is context, alone a request, and
what stands alone is more often a newsletter or an office note than a story told.

Its numbers lie in data/insights/model.npz as plain arrays, written by bench/train_insights.py and checked by SHA-256.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harvester.resources import data_folder
from nlp.candidates import Candidate
from nlp.embedding import Embedder, load_multilingual_embedder, verify_sha256
from nlp.extraction import Decision, decide_by_rules, is_vetoed
from nlp.features import embed_answers, facet_features, sentence_features
from nlp.records import Insight, Kind
from nlp.sellers import MIN_SENTENCES, Correspondence, SellerModel, embed_correspondence, load_seller_model

VETOED_THRESHOLD = 0.65  # courtesy, appointments and the like must be overruled clearly


@dataclass(frozen=True, slots=True)
class Kernel:
    """Support vector machine with a Gaussian kernel: is it an insight?

    vectors: (m, d) support vectors. weights: (m,). slope, offset: of the sigmoid that makes a probability of the score.
    """

    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: float
    gamma: float
    slope: float
    offset: float

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) from (n, d)."""
        rows = features.astype(np.float32)
        squares = (rows**2).sum(axis=1)[:, None] + (self.vectors**2).sum(axis=1)[None, :]
        distances = np.maximum(squares - 2.0 * rows @ self.vectors.T, 0.0)
        scores = np.exp(-self.gamma * distances) @ self.weights + self.bias
        chances: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-(self.slope * scores.astype(np.float64) + self.offset)))
        return chances


@dataclass(frozen=True, slots=True)
class Linear:
    """Multinomial logistic regression: rows of `weights` (d, k) and `bias` (k,) belong to `names`."""

    names: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, k), rows sum to 1."""
        scores = features @ self.weights + self.bias
        exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
        rows: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
        return rows


@dataclass(frozen=True, slots=True)
class TrainedSentenceModel:
    """among: judges a sentence that stands among others. alone: judges one that is all that prospects wrote.

    threshold, alone_threshold: probability of being an insight from which on such a sentence is one, if no phrase
    speaks against it. sellers: without it nobody is one.
    """

    embedder: Embedder
    among: Kernel
    alone: Kernel
    kinds: Linear
    categories: Linear
    stages: Linear
    threshold: float
    alone_threshold: float
    sellers: SellerModel | None = None

    def decide(self, candidates: Sequence[Candidate]) -> list[Decision | None]:
        """One decision per candidate, None for a sentence that is no insight."""
        if not candidates:
            return []
        features = self._features(candidates)
        chances = self._chances(candidates, features)
        kinds = self.kinds.probabilities(features).argmax(axis=1)
        return [
            self._decision(candidate, float(chance), Kind(self.kinds.names[kind]))
            for candidate, chance, kind in zip(candidates, chances, kinds, strict=True)
        ]

    def chances(self, candidates: Sequence[Candidate]) -> list[float]:
        """Probability of being an insight, one per candidate."""
        if not candidates:
            return []
        return [float(chance) for chance in self._chances(candidates, self._features(candidates))]

    def needed_for(self, candidate: Candidate) -> float:
        """Probability from which on this candidate is an insight."""
        if is_vetoed(candidate):
            return VETOED_THRESHOLD
        return self.alone_threshold if candidate.is_all else self.threshold

    def facets(self, insights: Sequence[Insight]) -> list[tuple[str, str]]:
        """(category, stage) of each insight."""
        if not insights:
            return []
        texts = [insight.text for insight in insights]
        answers = embed_answers([insight.answer for insight in insights], self.embedder)
        kinds = [insight.kind for insight in insights]
        features = facet_features(texts, kinds, self.embedder.embed(texts), answers)
        categories = self.categories.probabilities(features).argmax(axis=1)
        stages = self.stages.probabilities(features).argmax(axis=1)
        return [
            (self.categories.names[category], self.stages.names[stage])
            for category, stage in zip(categories, stages, strict=True)
        ]

    def seller_chances(self, letters: Sequence[Correspondence]) -> list[float]:
        """Probability that a seller wrote it, one per mail; 0 where too little is said."""
        chances = [0.0] * len(letters)
        told = [place for place, one in enumerate(letters) if len(one.said) >= MIN_SENTENCES]
        if self.sellers and told:
            rows = embed_correspondence([letters[place] for place in told], self.embedder)
            for place, chance in zip(told, self.sellers.find_sellers(*rows), strict=True):
                chances[place] = float(chance)
        return chances

    def are_sellers(self, letters: Sequence[Correspondence]) -> list[bool]:
        """Whether each mail was written by somebody who sells to the colleague."""
        if self.sellers is None:
            return [False] * len(letters)
        return [chance >= self.sellers.threshold for chance in self.seller_chances(letters)]

    def _chances(self, candidates: Sequence[Candidate], features: NDArray[np.float64]) -> NDArray[np.float64]:
        is_alone = np.array([candidate.is_all for candidate in candidates])
        chances = np.zeros(len(candidates))
        for kernel, rows in ((self.alone, is_alone), (self.among, ~is_alone)):
            if rows.any():
                chances[rows] = kernel.probabilities(features[rows])
        return chances

    def _features(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        vectors = self.embedder.embed([candidate.line.text for candidate in candidates])
        return sentence_features(candidates, vectors)

    def _decision(self, candidate: Candidate, confidence: float, kind: Kind) -> Decision | None:
        if confidence < self.needed_for(candidate):
            return None
        rule = decide_by_rules(candidate)
        return Decision(kind, round(confidence, 3), f"model, {rule.rule}" if rule else "model")


def load_sentence_model(embedder: Embedder | None = None) -> TrainedSentenceModel | None:
    """The shipped model; None when the encoder that it was trained with is missing, then rules decide.

    embedder: the multilingual encoder if it is loaded already. Raises ModelError when the file is damaged.
    """
    embedder = embedder or load_multilingual_embedder()
    if embedder is None:
        return None
    folder = data_folder() / "insights"
    verify_sha256(folder / "model.npz", (folder / "model.sha256").read_text(encoding="ascii").strip())
    return read_model(folder / "model.npz", embedder, load_seller_model())


def read_model(file: Path, embedder: Embedder, sellers: SellerModel | None = None) -> TrainedSentenceModel:
    """The model in that file."""
    with np.load(file, allow_pickle=False) as arrays:
        kinds, categories, stages = (
            Linear(
                names=tuple(str(value) for value in arrays[f"{name}_names"]),
                weights=arrays[f"{name}_weights"].astype(np.float64),
                bias=arrays[f"{name}_bias"].astype(np.float64),
            )
            for name in ("kinds", "categories", "stages")
        )
        among, alone = (
            Kernel(
                vectors=arrays[f"{name}_vectors"].astype(np.float32),
                weights=arrays[f"{name}_weights"].astype(np.float32),
                bias=float(arrays[f"{name}_bias"]),
                gamma=float(arrays[f"{name}_gamma"]),
                slope=float(arrays[f"{name}_slope"]),
                offset=float(arrays[f"{name}_offset"]),
            )
            for name in ("among", "alone")
        )
        thresholds = float(arrays["threshold"]), float(arrays["alone_threshold"])
        return TrainedSentenceModel(embedder, among, alone, kinds, categories, stages, *thresholds, sellers)
