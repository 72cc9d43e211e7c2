"""Where the differences lie that each half of the training companies has taught the encoders."""

from pathlib import Path

HALVES = 2  # every second company teaches one, the others the other one
HALVES_FOLDER = Path(__file__).resolve().parent / "training/encoder"


def english_half(half: int, folder: Path = HALVES_FOLDER) -> Path:
    """Written by train_encoder.py."""
    return folder / f"half-{half}.npz"


def multilingual_half(half: int, folder: Path = HALVES_FOLDER) -> Path:
    """Written by train_multilingual.py."""
    return folder / f"multilingual-half-{half}.npz"
