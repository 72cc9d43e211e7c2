"""Reads the atlas, the program's and the workspace's: what B2B buyers ask in any industry, as archetypes.

Knows files only; what follows from an archetype is decided elsewhere.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harvester.errors import ConfigurationError
from harvester.resources import data_folder

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")


@dataclass(frozen=True, slots=True)
class Archetype:
    """One thing that buyers ask everywhere. phrasings: (language, text)."""

    id: str
    meaning: str
    name: str
    category: str
    stage: str
    formats: tuple[str, ...]
    phrasings: tuple[tuple[str, str], ...]


@cache
def shipped_archetypes() -> tuple[Archetype, ...]:
    """The archetypes that come with the program, in the order of their files."""
    return tuple(_read_folder(data_folder() / "atlas"))


def own_archetypes(folder: Path) -> tuple[Archetype, ...]:
    """Those of a workspace: `atlas/*.toml` beside answers.toml; none when there is no such folder.

    Raises ConfigurationError that names file and archetype when one cannot be read.
    """
    return tuple(_read_folder(folder)) if folder.is_dir() else ()


def _read_folder(folder: Path) -> Iterator[Archetype]:
    for file in sorted(folder.glob("*.toml")):
        try:
            rows = tomllib.loads(file.read_text(encoding="utf-8")).get("archetype", [])
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError((f"{file} cannot be read: {error}",)) from error
        for row in rows:
            yield _archetype(row, file)


def _archetype(row: dict[str, Any], file: Path) -> Archetype:
    phrasings = tuple((code, str(text)) for code in LANGUAGES for text in row.get(code, ()))
    missing = [key for key in ("id", "meaning", "category", "stage", "name") if not row.get(key)]
    if missing or not phrasings:
        wanted = ", ".join(missing) or "phrasings in at least one language"
        raise ConfigurationError((f"{file}: archetype {row.get('id', '?')!r} lacks {wanted}",))
    return Archetype(
        id=str(row["id"]),
        meaning=str(row["meaning"]),
        name=str(row["name"]),
        category=str(row["category"]),
        stage=str(row["stage"]),
        formats=tuple(str(one) for one in row.get("formats", ())),
        phrasings=phrasings,
    )
