"""Reads the atlas of a workspace: what this company's buyers ask that no other company's do, in atlas.toml.

Knows the file only; nlp/own_meanings.py teaches the recogniser what is in it.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nlp.atlas import LANGUAGES, Archetype, shipped_archetypes
from nlp.language import detect_language
from nlp.own_files import read_own_file
from nlp.records import CATEGORIES, STAGES

FILE_NAME = "atlas.toml"
MOST_BYTES = 1_000_000
MOST_ARCHETYPES, MOST_PHRASINGS, MOST_LETTERS = 50, 100, 400
LEAST_PHRASINGS = 3
# Those without an effect are taken as the shipped atlas has them, so that its pieces can be copied.
TEXTS = ("id", "name", "meaning", "category", "stage")
LISTS = ("formats", "structure", *LANGUAGES)

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,20}")


def read_own_atlas(folder: Path) -> tuple[Archetype, ...]:
    """In the order of the file; none when there is no file. Raises ConfigurationError, one line per problem."""
    table = read_own_file(folder / FILE_NAME, most_bytes=MOST_BYTES, holds="questions", find_problems=find_problems)
    if table is None:
        return ()
    return tuple(_archetype(row) for row in table["archetype"])


def find_problems(table: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with the file, one sentence each; empty when it can be used."""
    rows = table.get("archetype")
    if unknown := sorted(table.keys() - {"archetype"}):
        return (f"{unknown[0][:40]!r} is unknown; each entry begins with [[archetype]]",)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return ("holds no [[archetype]]; add one or delete the file",)
    if len(rows) > MOST_ARCHETYPES:
        return (f"holds {len(rows)} archetypes; {MOST_ARCHETYPES} is the most that can be told apart",)
    taken = {archetype.id for archetype in shipped_archetypes()}
    problems: list[str] = []
    for number, row in enumerate(rows, start=1):
        name = row.get("id")
        shown = repr(name[:60]) if isinstance(name, str) else str(number)
        problems += [f"archetype {shown}: {problem}" for problem in _problems_of(row, taken)]
        taken.add(str(name))
    return tuple(problems)


def _problems_of(row: Mapping[str, Any], taken: set[str]) -> list[str]:
    if unknown := sorted(row.keys() - {*TEXTS, *LISTS}):
        return [f"{unknown[0][:40]!r} is unknown; use {', '.join((*TEXTS, *LISTS))}"]
    if wrong := [key for key in TEXTS if key in row and not _is_text(row[key])]:
        return [f"{wrong[0]} has to be a text on one line"]
    if wrong := [key for key in LISTS if key in row and not _is_list(row[key])]:
        return [f"{wrong[0]} has to be a list of texts of at most {MOST_LETTERS} letters each"]
    if not _ID.fullmatch(str(row.get("id", ""))):
        return ["needs an id of small letters, digits and hyphens, for example dogs-on-board"]
    if row["id"] in taken:
        return ["this id is taken, in this file or by the program; choose another one"]
    if "name" not in row:
        return ['needs a name: the question as you would put it, for example name = "Does the ferry take dogs?"']
    if row.get("category", "other") not in CATEGORIES:
        return [f"category has to be one of {', '.join(CATEGORIES)}"]
    if row.get("stage", STAGES[0]) not in STAGES:
        return [f"stage has to be one of {', '.join(STAGES)}"]
    count = len(_phrasings(row))
    if not LEAST_PHRASINGS <= count <= MOST_PHRASINGS:
        return [f"has {count} phrasings; {LEAST_PHRASINGS} to {MOST_PHRASINGS} are needed, 10 or more are good"]
    return []


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= MOST_LETTERS


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(_is_text(one) for one in value)


def _phrasings(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((code, text.strip()) for code in LANGUAGES for text in row.get(code, ()))


def _archetype(row: Mapping[str, Any]) -> Archetype:
    name, phrasings = row["name"].strip(), _phrasings(row)
    asked = (detect_language(name), name)
    everything = phrasings if asked in phrasings else (*phrasings, asked)
    return Archetype(row["id"], name, everything, is_own=True, category=row.get("category", ""))
