"""Reads the atlas that comes with the program: what B2B buyers ask in any industry, as archetypes.

Knows files only; what follows from an archetype is decided elsewhere.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from harvester.resources import data_folder
from nlp.wording import stems_in

ENOUGH_STEMS = 400  # of a language, to say what is unusual in it
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")


@dataclass(frozen=True, slots=True)
class Archetype:
    """One thing that buyers ask. name: in English. phrasings: (language, text). area: what it is about, "" unknown.

    names: (language, text), how it is called in others. category: of what asks it, "" unknown.
    is_own: of this company's buyers alone; its name is in whatever language the workspace has it.
    """

    id: str
    name: str
    phrasings: tuple[tuple[str, str], ...]
    is_own: bool = False
    area: str = ""
    names: tuple[tuple[str, str], ...] = ()
    category: str = ""


@cache
def shipped_archetypes() -> tuple[Archetype, ...]:
    """In the order of their files."""
    files = sorted((data_folder() / "atlas").glob("*.toml"))
    tables = [(file.stem, tomllib.loads(file.read_text(encoding="utf-8"))) for file in files]
    return tuple(_archetype(row, area) for area, table in tables for row in table["archetype"])


@cache
def general_stems() -> dict[str, frozenset[str]]:
    """By language, the stems of words that buyers of any trade use; languages with few phrasings are left out."""
    stems: dict[str, set[str]] = {}
    for archetype in shipped_archetypes():
        for language, text in (("en", archetype.name), *archetype.phrasings):
            stems.setdefault(language, set()).update(stems_in(text, language))
    return {language: frozenset(found) for language, found in stems.items() if len(found) >= ENOUGH_STEMS}


def _archetype(row: dict[str, Any], area: str) -> Archetype:
    phrasings = tuple((code, str(text)) for code in LANGUAGES for text in row.get(code, ()))
    names = tuple((code, str(row[f"name_{code}"])) for code in LANGUAGES if f"name_{code}" in row)
    return Archetype(str(row["id"]), str(row["name"]), phrasings, area=area, names=names, category=str(row["category"]))
