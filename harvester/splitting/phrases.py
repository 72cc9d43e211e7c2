"""Finds any of thousands of fixed phrases in a line in time linear in the line, by looking up word after word."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

WORD = re.compile(r"\w+")
WILDCARD = re.compile(r"\{\w+\}")
UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
INVISIBLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0x00AD, 0x034F, 0x061C, 0x180E]
)


def fold(text: str) -> str:
    """Lower case, without invisible characters, typographic quotes and double spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(INVISIBLE)).replace("’", "'").replace("‘", "'")
    return " ".join(text.casefold().split())


class PhraseIndex:
    """A set of folded phrases. Phrases of languages without spaces match anywhere, all others at word borders."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._single: set[str] = set()
        self._by_pair: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        unspaced: list[str] = []
        for phrase in phrases:
            tokens = tuple(WORD.findall(phrase))
            if UNSPACED.search(phrase):
                unspaced.append(phrase)
            elif len(tokens) == 1:
                self._single.add(tokens[0])
            elif tokens:
                self._by_pair.setdefault(tokens[:2], []).append(tokens)
        for choices in self._by_pair.values():
            choices.sort(key=len, reverse=True)
        self._unspaced = re.compile("|".join(map(re.escape, sorted(unspaced, key=len, reverse=True))) or r"(?!)")

    def spans(self, folded: str) -> list[tuple[int, int]]:
        """Where phrases stand in a folded text, the longest at each word."""
        found: list[tuple[int, int]] = []
        matches = list(WORD.finditer(folded))
        words = [match.group() for match in matches]
        for at, size in self._starts(words):
            found.append((matches[at].start(), matches[at + size - 1].end()))
        if not folded.isascii():
            found += [match.span() for match in self._unspaced.finditer(folded)]
        return found

    def _starts(self, words: list[str]) -> Iterator[tuple[int, int]]:
        """(number of the first word, number of words) of every phrase."""
        single, by_pair = self._single, self._by_pair
        for at, pair in enumerate(zip(words, [*words[1:], ""], strict=False)):
            choices = by_pair.get(pair)
            size = 0
            if choices is not None:
                fitting = (len(c) for c in choices if len(c) == 2 or tuple(words[at : at + len(c)]) == c)
                size = next(fitting, 0)
            if size or pair[0] in single:
                yield at, size or 1

    def set_apart(self, text: str) -> str:
        """The text with spaces around phrases of languages that write without them."""
        return self._unspaced.sub(r" \g<0> ", text)

    def matches(self, folded: str) -> bool:
        """Whether any phrase stands in a folded text."""
        if next(self._starts(WORD.findall(folded)), None) is not None:
            return True
        return not folded.isascii() and self._unspaced.search(folded) is not None


class TemplateIndex:
    """Short footers such as "sent from my {device}", where a wildcard stands for a few words."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        self._by_last: dict[str, list[tuple[str, ...]]] = {}
        self._unspaced: list[tuple[str, ...]] = []
        for template in templates:
            pieces = tuple(" ".join(WORD.findall(piece)) for piece in WILDCARD.split(template))
            if UNSPACED.search(template):
                self._unspaced.append(tuple(piece.strip() for piece in WILDCARD.split(template)))
            elif pieces[0]:
                self._by_first.setdefault(pieces[0].split()[0], []).append(pieces)
            elif pieces[-1]:
                self._by_last.setdefault(pieces[-1].split()[-1], []).append(pieces)

    def matches(self, folded: str) -> bool:
        """Whether a folded line begins with a footer (and holds little else: that is for the caller to limit)."""
        words = WORD.findall(folded)
        if not words:
            return False
        line = " ".join(words)
        choices = [*self._by_first.get(words[0], ()), *self._by_last.get(words[-1], ())]
        if any(_fits(line, pieces) for pieces in choices):
            return True
        return UNSPACED.search(folded) is not None and any(
            folded.startswith(pieces[0]) and all(piece in folded for piece in pieces[1:]) for pieces in self._unspaced
        )


def _fits(line: str, pieces: tuple[str, ...]) -> bool:
    """pieces in this order; the first at the start; all at word borders because both sides are joined words."""
    first, *rest = pieces
    if first and not (line == first or line.startswith(first + " ")):
        return False
    at = len(first)
    for piece in rest:
        if piece:
            at = line.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        elif at >= len(line):
            return False
    return True
