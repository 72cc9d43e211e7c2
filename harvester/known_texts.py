"""Tells own words from quoted ones by the mails that are being answered, where no mark and no introduction does. Pure.

Works on parts that are already separated; the archive (`thread_store`) says what the answered mails were.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from harvester.records import Mail, Part, Role
from harvester.splitting import pair_own_parts
from harvester.threads import MIN_HASHED_LETTERS, text_hash

MAX_KNOWN = 20  # texts that a mail is compared with
MAX_KNOWN_LETTERS = 50_000  # of each of them
MAX_LINES = 500  # lines of a part that are looked up one by one
MANY_WORDS = 6  # so many stand together in a known text, however its lines are broken, for no other reason
FEW_WORDS = 3  # fewer must stand right where the quote goes on
NEAR = 40
SAME_MESSAGE = 0.6  # share of the original that a quote of it holds at least

Mark = TypeVar("Mark")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class KnownText:
    """A stretch of a stored mail and who wrote it."""

    text: str
    author: str | None
    author_name: str | None


def separate_known_texts(parts: tuple[Part, ...], mail: Mail, known: Sequence[KnownText]) -> tuple[Part, ...]:
    """Own lines that stand word for word in an answered mail become quotes; what was typed into a quote becomes own.

    known: the parts of the mails that this one answers, the nearest mail first. Everything stays in its place; the very
    same `parts` come back when nothing is to be told.
    """
    known = [text for text in known if text.text.strip()][:MAX_KNOWN]
    marked = any(part.role in (Role.QUOTED, Role.FORWARDED) for part in parts)
    result: list[Part] = []
    for part in parts:
        if part.role is Role.OWN:
            # Beside a marked quote, only the words of others are quoted once more; one repeats one's own.
            result += _quote_known_lines(part, [k for k in known if not marked or k.author != part.author])
        elif part.role is Role.QUOTED and part.author:
            result += _free_typed_lines(part, mail, [k for k in known if k.author == part.author])
        else:
            result.append(part)
    return parts if result == list(parts) else pair_own_parts(result)


# ---------------------------------------------------------------- known lines among own ones
def _quote_known_lines(part: Part, known: Sequence[KnownText]) -> list[Part]:
    lines = part.text.split("\n")
    authors = [(text.author, text.author_name) if text else None for text in find_known_lines(lines, known)]
    if not any(authors):
        return [part]
    return [
        Part(Role.QUOTED, stretch, *author, depth=1) if author else replace(part, text=stretch)
        for author, stretch in _stretches(lines, authors)
    ]


def find_known_lines(lines: Sequence[str], known: Sequence[KnownText]) -> list[KnownText | None]:
    """For each line the text in which it stands word for word, None for a new one.

    A line counts only in a run of known lines that is longer than a greeting; empty lines belong to the run above.
    """
    by_line: dict[str, KnownText] = {}
    for text in known:
        for line in text.text[:MAX_KNOWN_LETTERS].split("\n"):
            by_line.setdefault(text_hash(line), text)
    spoken = [(_spoken(text.text), text) for text in known]
    sources: list[KnownText | None] = []
    for at, line in enumerate(lines):
        digest = text_hash(line)
        source = by_line.get(digest) if digest else None
        if source is None and at < MAX_LINES and len(line.split()) >= MANY_WORDS:
            needle = _spoken(line)
            source = next((text for words, text in spoken if needle in words), None)
        sources.append(source if digest else (sources[-1] if sources else None))
    return _without_short_runs(lines, sources)


def _without_short_runs(lines: Sequence[str], sources: Sequence[KnownText | None]) -> list[KnownText | None]:
    kept: list[KnownText | None] = []
    for known, group in groupby(range(len(lines)), key=lambda at: sources[at] is not None):
        run = list(group)
        letters = sum(len(letter) for at in run for letter in _WORDS.findall(lines[at]))
        kept += [sources[at] if known and letters >= MIN_HASHED_LETTERS else None for at in run]
    return kept


# ---------------------------------------------------------------- new lines among known ones
def _free_typed_lines(part: Part, mail: Mail, originals: Sequence[KnownText]) -> list[Part]:
    sender = mail.sender
    if sender is None or sender.address == part.author:
        return [part]
    lines = part.text.split("\n")
    for original in originals:
        typed = find_typed_lines(lines, original.text)
        if any(typed):
            name = sender.name or None
            return [
                Part(Role.OWN, stretch, sender.address, name, mail.sent_at) if is_own else replace(part, text=stretch)
                for is_own, stretch in _stretches(lines, typed)
            ]
    return [part]


def find_typed_lines(lines: Sequence[str], original: str) -> list[bool]:
    """Which lines of a quoted message were typed into it: below a line of its original and above the very next one.

    None are when too little of the original stands there; a line in place of another was changed on the way, not typed.
    What stands below its end (a closing may be missing) counts only where something was typed into it, too.
    """
    known = _spoken(original)
    typed = [False] * len(lines)
    run: list[int] = []
    position = matched = 0
    for at, line in enumerate(lines[:MAX_LINES]):
        needle = _spoken(line)
        if needle.isspace():
            continue
        far = len(needle) + NEAR if len(line.split()) < FEW_WORDS else len(known)
        found = known.find(needle, position, position + far)
        if found < 0:
            run.append(at)
            continue
        if matched and found <= position:
            _mark(typed, run)
        run.clear()
        matched += len(needle) - 1
        position = found + len(needle) - 1
    if any(typed) and position >= len(known) - NEAR:
        _mark(typed, run)
    return typed if matched >= SAME_MESSAGE * len(known) else [False] * len(lines)


def _mark(typed: list[bool], run: Sequence[int]) -> None:
    if run:
        typed[run[0] : run[-1] + 1] = [True] * (run[-1] + 1 - run[0])


def _spoken(text: str) -> str:
    """The words of a text, a space around each."""
    folded = unicodedata.normalize("NFKC", text[:MAX_KNOWN_LETTERS]).casefold()
    return f" {' '.join(_WORDS.findall(folded))} "


def _stretches(lines: Sequence[str], marks: Sequence[Mark]) -> list[tuple[Mark, str]]:
    """Neighbouring lines with the same mark as one text; without those that hold nothing."""
    found: list[tuple[Mark, str]] = []
    for mark, group in groupby(range(len(lines)), key=lambda at: marks[at]):
        stretch = "\n".join(lines[at] for at in group).strip("\n")
        if stretch.strip():
            found.append((mark, stretch))
    return found
