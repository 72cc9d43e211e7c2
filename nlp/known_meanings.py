"""Tells what a topic means when the atlas knows it, so that it can be named by it. Pure; silent when in doubt."""

import numpy as np

from nlp.atlas import Archetype
from nlp.embedding import Vectors
from nlp.views import ANSWER_SHARE, LEAST_CHANCE

# How far the likeliest archetype has to be ahead, in mean log chance, and how much that is worth: the lead times the
# root of the members. Pairs are named by their own words: two sentences are too few to tell.
CLEAR_LEAD, ENOUGH_EVIDENCE, MIN_MEMBERS = 1.0, 2.5, 3
MOST_MEMBERS = 30
MIN_NAME_WORDS = 4


def find_meaning(question_chances: Vectors, answer_chances: Vectors, usual: Vectors) -> int | None:
    """The archetype that the members of a topic mean together, None when none is clearly ahead.

    question_chances, answer_chances: (n, k), rows sum to 1, zero where nothing was answered; in order of
    arrival. usual: (k,), mean log chance over ordinary insights.
    """
    if len(question_chances) < MIN_MEMBERS:
        return None
    asked, replied = question_chances[:MOST_MEMBERS], answer_chances[:MOST_MEMBERS]
    has_answer = replied.any(axis=1, keepdims=True)
    evidence = np.log(asked + LEAST_CHANCE) - usual
    evidence += ANSWER_SHARE * np.where(has_answer, np.log(replied + LEAST_CHANCE) - usual, 0)
    mean = evidence.mean(axis=0)
    second, best = np.argsort(mean)[-2:]
    lead = float(mean[best] - mean[second])
    is_clear = lead >= CLEAR_LEAD and lead * len(asked) ** 0.5 >= ENOUGH_EVIDENCE
    # Both ways of counting have to agree: the product of chances listens to all members, their sum to the sure ones.
    is_agreed = int(asked.mean(axis=0).argmax()) == int(best)
    return int(best) if is_clear and is_agreed else None


def name_archetype(archetype: Archetype, language: str) -> str:
    """How the atlas calls it: its name in English, its first whole question in another language, "" without one."""
    if language == "en":
        return archetype.name
    questions = (text for code, text in archetype.phrasings if code == language and text.endswith("?"))
    return next((text for text in questions if len(text.split()) >= MIN_NAME_WORDS), "")
