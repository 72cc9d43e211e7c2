"""Adds to the packaged encoders what they were taught about buyers: differences of low rank, in memory.

Hu et al., LoRA: Low-Rank Adaptation of Large Language Models (2021). The English encoder's package holds each matrix as
whole numbers of eight bits with a scale per column; the sum is rounded in the same way and written to the same place,
so that the encoder stays as fast as it was. Of the multilingual one only the layers after the words were brought
together are taught, which are arrays of numbers as they are, and one more comes after them. Written by
bench/train_encoder.py and bench/train_multilingual.py.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GREATEST = 127  # of a whole number of eight bits


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one (n, m) matrix. down: (n, r); up: (r, m). whole, scales: where its numbers begin in the file, in bytes."""

    down: NDArray[np.float32]
    up: NDArray[np.float32]
    whole: int
    scales: int


def read_differences(path: Path) -> tuple[Difference, ...]:
    """All of one file."""
    with np.load(path, allow_pickle=False) as arrays:
        return tuple(
            Difference(
                arrays[f"down {number}"].astype(np.float32),
                arrays[f"up {number}"].astype(np.float32),
                int(whole),
                int(scales),
            )
            for number, (whole, scales) in enumerate(arrays["places"])
        )


def add_differences(model: bytes, differences: tuple[Difference, ...], share: float = 1.0) -> bytes:
    """The model with other weights and nothing else changed.

    model: the very file that the places were read from. share: of the differences, how much of them is added.
    """
    changed = bytearray(model)
    for one in differences:
        rows, columns = len(one.down), one.up.shape[1]
        whole = np.frombuffer(changed, np.int8, rows * columns, one.whole).reshape(rows, columns)
        scales = np.frombuffer(changed, "<f4", columns, one.scales)
        weights = whole * scales + np.float32(share) * (one.down @ one.up)
        finer = np.maximum(np.abs(weights).max(axis=0), np.finfo(np.float32).tiny) / np.float32(GREATEST)
        rounded = np.rint(weights / finer).astype(np.int8).tobytes()
        changed[one.whole : one.whole + len(rounded)] = rounded
        changed[one.scales : one.scales + finer.nbytes] = finer.astype("<f4").tobytes()
    return bytes(changed)


@dataclass(frozen=True, slots=True)
class LayerDifferences:
    """Of a multilingual encoder. changes: by the name of an (n, m) layer, (n, m). onto: (d, e), what comes after it."""

    changes: dict[str, NDArray[np.float32]]
    onto: NDArray[np.float32]


def read_layer_differences(path: Path) -> LayerDifferences:
    """All of one file."""
    with np.load(path, allow_pickle=False) as arrays:
        changes = {
            str(name): arrays[f"down {name}"].astype(np.float32) @ arrays[f"up {name}"].astype(np.float32)
            for name in arrays["layers"]
        }
        return LayerDifferences(changes, arrays["onto"].astype(np.float32))


def add_layer_differences(layers: Any, differences: LayerDifferences) -> Any:
    """Other layers, which share with these what does not differ. layers: with an array of each name."""
    changed = copy.copy(layers)
    for name, change in differences.changes.items():
        setattr(changed, name, getattr(layers, name) + change)
    return changed
