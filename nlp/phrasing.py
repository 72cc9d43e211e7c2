"""Weighs how well a sentence is understood without the mail around it. Pure; the words it looks for are data."""

import tomllib
from collections.abc import Collection
from functools import cache

from harvester.resources import data_folder
from nlp.records import Kind, StoredInsight

MIN_WORDS = 4
MAX_LETTERS = 90
DEPENDENT_WORDS = 3  # at the start
TELLING_LETTERS, TELLING_WORDS = 5, 2  # shorter words are mostly grammar


def weigh_phrasing(insight: StoredInsight, people: Collection[str] = (), text: str | None = None) -> float:
    """How many places in the order of centrality its blemishes are worth; 0 for a good question.

    people: words of their names, lower case. text: what is to be read instead of the insight's whole text.
    """
    said = insight.text if text is None else text
    words = [word.strip(".,;:!?()\"'’").lower() for word in said.split()]
    blemishes = (
        (6.0, insight.kind is not Kind.QUESTION),
        (4.0, "?" not in said),
        (4.0, len(said) > MAX_LETTERS),
        (8.0, len(words) < MIN_WORDS),
        (5.0, sum(len(word) >= TELLING_LETTERS for word in words) < TELLING_WORDS),
        (3.0, not _dependent_words().isdisjoint(words[:DEPENDENT_WORDS])),
        (6.0, insight.inferred),
        (5.0, any(word in people for word in words)),
        (1.0, any(character.isdigit() for character in said)),
    )
    return sum(cost for cost, is_blemished in blemishes if is_blemished)


@cache
def _dependent_words() -> frozenset[str]:
    content = tomllib.loads((data_folder() / "insights" / "naming.toml").read_text(encoding="utf-8"))
    return frozenset(content["dependent"])
