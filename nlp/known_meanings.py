"""Tells what a topic means when the atlas knows it, so that it can be named by it. Pure; silent when in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nlp.atlas import Archetype
from nlp.embedding import Vectors
from nlp.views import ANSWER_SHARE, LEAST_CHANCE

# How far the likeliest archetype has to be ahead, in mean log chance, and how much that is worth: the lead times the
# root of the members. Two sentences are too few to tell one archetype from its neighbours.
CLEAR_LEAD, ENOUGH_EVIDENCE, MIN_MEMBERS = 0.7, 3.6, 3
STRONG_EVIDENCE = 4.0
MOST_MEMBERS = 30
MIN_NAME_WORDS = 4
PRIOR_INSIGHTS = 40  # what an ordinary mailbox counts beside this one


@dataclass(frozen=True, slots=True)
class Usual:
    """Mean log chances over everything that is said in a mailbox. questions, answers: (k,)."""

    questions: Vectors
    answers: Vectors


def weigh_usual(question_chances: Vectors, answer_chances: Vectors, ordinary: Vectors) -> Usual:
    """What this mailbox speaks of anyway tells nothing about one topic: translators are asked of languages all day.

    question_chances, answer_chances: (n, k) of a mailbox. ordinary: (k,), mean log chance over ordinary insights.
    """
    return Usual(_blend(question_chances, ordinary), _blend(answer_chances[answer_chances.any(axis=1)], ordinary))


def find_meaning(
    question_chances: Vectors, answer_chances: Vectors, usual: Usual, areas: Sequence[str] = ()
) -> int | None:
    """The archetype that the members of a topic mean together, None when none is clearly ahead.

    question_chances, answer_chances: (n, k), rows sum to 1, zero where nothing was answered; in order of arrival.
    areas: what each of the k archetypes is about.
    """
    if len(question_chances) < MIN_MEMBERS:
        return None
    mean = weigh_members(question_chances, answer_chances, usual, ANSWER_SHARE).mean(axis=0)
    said = weigh_members(question_chances, answer_chances, usual, 0)
    second, best = np.argsort(mean)[-2:]
    lead = float(mean[best] - mean[second])
    evidence = lead * len(said) ** 0.5
    if lead < CLEAR_LEAD or evidence < ENOUGH_EVIDENCE:
        return None
    # Both ways of counting have to agree: the product of chances listens to all members, their sum to the sure ones.
    # With strong evidence it is enough that both speak of the same area: "per user" and "in all" are both the price.
    by_sum = int(_chances_here(said).mean(axis=0).argmax())
    is_near = bool(areas) and areas[by_sum] == areas[best] != "" and evidence >= STRONG_EVIDENCE
    return int(best) if by_sum == int(best) or is_near else None


def weigh_members(question_chances: Vectors, answer_chances: Vectors, usual: Usual, answer_share: float) -> Vectors:
    """(m, k): by how much each of the first members speaks more of each archetype than the mailbox does anyway."""
    asked, replied = question_chances[:MOST_MEMBERS], answer_chances[:MOST_MEMBERS]
    has_answer = replied.any(axis=1, keepdims=True)
    said = np.log(asked + LEAST_CHANCE) - usual.questions
    answered = np.where(has_answer, np.log(replied + LEAST_CHANCE) - usual.answers, 0)
    return np.asarray(said + answer_share * answered, dtype=np.float32)


def _blend(chances: Vectors, ordinary: Vectors) -> Vectors:
    total = np.log(chances + LEAST_CHANCE).sum(axis=0) + PRIOR_INSIGHTS * ordinary
    return np.asarray(total / (len(chances) + PRIOR_INSIGHTS), dtype=np.float32)


def _chances_here(log_ratios: Vectors) -> Vectors:
    """(n, k), rows sum to 1: chances in this mailbox, whatever it speaks of most."""
    ratios = np.exp(log_ratios - log_ratios.max(axis=1, keepdims=True))
    return np.asarray(ratios / ratios.sum(axis=1, keepdims=True), dtype=np.float32)


def name_archetype(archetype: Archetype, language: str) -> str:
    """How the atlas calls it in a language, else its first question there that fits anybody, "" without one.

    An archetype of the workspace is called what its author called it.
    """
    if language == "en" or archetype.is_own:
        return archetype.name
    known = dict(archetype.names).get(language)
    return known or next((text for code, text in archetype.phrasings if code == language and _fits_anybody(text)), "")


def _fits_anybody(text: str) -> bool:
    """A whole question without a story before it and without the figures of one customer."""
    is_one = not any(f"{mark} " in text for mark in ".!?")
    is_whole = text.endswith("?") and len(text.split()) >= MIN_NAME_WORDS
    return is_one and is_whole and not any(letter.isdigit() for letter in text)
