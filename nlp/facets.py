"""Says what an insight is about (category) and how far its buyer is (stage), by the words of facets.toml."""

import re
import tomllib
from functools import cache

from harvester.resources import data_folder
from nlp.records import Kind

CATEGORY_NAMES = ("versus", "reviews", "best-of", "cost", "process", "fit")
STAGE_NAMES = ("decision", "awareness")
APOSTROPHE = str.maketrans({"’": "'"})


def category_of(text: str, kind: Kind) -> str:
    """One of CATEGORIES. A pain is a problem; a need without a telling word asks whether we fit."""
    if kind is Kind.PAIN:
        return "problems"
    best = _most_hits(text, "category")
    if best is None:
        return "fit" if kind is Kind.NEED else "other"
    return best


def stage_of(text: str, kind: Kind) -> str:
    """One of STAGES. Who tells what hurts is becoming aware; who asks is comparing, unless the words say otherwise."""
    if kind is Kind.PAIN:
        return "awareness"
    return _most_hits(text, "stage") or "consideration"


def count_hits(text: str, facet: str) -> dict[str, int]:
    """How many different words of each name of the facet ("category" or "stage") the text holds."""
    lower = text.lower().translate(APOSTROPHE)
    return {name: len(set(words.findall(lower))) for name, words in _words()[facet].items()}


def _most_hits(text: str, facet: str) -> str | None:
    counts = count_hits(text, facet)
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None


@cache
def _words() -> dict[str, dict[str, re.Pattern[str]]]:
    content = tomllib.loads((data_folder() / "insights" / "facets.toml").read_text(encoding="utf-8"))
    return {
        facet: {name: _compile(tuple(entry["words"])) for name, entry in names.items()}
        for facet, names in content.items()
    }


def _compile(words: tuple[str, ...]) -> re.Pattern[str]:
    # Longest first: an alternation takes the first branch that fits.
    ordered = sorted(set(words), key=len, reverse=True)
    branches = (re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "") for word in ordered)
    return re.compile(r"(?<!\w)(?:" + "|".join(branches) + r")(?!\w)")
