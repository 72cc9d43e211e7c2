"""Tells what topics clearly mean: an archetype of the atlas, or the wider question of several of them. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nlp.atlas import Archetype, shipped_archetypes
from nlp.known_meanings import weigh_usual
from nlp.likeness import LearnedLikeness
from nlp.theme_model import Heard, load_theme_model
from nlp.themes import Meaning, Wide, know_topic, see_widely
from nlp.topics import Crowd


def recognise_topics(
    crowd: Crowd,
    carried: NDArray[np.int64],
    topics: Sequence[int],
    own: Sequence[Archetype],
    categories: Sequence[str],
) -> dict[int, tuple[Meaning, ...]]:
    """Topic -> what it clearly means, what fits best first; by the members that were compared.

    carried: (n,) the topic of each row. topics: those that are asked about. own: the workspace's archetypes.
    categories: (n,).
    """
    likeness = crowd.likeness
    if not isinstance(likeness, LearnedLikeness):
        return {}
    archetypes = {archetype.id: archetype for archetype in (*shipped_archetypes(), *own)}
    asked, replied = likeness.views.question_atlas**2, likeness.views.answer_atlas**2
    usual = weigh_usual(asked, replied, likeness.model.recogniser.usual)
    known = [archetypes[archetype] for archetype in likeness.model.archetypes]
    compared = np.flatnonzero(likeness.comparable)
    compared = compared[np.argsort(likeness.positions[compared])]
    wide = _see_widely(likeness, known, Heard(asked, replied), [categories[row] for row in compared.tolist()])
    found = {}
    for topic in topics:
        rows = likeness.positions[(carried == topic) & likeness.comparable]
        found[topic] = know_topic(asked[rows], replied[rows], usual, known, wide, rows)
    return found


def _see_widely(
    likeness: LearnedLikeness, known: Sequence[Archetype], chances: Heard, categories: Sequence[str]
) -> Wide | None:
    if likeness.heard is None:
        return None
    ordinary = likeness.model.recogniser.usual
    return see_widely(load_theme_model(), likeness.heard, known, chances, ordinary, categories)
