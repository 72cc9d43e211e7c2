"""The encoder: unit rows, the same text the same vector, damaged files refused, a fallback that says its name."""

from pathlib import Path

import numpy as np
import pytest

from harvester.errors import ModelError
from harvester.resources import data_folder
from nlp.embedding import Embedder, WordEmbedder, load_embedder, verify_sha256

SENTENCES = (
    "What does it cost per seat?",
    "How much is a licence for one user?",
    "Do you integrate with SAP?",
)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


def test_rows_are_unit_vectors_in_order(embedder: Embedder) -> None:
    vectors = embedder.embed(SENTENCES)
    assert vectors.shape == (3, embedder.size)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_vector_depends_on_its_text_alone(embedder: Embedder) -> None:
    together = embedder.embed([*SENTENCES, "A much longer sentence " * 40])
    alone = np.vstack([embedder.embed([sentence]) for sentence in SENTENCES])
    assert np.allclose(together[:3], alone, atol=1e-4)


def test_empty_and_hostile_texts_have_a_vector(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.size)
    vectors = embedder.embed(["", "\x00", "x" * 1_000_000, "\ud800", "漢字 😀"])
    assert np.isfinite(vectors).all()


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("changed")
    with pytest.raises(ModelError, match="damaged"):
        verify_sha256(path, "0" * 64)
    with pytest.raises(ModelError, match="cannot be read"):
        verify_sha256(tmp_path / "missing", "0" * 64)


def test_fallback_needs_no_model_and_says_its_name() -> None:
    embedder = WordEmbedder(data_folder() / "embedding" / "vocab.txt")
    vectors = embedder.embed(["What is the price per seat?", "price per seat please", "Do you integrate with SAP?", ""])
    assert embedder.name == "hashed-words"
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert np.isfinite(vectors).all()
