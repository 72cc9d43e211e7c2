"""What the atlas ships: whole, told apart, and in enough words to be recognised by."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nlp.records import CATEGORIES, STAGES

FOLDER = Path(__file__).parent.parent / "data" / "atlas"
FILES = sorted(FOLDER.glob("*.toml"))
LANGUAGES = {"en", "de", "fr", "es", "it", "nl"}
TEXTS = ("id", "meaning", "category", "stage", "name")
MIN_PHRASINGS = {"en": 10, "de": 6}


def read_archetypes(path: Path) -> list[dict[str, Any]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))["archetype"]


ARCHETYPES = [archetype for path in FILES for archetype in read_archetypes(path)]


def phrasings_of(archetype: dict[str, Any]) -> list[str]:
    return [phrasing for language in sorted(LANGUAGES) for phrasing in archetype.get(language, ())]


def fingerprint(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


@pytest.mark.parametrize("area", ["cost", "contract", "process"])
def test_every_area_has_a_file(area):
    assert FOLDER / f"{area}.toml" in FILES


def test_the_atlas_covers_what_buyers_ask_everywhere():
    assert len(ARCHETYPES) >= 75


def test_ids_are_slugs_and_unique_over_all_files():
    ids = [archetype["id"] for archetype in ARCHETYPES]
    assert repeated(ids) == []
    assert [slug for slug in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)] == []


def test_names_and_meanings_are_unique():
    assert repeated([fingerprint(archetype["name"]) for archetype in ARCHETYPES]) == []
    assert repeated([fingerprint(archetype["meaning"]) for archetype in ARCHETYPES]) == []


@pytest.mark.parametrize("archetype", ARCHETYPES, ids=lambda archetype: archetype["id"])
def test_an_archetype_is_complete(archetype):
    assert all(archetype[key].strip() == archetype[key] != "" for key in TEXTS)
    assert "\n" not in archetype["meaning"]
    assert archetype["name"].endswith("?")
    assert archetype["category"] in CATEGORIES
    assert archetype["stage"] in STAGES
    assert archetype["formats"]
    for language, minimum in MIN_PHRASINGS.items():
        assert len(archetype[language]) >= minimum, language


def test_no_phrasing_stands_twice():
    phrasings = [fingerprint(phrasing) for archetype in ARCHETYPES for phrasing in phrasings_of(archetype)]
    assert "" not in phrasings
    assert repeated(phrasings) == []


def test_phrasings_are_not_all_direct_questions():
    """Buyers complain and wish as well as ask: each archetype must be found without a question mark, too."""
    plain = [
        archetype["id"]
        for archetype in ARCHETYPES
        if sum(not phrasing.endswith("?") for phrasing in archetype["en"] + archetype["de"]) < 2
    ]
    assert len(plain) <= len(ARCHETYPES) // 100, plain
