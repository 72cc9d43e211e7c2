"""The words that the gate looks for, from data/gate and every language, and how they are looked for."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from harvester.resources import data_folder

# First word -> phrases that begin with it; under "" those of languages that put no spaces between words.
PhraseIndex = Mapping[str, tuple[str, ...]]

UNSPACED = 0x2E80  # from here on Chinese, Japanese and Korean
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of data/gate and of every language; all lower case, single spaces.

    own_sentences: stand in every mail of ours, in every language that we write.
    away_phrases: say that somebody is away. away_hints: go with that ("for urgent matters"), alone they say nothing.
    """

    own_sentences: tuple[str, ...]
    automatic_subjects: tuple[str, ...]
    doubtful_subjects: frozenset[str]
    automatic_senders: frozenset[str]
    away_subjects: tuple[str, ...]
    away_phrases: PhraseIndex
    away_hints: PhraseIndex
    heard: PhraseIndex
    meetings: tuple[str, ...]
    declined: PhraseIndex


@lru_cache(maxsize=1)
def load_words() -> Words:
    """Everything that is shipped, read once."""
    gate = data_folder() / "gate"
    automatic = _read(gate / "automatic.toml")
    away_subjects: list[str] = []
    away_phrases: list[str] = []
    away_hints: list[str] = []
    heard: list[str] = []
    for path in sorted((data_folder() / "languages").glob("*.toml")):
        language = _read(path)
        away_subjects += language.get("out_of_office", {}).get("subject", ())
        away_phrases += language.get("out_of_office", {}).get("phrases", ())
        away_hints += language.get("out_of_office", {}).get("hints", ())
        heard += language.get("note", {}).get("heard", ())
    frames = [_read(path)["footer"] for path in sorted((data_folder() / "frame").glob("*.toml"))]
    own = [*automatic["notices"], *(footer[key] for footer in frames for key in ("basis", "privacy"))]
    return Words(
        own_sentences=_longest_first(own),
        automatic_subjects=_longest_first(automatic["subjects"]),
        doubtful_subjects=frozenset(map(spaced, automatic["doubtful"])),
        automatic_senders=frozenset(automatic["senders"]),
        away_subjects=_longest_first(away_subjects),
        away_phrases=_index(away_phrases),
        away_hints=_index(away_hints),
        heard=_index(heard),
        meetings=tuple(map(spaced, _read(gate / "meetings.toml")["phrases"])),
        declined=_index(_read(gate / "declined.toml")["phrases"]),
    )


def _longest_first(phrases: list[str]) -> tuple[str, ...]:
    return tuple(sorted({spaced(phrase) for phrase in phrases} - {""}, key=lambda phrase: (-len(phrase), phrase)))


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _index(phrases: list[str]) -> PhraseIndex:
    index: dict[str, tuple[str, ...]] = {}
    for phrase in _longest_first(phrases):
        first = _WORD.search(phrase)
        key = "" if first is None or ord(phrase[0]) >= UNSPACED else first[0]
        index[key] = (*index.get(key, ()), phrase)
    return index


def find_phrases(text: str, index: PhraseIndex) -> list[str]:
    """The phrases that stand in a text of lower case and single spaces, as whole words."""
    keys = {"", *_WORD.findall(text)} & index.keys()
    return [phrase for key in sorted(keys) for phrase in index[key] if has_words(text, phrase)]


def begins_subject(subject: str, phrase: str) -> bool:
    """The phrase stands alone, or before a colon or dash, at the beginning of the subject."""
    if not subject.startswith(phrase):
        return False
    rest = subject[len(phrase) :].lstrip()
    return not rest or rest[0] in ":：-–—|,.!([" or phrase.endswith(":")


def has_words(text: str, phrase: str) -> bool:
    """The phrase as whole words; texts are lower case with single spaces."""
    start = text.find(phrase)
    while start >= 0 and phrase:
        end = start + len(phrase)
        free_before = start == 0 or not (text[start - 1].isalnum() and phrase[0].isalnum())
        free_after = end == len(text) or not (text[end].isalnum() and phrase[-1].isalnum())
        if (free_before and free_after) or ord(phrase[0]) >= UNSPACED:
            return True
        start = text.find(phrase, start + 1)
    return False


def distinct(phrases: list[str]) -> list[str]:
    """Without phrases that are part of another one."""
    return [phrase for phrase in phrases if not any(phrase != other and phrase in other for other in phrases)]


def first_token(value: str | None) -> str:
    """The first word of a header value, lower case; "" when there is none."""
    return re.split(r"[;\s]", (value or "").strip().lower()[:60], maxsplit=1)[0]


def spaced(text: str) -> str:
    """Lower case, single spaces, straight apostrophes."""
    return " ".join(text.replace("’", "'").lower().split())
