"""Reads the atlas that comes with the program: what B2B buyers ask in any industry, as archetypes.

Knows files only; what follows from an archetype is decided elsewhere.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from harvester.resources import data_folder

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")


@dataclass(frozen=True, slots=True)
class Archetype:
    """One thing that buyers ask everywhere. name: in English. phrasings: (language, text)."""

    id: str
    name: str
    phrasings: tuple[tuple[str, str], ...]


@cache
def shipped_archetypes() -> tuple[Archetype, ...]:
    """In the order of their files."""
    files = sorted((data_folder() / "atlas").glob("*.toml"))
    rows = [row for file in files for row in tomllib.loads(file.read_text(encoding="utf-8"))["archetype"]]
    return tuple(_archetype(row) for row in rows)


def _archetype(row: dict[str, Any]) -> Archetype:
    phrasings = tuple((code, str(text)) for code in LANGUAGES for text in row.get(code, ()))
    return Archetype(str(row["id"]), str(row["name"]), phrasings)
