"""Teaches the recogniser the archetypes of a workspace beside those it was shipped with, whose weights stay. Pure.

Each own archetype gets one more row of the multinomial regression: the logistic regression of its phrasings against a
sample of all others, with the shipped archetypes as what it has to be ahead of.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nlp.atlas import Archetype, shipped_archetypes
from nlp.embedding import Vectors
from nlp.same_topic import SameTopic
from nlp.space import Block, Expression, embed_expressions
from nlp.views import LEAST_CHANCE, Recogniser

STRENGTH = 30.0  # inverse of the regularisation, as bench/train_topics.py has it for the others
PHRASINGS_SAMPLED = 2  # of each shipped archetype: enough to know what an own one is not
MOST_STEPS, CLOSE_ENOUGH = 60, 1e-6


def learn_own(model: SameTopic, own: Sequence[Archetype], blocks: Sequence[Block]) -> SameTopic:
    """The model that also knows these archetypes; itself when there are none."""
    if not own:
        return model
    others = [phrasing for one in shipped_archetypes() for phrasing in _sample(one)]
    everything = sum(len(one.phrasings) for one in shipped_archetypes())
    recogniser = widen_recogniser(
        model.recogniser,
        [_embed(archetype.phrasings, blocks) for archetype in own],
        _embed(others, blocks),
        everything / len(others),
    )
    return replace(model, archetypes=(*model.archetypes, *(one.id for one in own)), recogniser=recogniser)


def widen_recogniser(recogniser: Recogniser, own: Sequence[Vectors], others: Vectors, weight: float) -> Recogniser:
    """own: per new archetype the (n, d) vectors of its phrasings. others: (m, d). weight: of each of them."""
    rows = np.vstack([*own, others]).astype(np.float64)
    scores = rows @ recogniser.weights + recogniser.bias
    top = scores.max(axis=1)
    ahead_of = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    counts = np.array([*(1.0 for some in own for _ in some), *(weight for _ in others)])
    ends = np.cumsum([len(some) for some in own])
    # The best weights are a sum of rows: in their own space there are fewer dimensions than an encoder has.
    basis, inside = np.linalg.qr(rows.T)
    learned = []
    for end, some in zip(ends, own, strict=True):
        is_it = np.zeros(len(rows))
        is_it[end - len(some) : end] = 1
        found = _fit(inside.T, is_it, ahead_of, counts)
        learned.append(np.append(basis @ found[:-1], found[-1]))
    wider = Recogniser(
        weights=np.hstack([recogniser.weights, np.array([one[:-1] for one in learned], dtype=np.float32).T]),
        bias=np.append(recogniser.bias, np.array([one[-1] for one in learned], dtype=np.float32)),
        usual=recogniser.usual,
    )
    log_chances = np.log(wider.chances(rows.astype(np.float32)) + LEAST_CHANCE)[:, len(recogniser.bias) :]
    usual = [_usual(log_chances[:, place], end - len(some), end, ends[-1], len(wider.bias))
             for place, (end, some) in enumerate(zip(ends, own, strict=True))]  # fmt: skip
    return replace(wider, usual=np.append(recogniser.usual, np.array(usual, dtype=np.float32)))


def _usual(log_chances: Vectors, first: int, end: int, others: int, archetypes: int) -> float:
    """The mean over ordinary insights, one of as many as there are archetypes meaning this one."""
    means_it, means_others = float(log_chances[first:end].mean()), float(log_chances[others:].mean())
    return (means_it + (archetypes - 1) * means_others) / archetypes


def _fit(
    rows: NDArray[np.float64], is_it: NDArray[np.float64], ahead_of: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(d + 1,): weights, then bias. Newton's method on the penalised likelihood, which has one maximum."""
    wide = np.hstack([rows, np.ones((len(rows), 1))])
    penalty = np.append(np.full(rows.shape[1], 1 / STRENGTH), 1e-6)
    found = np.zeros(wide.shape[1])
    loss = _loss(wide, found, is_it, ahead_of, counts, penalty)
    for _ in range(MOST_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(wide @ found - ahead_of, -500, 500)))
        slope = wide.T @ (counts * (chances - is_it)) + penalty * found
        bend = (wide * (counts * chances * (1 - chances))[:, None]).T @ wide + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        size = 1.0
        while (
            new := _loss(wide, found - size * step, is_it, ahead_of, counts, penalty)
        ) > loss and size > CLOSE_ENOUGH:
            size /= 2
        if loss - new < CLOSE_ENOUGH:
            break
        found, loss = found - size * step, new
    return found


def _loss(
    wide: NDArray[np.float64],
    found: NDArray[np.float64],
    is_it: NDArray[np.float64],
    ahead_of: NDArray[np.float64],
    counts: NDArray[np.float64],
    penalty: NDArray[np.float64],
) -> float:
    margins = wide @ found - ahead_of
    return float((counts * (np.logaddexp(0, margins) - is_it * margins)).sum() + (penalty * found**2).sum() / 2)


def _sample(archetype: Archetype) -> Sequence[tuple[str, str]]:
    """Some, spread over its languages."""
    step = max(1, len(archetype.phrasings) // PHRASINGS_SAMPLED)
    return archetype.phrasings[::step][:PHRASINGS_SAMPLED]


def _embed(phrasings: Sequence[tuple[str, str]], blocks: Sequence[Block]) -> Vectors:
    return embed_expressions(blocks, [Expression(text, "", None, language) for language, text in phrasings]).questions
