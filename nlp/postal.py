"""Finds postal addresses and company names with their legal form in a text, by street words and number shapes.

Knows no map: what looks like a street with its number, a box number or a firm's full name is one. Linear in the text.
"""

import re
import tomllib
from functools import cache, lru_cache

from harvester.resources import data_folder

LOOKED_AT = 64  # characters on each side of a number, more than a word and what may stand between them
_NUMBERS = re.compile(r"\d+")
_UPPER = "A-ZÀ-ÖØ-ÞŁŚŻŹĆİĞŞ"
_NAME = rf"[{_UPPER}][\w'’.-]{{0,30}}"
_NUMBER = r"\d{1,5} ?[a-zA-Z]?(?:[-/]\d{1,4})?\b"
_POSTCODE = r"(?:[A-Z]{1,2}-)?(?:\d{2}-\d{3}|\d{4}-\d{3}|\d{3} \d{2}|\d{4} ?[A-Z]{2}|\d{4,5})"
_BRITISH = r"[A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}"
_BEHIND = rf"(?:,? (?:{_BRITISH}|\d[A-Z]{{2}}\b|[A-Z]{{2}} \d{{5}}|\d{{5}}))?"
_TAIL = rf"(?:,\s?(?:{_POSTCODE}\s)?{_NAME}(?: {_NAME}){{0,2}}{_BEHIND}){{0,3}}"
_LITTLE = r"(?:(?:de la|de los|de las|de l'|du|des|de|della|delle|dei|del|di|dos|das|do|da|d'|van der|van de|van) ?)?"


def replace_addresses(text: str, placeholder: str) -> str:
    """The text with whole addresses, postcode and town included, replaced."""
    if not _may_hold_address(text):
        return text
    for pattern in _address_patterns():
        text = pattern.sub(placeholder, text)
    return text


def replace_firms(text: str, placeholder: str) -> str:
    """The text with names like "Pemberton Foods Ltd" replaced; an article in front stays."""
    return _firm_pattern().sub(lambda match: _keep_article(match[0], placeholder), text)


def _keep_article(firm: str, placeholder: str) -> str:
    first, _, _ = firm.partition(" ")
    return f"{first} {placeholder}" if first.casefold() in _data()["articles"] else placeholder


@lru_cache(maxsize=16)  # a text is asked about when it is redacted, and again when it is checked
def _may_hold_address(text: str) -> bool:
    """A quick look around each number: in most texts no name, street or box stands beside it."""
    endings, behind = _around_numbers()
    is_ascii = text.isascii()
    for number in _NUMBERS.finditer(text):
        start, end = number.span()
        before = text[max(0, start - LOOKED_AT) : start]
        # Outside ASCII, capitals and small letters are no simple pairs.
        if not (is_ascii or (before.isascii() and text[start : end + LOOKED_AT].isascii())):
            return True
        word = before.rstrip(" ,").rpartition(" ")[2]
        small = word.lower()
        if small != word or small.endswith(endings) or behind.match(text, end):
            return True
    return False


@cache
def _around_numbers() -> tuple[tuple[str, ...], re.Pattern[str]]:
    """How a word before the number of a house or a box may end, in small letters, and what may follow the number."""
    data = _data()
    endings = (*data["street_endings"], *(box.split()[-1] for box in data["boxes"]))
    before = _any_of(data["street_before"])
    return tuple(ending.lower() for ending in endings), re.compile(
        rf"[a-zA-Z]?,? [{_UPPER}]|(?: ?bis| ?ter)?,? (?i:{before}) "
    )


@cache
def _address_patterns() -> tuple[re.Pattern[str], ...]:
    data = _data()
    before, after, endings, boxes, prepositions = (
        _any_of(data[name]) for name in ("street_before", "street_after", "street_endings", "boxes", "prepositions")
    )
    unit = r"(?:(?:Unit|Suite|Flat|Apt)\.? \w{1,5},? )?"
    return (
        re.compile(rf"\b(?i:{boxes}) ?\d{{1,7}}\b{_TAIL}"),
        re.compile(rf"{unit}\b\d{{1,5}}[a-zA-Z]?,? (?:{_NAME} ){{1,3}}(?i:{after})\b\.?{_TAIL}"),
        re.compile(
            rf"\b(?:[{_UPPER}][\w-]{{0,30}}(?:{endings})|{_NAME} (?i:{endings})|(?i:laan) van {_NAME}) {_NUMBER}{_TAIL}"
        ),
        re.compile(rf"\b(?:{prepositions}) (?:{_NAME} ){{1,2}}{_NUMBER}(?=,\s?(?:{_POSTCODE}\s)?[{_UPPER}]){_TAIL}"),
        re.compile(rf"\b\d{{1,4}}(?: ?bis| ?ter)?,? (?i:{before}) {_LITTLE}(?:{_NAME} ?){{1,3}}{_TAIL}"),
        re.compile(rf"(?<!\w)(?i:{before}) {_LITTLE}(?:{_NAME} ){{0,2}}{_NAME},? (?:n\.º ?)?{_NUMBER}{_TAIL}"),
    )


@cache
def _firm_pattern() -> re.Pattern[str]:
    forms = _any_of(_data()["legal_forms"])
    joined = rf"{_NAME},? (?:(?:&|und|and|et|y|e) )?"
    # The first name stands by itself: an expression that begins with a capital passes over the rest quickly.
    return re.compile(rf"{joined}(?:{joined}){{0,3}}(?:{forms})(?!\w)")


def _any_of(words: frozenset[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


@cache
def _data() -> dict[str, frozenset[str]]:
    table = tomllib.loads((data_folder() / "insights" / "redaction.toml").read_text(encoding="utf-8"))
    return {name: frozenset(words) for name, words in table["places"].items()}
