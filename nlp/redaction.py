"""Takes people, companies and numbers out of what is shown: pure functions, and one that reads who is known.

Leaves ordinary words alone; what it replaces becomes a neutral placeholder.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from sqlite_utils import Database

from harvester.resources import data_folder
from nlp.phones import is_national_number
from nlp.postal import replace_addresses, replace_firms

NAME, COMPANY, EMAIL, PHONE, NUMBER = "[name]", "[company]", "[e-mail]", "[phone]", "[number]"
ADDRESS, PRODUCT = "[address]", "[product]"
MIN_BRAND_LETTERS = 6  # of the first word of a company that stands for the whole
MIN_NAME_LETTERS = 3
MIN_COMPANY_LETTERS = 4
MAX_COMPANY_WORDS = 4
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 7, 15

_EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_LETTERS = re.compile(r"[^\W\d_]+")
# Of ASCII only; looking for words in what is left is twice as fast as an expression.
_ONLY_SMALL_LETTERS = {code: chr(code).lower() if chr(code).isalpha() else " " for code in range(128)}
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’](?=[^\W\d_]))*")
# Digits with single separators between them; what is a phone number is decided below, not by the expression.
_DIGITS = re.compile(r"(?<![\w.])\+?\(?\d(?:[ \t./()-]{0,3}\d){6,19}(?![\w])")
# It begins with the letter that it begins with, and looks back from there: that is found several times faster than \b.
_IBAN = re.compile(r"[A-Z](?<!\w[A-Z])[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_NAME_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_DIGIT = re.compile(r"\d")
_DATE = re.compile(r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})(?![./-]\d)")
_THREE_BY_THREE = re.compile(r"[2-9]\d\d \d{3} \d{3}")  # a phone number in Lisbon, Madrid, Warsaw
_GROUPED = re.compile(r"\d{1,3}(?:[., ]\d{3})+")
_MARKED = re.compile(r"\b[^\W\d_][\w-]{0,40}[™®]")
_MODEL = re.compile(r"\[company\](?: [A-ZÀ-Þ][\w-]{0,20})? (?:[A-Z]{0,3}-?\d{1,5})\b")
_PLACEHOLDER = re.compile(r"\[[a-z-]+\]")
# Characters that nobody sees and that would tear a name or a number apart; line breaks and tabs stay.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)

_WORD_LISTS = ("titles", "greetings", "ordinary", "relations", "trades")


@dataclass(frozen=True, slots=True)
class _Known:
    """words: every word of a known name, folded. pairs: neighbours in one. companies: labels without spaces.

    starts: what a company's label may begin with. telling: all words that a text without names does not hold.
    """

    words: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    companies: frozenset[str]
    starts: frozenset[str]
    telling: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Words:
    """titles: words after which a name follows (Mr, Frau). greetings: openings (Dear, Hallo). ordinary: names that are
    words too (Will, Mark, Rose)."""

    titles: frozenset[str]
    greetings: frozenset[str]
    ordinary: frozenset[str]
    relations: frozenset[str]
    trades: frozenset[str]


def redact(text: str, names: Iterable[str] = (), companies: Iterable[str] = ()) -> str:
    """The text with people, companies, addresses and numbers replaced by placeholders.

    names: personal names from headers, signatures and the roster. companies: their domains or names.
    """
    return make_redactor(names, companies)(text)


def make_redactor(names: Iterable[str] = (), companies: Iterable[str] = ()) -> Callable[[str], str]:
    """`redact` for many texts: looks at names and companies once."""
    known = _know(tuple(names), tuple(companies))

    def redact_known(text: str) -> str:
        seen = drop_invisible(text)
        cleaned = _EMAIL.sub(EMAIL, seen) if "@" in seen else seen
        if _has_mark(cleaned):
            cleaned = _MARKED.sub(PRODUCT, cleaned)
        cleaned = replace_firms(cleaned, COMPANY)
        if _DIGIT.search(cleaned):
            cleaned = _IBAN.sub(lambda match: NUMBER if is_iban(match[0]) else match[0], cleaned)
            cleaned = replace_addresses(cleaned, ADDRESS)
            if _may_hold_phone(cleaned):
                cleaned = _DIGITS.sub(lambda match: _replace_digits(match[0]), cleaned)
        named = _replace_names(cleaned, known) if _may_name(cleaned, known) else cleaned
        return _MODEL.sub(f"{COMPANY} {PRODUCT}", named) if COMPANY in named else named

    return redact_known


def drop_invisible(text: str) -> str:
    """The text without control characters, zero-width characters and marks that turn the reading direction."""
    return text if text.isprintable() else _INVISIBLE.sub("", text)


def load_redactor(database: Database, company: str, domains: Iterable[str]) -> Callable[[str], str]:
    """Redaction that knows everybody who wrote or was written to, and every company that asked.

    company, domains: our own, which are nobody's secret.
    """
    people = "select name from people union select author_name from parts where author_name is not null"
    return make_redactor(
        without_own_words(_column(database, people), company, tuple(domains)),
        _column(database, "select distinct company from insights"),
    )


def without_own_words(names: tuple[str, ...], company: str, domains: tuple[str, ...]) -> tuple[str, ...]:
    """The names without what we are called ourselves: "Ana Ruiz (Acme)" must not hide "Acme" in every quote."""
    own = {word.casefold() for word in _NAME_WORD.findall(company)} | {domain.split(".")[0] for domain in domains}
    return tuple(" ".join([w for w in _NAME_WORD.findall(name) if w.casefold() not in own]) for name in names)


def _column(database: Database, query: str) -> tuple[str, ...]:
    return tuple(sorted(value for (value,) in database.conn.execute(query) if value))


def is_safe_quote(text: str) -> bool:
    """Whether a redacted text may be shown: nothing personal is left, and something is left to read."""
    if "@" in text and _EMAIL.search(text):
        return False
    if _DIGIT.search(text) and not (_has_harmless_numbers(text) and replace_addresses(text, ADDRESS) == text):
        return False
    if (_has_mark(text) and _MARKED.search(text)) or replace_firms(text, COMPANY) != text:
        return False
    return not text or _PLACEHOLDER.search(text) is None or _WORD.search(_PLACEHOLDER.sub(" ", text)) is not None


def _has_mark(text: str) -> bool:
    return "™" in text or "®" in text


def _has_harmless_numbers(text: str) -> bool:
    if any(is_iban(match[0]) for match in _IBAN.finditer(text)):
        return False
    return not _may_hold_phone(text) or all(_replace_digits(match[0]) == match[0] for match in _DIGITS.finditer(text))


def _may_hold_phone(text: str) -> bool:
    return len(_DIGIT.findall(text)) >= MIN_PHONE_DIGITS


def is_iban(text: str) -> bool:
    """Checks length and remainder (ISO 13616)."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def is_card(digits: str) -> bool:
    """Checks the last digit of 13 to 19 (Luhn, ISO/IEC 7812-1)."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _replace_digits(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if _THREE_BY_THREE.fullmatch(text):
        return PHONE
    if _DATE.match(text) or _GROUPED.fullmatch(text):
        return text
    if is_card(digits) and not text.startswith("+"):
        return NUMBER
    starts_like_phone = text.startswith(("+", "(", "0"))
    has_groups = len(re.findall(r"\d+", text)) >= 3
    if not MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS:
        return text
    return PHONE if starts_like_phone or has_groups or is_national_number(text) else text


def _may_name(text: str, known: _Known) -> bool:
    """A quick look: most sentences hold no word that could be or announce a name."""
    has_apostrophe = "'" in text or "’" in text
    # In ASCII, folding the text folds its words.
    if not has_apostrophe and text.isascii() and known.telling.isdisjoint(text.translate(_ONLY_SMALL_LETTERS).split()):
        return False
    words = _WORD.findall(text) if has_apostrophe else _LETTERS.findall(text)
    fold = _fold if has_apostrophe else str.casefold
    if known.telling.isdisjoint(map(fold, words)):
        return False
    if not _announcing().isdisjoint(map(fold, words)):
        return True
    is_careless = text.islower()
    capitalised = (fold(word) for word in words if is_careless or word[0].isupper())
    return any(word in known.words or word in known.starts for word in capitalised)


def _replace_names(text: str, known: _Known) -> str:
    tokens = list(_WORD.finditer(text))
    folded = [_fold(token[0]) for token in tokens]
    marks = _mark_companies(text, tokens, folded, known)
    for place, token in enumerate(tokens):
        if not marks[place] and _is_name(text, tokens, folded, place, known, marks):
            marks[place] = NAME
        if marks[place] == NAME and place and not marks[place - 1] and _belongs_before(text, tokens, place):
            marks[place - 1] = NAME
        del token
    pieces: list[str] = []
    end = 0
    for token, mark in zip(tokens, marks, strict=True):
        between = text[end : token.start()]
        end = token.end()
        if mark and pieces and pieces[-1] == mark and not between.strip(" .-’'"):
            continue
        pieces.append(between)
        pieces.append(mark or token[0])
    return "".join(pieces) + text[end:]


def _mark_companies(text: str, tokens: list[re.Match[str]], folded: list[str], known: _Known) -> list[str]:
    marks = [""] * len(tokens)
    for start in range(len(tokens)):
        if marks[start] or not tokens[start][0][0].isupper():
            continue
        joined = ""
        for stop in range(start, min(start + MAX_COMPANY_WORDS, len(tokens))):
            if stop > start and text[tokens[stop - 1].end() : tokens[stop].start()].strip(" -&'’"):
                break
            joined += folded[stop]
            if joined in known.companies or (stop == start and _is_brand(folded[start], known)):
                marks[start : stop + 1] = [COMPANY] * (stop + 1 - start)
    return marks


def _is_brand(word: str, known: _Known) -> bool:
    """ "Holloway" stands for Holloway Brewing, "Transport" for nobody."""
    return len(word) >= MIN_BRAND_LETTERS and word in known.starts and word not in _words().trades


def _is_name(
    text: str, tokens: list[re.Match[str]], folded: list[str], place: int, known: _Known, marks: list[str]
) -> bool:
    word = tokens[place][0]
    words = _words()
    if not word[0].isupper():
        # Somebody who writes no capital at all writes names small, too.
        return folded[place] in known.words and folded[place] not in words.ordinary and text.islower()
    before = folded[place - 1] if place else ""
    gap = text[tokens[place - 1].end() : tokens[place].start()] if place else ""
    adjacent = gap.strip(" .-’'") == ""
    if place and adjacent and before in words.titles and len(word) > 1:
        return True
    if place and gap == ". " and tokens[place - 1][0] == "M" and len(word) > 1:
        return True  # "C'est M. Delorge"
    if place and gap == " " and (before in words.relations or _is_first_name(tokens[place - 1][0])):
        return folded[place] not in words.titles and len(word) > 1
    if _is_first_name(word):
        return True
    if place and gap == " " and before in words.greetings and _ends_greeting(text, tokens[place].end()):
        return folded[place] not in words.titles
    if folded[place] not in known.words:
        return False
    if folded[place] not in words.ordinary:
        return True
    after = folded[place + 1] if place + 1 < len(folded) else ""
    return (folded[place], after) in known.pairs or (adjacent and (before, folded[place]) in known.pairs)


def _is_first_name(word: str) -> bool:
    return word[:1].isupper() and _fold(word) in _first_names() and _fold(word) not in _words().ordinary


def _ends_greeting(text: str, end: int) -> bool:
    """ "Hi Anna," and "Hallo Jörg!" and "Dear Anna Berg," but not "Dear Reader we ..." """
    rest = text[end : end + 30]
    return bool(re.match(r"(?: [^\W\d_a-z][\w'’-]{0,25})?\s{0,2}(?:[,!:\n]|-|–|$)", rest))


def _belongs_before(text: str, tokens: list[re.Match[str]], place: int) -> bool:
    """An initial in front of a name: "J. Smith"."""
    word = tokens[place - 1][0]
    gap = text[tokens[place - 1].end() : tokens[place].start()]
    return len(word) == 1 and word.isupper() and gap in (". ", ".")


@lru_cache(maxsize=4)
def _know(names: tuple[str, ...], companies: tuple[str, ...]) -> _Known:
    pairs: set[tuple[str, str]] = set()
    folded: dict[str, str] = {}  # a hundred thousand people share some thousand names
    for name in names:
        if "@" in name:
            continue
        words_of_name = (_WORD if "'" in name or "’" in name else _LETTERS).findall(name)
        parts = [part for part in [_remember(word, folded) for word in words_of_name] if part]
        if len(parts) > 1:
            pairs.update(pairwise(parts))
            pairs.update(pairwise(parts[::-1]))
    words = {part for part in folded.values() if part}
    labels = {_label(company) for company in companies if "@" not in company}
    labels = {label for label in labels if len(label) >= MIN_COMPANY_LETTERS}
    starts = {label[:end] for label in labels for end in range(1, len(label) + 1)}
    telling = words | starts | _announcing()
    return _Known(frozenset(words), frozenset(pairs), frozenset(labels), frozenset(starts), frozenset(telling))


def _remember(word: str, folded: dict[str, str]) -> str:
    """The word as it is compared; "" when it is too short or a title."""
    known = folded.get(word)
    if known is None:
        part = _fold(word)
        known = folded[word] = part if len(part) >= MIN_NAME_LETTERS and part not in _words().titles else ""
    return known


def _label(company: str) -> str:
    """ "holloway-brewing.co.uk" and "Holloway Brewing" -> "hollowaybrewing"."""
    return "".join(_fold(word) for word in _WORD.findall(company.split(".", 1)[0]))


def _fold(word: str) -> str:
    return word.replace("’", "'").removesuffix("'s").casefold()


@lru_cache(maxsize=1)
def _words() -> _Words:
    table = tomllib.loads((data_folder() / "insights" / "redaction.toml").read_text(encoding="utf-8"))
    return _Words(*(frozenset(word.casefold() for word in table[key]) for key in _WORD_LISTS))


@lru_cache(maxsize=1)
def _first_names() -> frozenset[str]:
    table = tomllib.loads((data_folder() / "insights" / "first_names.toml").read_text(encoding="utf-8"))
    return frozenset(name.casefold() for name in table["names"])


@lru_cache(maxsize=1)
def _announcing() -> frozenset[str]:
    """Words that are a name or that one may follow."""
    words = _words()
    return words.titles | words.greetings | words.relations | _first_names() | {"m"}
