"""Tells when two texts say the same, by their words. Pure; knows no language and no meaning."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

ALIKE = 0.6
_WORD = re.compile(r"\w+")
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]{1,2000}", re.IGNORECASE)

T = TypeVar("T")


def telling_words(text: str) -> frozenset[str]:
    """The words that carry the meaning: long ones, figures and abbreviations. All words when there are none such."""
    words = _WORD.findall(text)
    telling = [word for word in words if len(word) > 3 or word[0].isdigit() or (len(word) > 1 and word.isupper())]
    return frozenset(map(str.casefold, telling or words))


def fold_same(items: Iterable[T], text_of: Callable[[T], str]) -> tuple[tuple[T, ...], ...]:
    """Groups of items with the same telling words, in order of their first one. "SAP" and "Oracle" never meet."""
    groups: dict[frozenset[str], list[T]] = {}
    for item in items:
        groups.setdefault(telling_words(text_of(item)), []).append(item)
    return tuple(tuple(group) for group in groups.values())


def prose_words(text: str) -> frozenset[str]:
    """Words without figures and web addresses: what stays the same when only a number changes."""
    return frozenset(word for word in _WORD.findall(without_links(text).casefold()) if not word[0].isdigit())


def are_alike(one: frozenset[str], other: frozenset[str], *, share: float = ALIKE) -> bool:
    """Whether most of the words are shared."""
    few, many = len(one), len(other)
    if few > many:
        few, many = many, few
    if not few or few < share * many:
        return False
    shared = len(one & other)
    return shared >= share * (few + many - shared)


def figures_in(text: str) -> frozenset[str]:
    """The numbers in a text, web addresses left out."""
    return frozenset(_FIGURE.findall(without_links(text)))


def links_in(text: str) -> frozenset[str]:
    """Web addresses without query and fragment, so that the same page counts once."""
    return frozenset(bare_link(link) for link in _WEB_ADDRESS.findall(text)) if "://" in text else frozenset()


def bare_link(url: str) -> str:
    """The address up to its path, without what the sentence put behind it."""
    return url.partition("?")[0].partition("#")[0].rstrip(".,;:!)]}>'\"/")


def without_links(text: str) -> str:
    """The text with its web addresses taken out."""
    return _WEB_ADDRESS.sub(" ", text) if "://" in text else text


def around_links(text: str) -> tuple[tuple[str, bool], ...]:
    """The text in pieces; True marks a web address."""
    pieces: list[tuple[str, bool]] = []
    last = 0
    for match in _WEB_ADDRESS.finditer(text):
        pieces += [(text[last : match.start()], False), (match[0], True)]
        last = match.end()
    return (*(piece for piece in pieces if piece[0]), *(((text[last:], False),) if text[last:] else ()))
