"""Hears which wider question of buyers a text asks, with a model learned from the atlas and from other companies.

It lies in data/insights/themes.npz, written by bench/train_themes.py and checked by SHA-256; nothing of it is code.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from harvester.resources import data_folder
from nlp.embedding import Vectors, verify_sha256
from nlp.space import RawRows
from nlp.views import Recogniser


@dataclass(frozen=True, slots=True)
class ThemeModel:
    """columns: ids of the g themes and of the archetypes in no theme. encoders: the name of those it was trained with.

    recogniser: of the columns; its `usual` is the mean log chance over the phrasings of the atlas.
    """

    encoders: str
    columns: tuple[str, ...]
    recogniser: Recogniser


@dataclass(frozen=True, slots=True)
class Heard:
    """What n insights ask, and what they were answered. asked, replied: (n, g), rows sum to 1, zero where silent."""

    asked: Vectors
    replied: Vectors


@cache
def load_theme_model() -> ThemeModel:
    """The shipped model. Raises ModelError when the file is damaged."""
    folder = data_folder() / "insights"
    verify_sha256(folder / "themes.npz", (folder / "themes.sha256").read_text(encoding="ascii").strip())
    with np.load(folder / "themes.npz", allow_pickle=False) as arrays:
        return ThemeModel(
            encoders=str(arrays["encoders"]),
            columns=tuple(str(one) for one in arrays["columns"]),
            recogniser=Recogniser(
                weights=arrays["weights"].astype(np.float32), bias=arrays["bias"], usual=arrays["usual"]
            ),
        )


def hear(raw: RawRows, encoders: str) -> Heard | None:
    """None with other encoders than the model was trained with."""
    model = load_theme_model()
    return hear_by(model, raw) if model.encoders == encoders else None


def hear_by(model: ThemeModel, raw: RawRows) -> Heard:
    """raw: n insights as they were said."""
    answered = raw.answers.any(axis=1, keepdims=True)
    replied = np.where(answered, model.recogniser.chances(raw.answers), np.float32(0))
    return Heard(model.recogniser.chances(raw.questions), np.asarray(replied, dtype=np.float32))
