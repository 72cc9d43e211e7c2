"""Hears which wider question of buyers is asked, with models learned from the atlas and from other companies.

They lie in data/insights/themes.npz, written by bench/train_themes.py and checked by SHA-256; nothing of it is code.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from harvester.resources import data_folder
from nlp.embedding import Vectors, verify_sha256
from nlp.space import RawRows
from nlp.views import Recogniser

# What the caller looks at: see `Wide.weigh_signals` in nlp/themes.py.
SIGNALS = ("together", "least together", "recognised", "recognised ahead", "gist ahead", "gist beyond usual", "members")


@dataclass(frozen=True, slots=True)
class Gist:
    """What several insights ask in common: multinomial logistic regression on the means of what was said and answered.

    asked, replied: (d, g). bias: (g,).
    """

    asked: Vectors
    replied: Vectors
    bias: Vectors


@dataclass(frozen=True, slots=True)
class Caller:
    """The chance that a topic is rightly called by a column: logistic regression on `SIGNALS`. weights: (7,)."""

    weights: Vectors
    bias: float


@dataclass(frozen=True, slots=True)
class ThemeModel:
    """columns: ids of the g themes and of the archetypes in no theme. encoders: the name of those it was trained with.

    recogniser: of the columns, one insight at a time; its `usual` is the mean log chance over the phrasings of the
    atlas. gist: of the columns, all insights of a topic at once.
    """

    encoders: str
    columns: tuple[str, ...]
    recogniser: Recogniser
    gist: Gist
    caller: Caller


@dataclass(frozen=True, slots=True)
class Heard:
    """What n insights ask, and what they were answered. asked, replied: (n, g), rows sum to 1, zero where silent."""

    asked: Vectors
    replied: Vectors


@dataclass(frozen=True, slots=True)
class Hearing:
    """each: one insight at a time. asked, replied: (n, g), what each adds to the gist; zero where silent."""

    each: Heard
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
            gist=Gist(
                asked=arrays["gist_asked"].astype(np.float32),
                replied=arrays["gist_replied"].astype(np.float32),
                bias=arrays["gist_bias"],
            ),
            caller=Caller(weights=arrays["caller"], bias=float(arrays["caller_bias"])),
        )


def hear(raw: RawRows, encoders: str) -> Hearing | None:
    """None with other encoders than the model was trained with."""
    model = load_theme_model()
    return hear_by(model, raw) if model.encoders == encoders else None


def hear_by(model: ThemeModel, raw: RawRows) -> Hearing:
    """raw: n insights as they were said."""
    return Hearing(recognise(model.recogniser, raw), raw.questions @ model.gist.asked, raw.answers @ model.gist.replied)


def recognise(recogniser: Recogniser, raw: RawRows) -> Heard:
    """raw: n insights as they were said."""
    answered = raw.answers.any(axis=1, keepdims=True)
    replied = np.where(answered, recogniser.chances(raw.answers), np.float32(0))
    return Heard(recogniser.chances(raw.questions), np.asarray(replied, dtype=np.float32))
