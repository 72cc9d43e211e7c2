"""How topics and pages are turned into vectors for the matching. Pure but for the encoders that are handed in."""

import tomllib
from collections.abc import Sequence

import numpy as np

from harvester.resources import data_folder
from nlp.embedding import Embedder, Encoders, Vectors
from nlp.page_matching import VoiceVectors
from nlp.space import Expression

MOST_SAYINGS = 24  # of one topic; more say nothing new


def encoders_in_use(encoders: Encoders) -> tuple[Embedder, ...]:
    """The English one first."""
    return (encoders.english, encoders.multilingual) if encoders.multilingual else (encoders.english,)


def embed_sayings(encoders: Encoders, topics: Sequence[Sequence[Expression]]) -> VoiceVectors:
    """One row per topic and encoder: the mean of its questions, and of the answers to them."""
    questions = [[saying.question for saying in sayings] for sayings in topics]
    answers = [[saying.answer for saying in sayings if saying.answer] for sayings in topics]
    used = encoders_in_use(encoders)
    return VoiceVectors(
        tuple(_means(encoder, questions) for encoder in used), tuple(_means(encoder, answers) for encoder in used)
    )


def embed_prior(encoders: Encoders) -> VoiceVectors:
    """What questions and answers have in common everywhere: one row per encoder."""
    languages = tomllib.loads((data_folder() / "embedding" / "centre.toml").read_text(encoding="utf-8"))
    questions = [[text for said in languages.values() for text in said["questions"]]]
    answers = [[text for said in languages.values() for text in said["answers"]]]
    used = encoders_in_use(encoders)
    return VoiceVectors(
        tuple(_means(encoder, questions) for encoder in used), tuple(_means(encoder, answers) for encoder in used)
    )


def spread(sayings: Sequence[Expression]) -> tuple[Expression, ...]:
    """At most MOST_SAYINGS of them, evenly from first to last."""
    if len(sayings) <= MOST_SAYINGS:
        return tuple(sayings)
    places = np.linspace(0, len(sayings) - 1, MOST_SAYINGS).astype(int)
    return tuple(sayings[place] for place in places)


def _means(encoder: Embedder, groups: Sequence[Sequence[str]]) -> Vectors:
    texts = list(dict.fromkeys(text for group in groups for text in group))
    vectors = encoder.embed(texts)
    place = {text: row for row, text in enumerate(texts)}
    means = np.zeros((len(groups), encoder.size), dtype=np.float32)
    for row, group in enumerate(groups):
        if group:
            means[row] = vectors[[place[text] for text in group]].mean(axis=0)
    return means
