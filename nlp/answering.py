"""How alike a question and a passage are that may answer it, for the encoders at hand."""

from collections.abc import Sequence

import numpy as np

from nlp.embedding import Embedder, Encoders, MiniLmEmbedder, Vectors
from nlp.language import detect_language
from nlp.pairing import Similarity

# Of the likeness of two English texts; the rest is the multilingual encoder's, which alone sees other languages.
# Between .5 and .7 nothing changes on 294 labelled pairs (bench/pairing.py).
ENGLISH_SHARE = 0.6


def pairing_by(encoders: Encoders) -> Similarity:
    """How questions find their answers: where both are English the encoders agree on it, else one decides alone."""
    english, multilingual = encoders.english, encoders.multilingual
    if multilingual is None:
        return _by_one(english)
    return _by_both(english, multilingual) if isinstance(english, MiniLmEmbedder) else _by_one(multilingual)


def _by_one(embedder: Embedder) -> Similarity:
    def compare(questions: Sequence[str], passages: Sequence[str]) -> Sequence[Sequence[float]]:
        return _to_rows(embedder.embed(questions) @ embedder.embed(passages).T)

    return compare


def _by_both(english: Embedder, multilingual: Embedder) -> Similarity:
    def compare(questions: Sequence[str], passages: Sequence[str]) -> Sequence[Sequence[float]]:
        alike = multilingual.embed(questions) @ multilingual.embed(passages).T
        rows, columns = _find_english(questions), _find_english(passages)
        if rows and columns:
            of_english = (
                english.embed([questions[row] for row in rows])
                @ english.embed([passages[column] for column in columns]).T
            )
            both = np.ix_(rows, columns)
            alike[both] = (1 - ENGLISH_SHARE) * alike[both] + ENGLISH_SHARE * of_english
        return _to_rows(alike)

    return compare


def _find_english(texts: Sequence[str]) -> list[int]:
    return [place for place, text in enumerate(texts) if detect_language(text) == "en"]


def _to_rows(alike: Vectors) -> list[list[float]]:
    rows: list[list[float]] = alike.tolist()
    return rows
