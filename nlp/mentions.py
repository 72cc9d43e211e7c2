"""Finds which competitors and products buyers name: those of the config, and what the text shows. Pure.

The text shows a name after words such as "compared to" or "we use", or by a capital inside the sentences of several
companies; once found it is counted wherever it stands.
"""

import heapq
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from harvester.resources import data_folder
from nlp.atlas import general_stems
from nlp.records import StoredInsight
from nlp.wording import stems_in

COMPETITOR, PRODUCT = "competitor", "product"
MOST_READ = 10_000  # insights, the newest
MOST_FOUND = 200  # names of a mailbox; what is named less often is left out
MOST_SHOWN = 12  # of one topic
MIN_LETTERS, MAX_LETTERS = 2, 40
SEVERAL = 2  # companies that write a word with a capital: then it is a name
CUED = 3  # what a telling word says of a name counts as much as three sentences without
GERMAN = "de"  # every noun has a capital
VERSUS = "versus"  # the category in which suppliers are compared

# The first word holds a capital; up to two more capitalised words or numbers belong to it ("Business Central 365").
_NAME = re.compile(
    r"(?P<name>(?=\w{0,20}[A-ZÀ-ÖØ-Þ])[^\W_][\w&+-]{1,30}(?: (?:[A-ZÀ-ÖØ-Þ][\w&+-]{0,30}|\d{1,4}(?!\d))){0,2})"
)


_MAY_HOLD = re.compile(r"(?<=[^.!?…] )[A-ZÀ-ÖØ-Þ][\w&+-]|[^\W\dA-Z_][A-Z]")  # a quick look: most sentences name nothing
_INSIDE = re.compile(r"(?<=[^\W\dA-Z_,] )(?=[A-ZÀ-ÖØ-Þ])")  # a capital after a word in small letters


@dataclass(frozen=True, slots=True)
class Listed:
    """What the config names."""

    competitors: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a topic. kind: competitor | product. companies: distinct, that name it. is_listed: in the config."""

    name: str
    kind: str
    companies: int
    is_listed: bool

    def as_json(self) -> dict[str, object]:
        """As `answers topics --json` gives it."""
        return {"name": self.name, "companies": self.companies, "listed": self.is_listed}


@dataclass(frozen=True, slots=True)
class Names:
    """spelled: name in lower case -> (how it is shown, its kind, whether the config names it)."""

    spelled: Mapping[str, tuple[str, str, bool]]
    pattern: re.Pattern[str] | None


def gather_names(insights: Iterable[StoredInsight], listed: Listed, own: Collection[str] = ()) -> Names:
    """Every name worth counting. own: what we are called ourselves, lower case, no competitor of anybody."""
    spelled = {name.casefold(): (name, PRODUCT, True) for name in listed.products}
    spelled |= {name.casefold(): (name, COMPETITOR, True) for name in listed.competitors}
    newest = heapq.nlargest(MOST_READ, insights, key=lambda insight: insight.id)
    for name, kind in _found_names(newest, own):
        spelled.setdefault(name.casefold(), (name, kind, False))
    if not spelled:
        return Names({}, None)
    branches = "|".join(re.escape(name) for name in sorted(spelled, key=lambda one: (-len(one), one)))
    return Names(spelled, re.compile(rf"(?<!\w)(?:{branches})(?!\w)", re.IGNORECASE))


def count_mentions(
    insights: Sequence[StoredInsight], names: Names, may_show: Callable[[str], bool] = lambda name: True
) -> tuple[Mention, ...]:
    """The names in one topic, by how many companies name them. may_show: of names that only the text shows.

    What somebody wrote small is counted when the config names it; a name that was found has to be written like one.
    """
    if names.pattern is None:
        return ()
    companies: dict[str, set[str]] = {}
    for insight in insights:
        if insight.inferred:
            continue
        for match in names.pattern.finditer(insight.text):
            key = match[0].casefold()
            if names.spelled[key][2] or not match[0].islower():
                companies.setdefault(key, set()).add(insight.company)
    counted = [Mention(*names.spelled[key][:2], len(who), names.spelled[key][2]) for key, who in companies.items()]
    shown = [one for one in counted if one.is_listed or may_show(one.name)]
    return tuple(sorted(shown, key=lambda one: (not one.is_listed, -one.companies, one.name))[:MOST_SHOWN])


@dataclass(slots=True)
class _Found:
    """What is known of one name while the mailbox is read. is_cued: it stood after a telling word."""

    companies: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    spellings: Counter[str] = field(default_factory=Counter)
    is_cued: bool = False


def _found_names(insights: Iterable[StoredInsight], own: Collection[str]) -> list[tuple[str, str]]:
    """(name, kind), the ones that most companies name first."""
    found: dict[str, _Found] = {}
    for insight in insights:
        if insight.inferred or not _MAY_HOLD.search(insight.text):
            continue
        cued = find_names(insight.text, insight.language)
        usual = COMPETITOR if insight.category == VERSUS else PRODUCT
        for name, kind, is_cued, weight in (
            *((name, kind, insight.language != GERMAN or _is_brand_like(name), CUED) for name, kind in cued),
            *((name, usual, False, 1) for name in _capitals(insight)),
        ):
            if name.casefold() in own:
                continue
            one = found.setdefault(name.casefold(), _Found())
            one.companies.add(insight.company)
            one.kinds[kind] += weight
            one.spellings[name] += 1
            one.is_cued |= is_cued
    known = _known_products()
    kept = [key for key, one in found.items() if one.is_cued or key in known or len(one.companies) >= SEVERAL]
    kept.sort(key=lambda key: (-len(found[key].companies), key))
    return [
        (_commonest(found[key].spellings), PRODUCT if key in known else _commonest(found[key].kinds))
        for key in kept[:MOST_FOUND]
    ]


def _capitals(insight: StoredInsight) -> set[str]:
    """Words with a capital inside a sentence, and products that everybody knows."""
    text = insight.text
    named = {match[0] for match in _known_pattern().finditer(text)}
    if insight.language == GERMAN:
        return named
    inside = (_NAME.match(text, match.end()) for match in _INSIDE.finditer(text))
    found = {_strip_ordinary(one["name"], insight.language) for one in inside if one is not None}
    return named | {name for name in found if MIN_LETTERS < len(name) <= MAX_LETTERS}


def find_names(text: str, language: str = "en") -> tuple[tuple[str, str], ...]:
    """(name, kind) of what is named after a telling word; ordinary words, months, countries are no names."""
    found = []
    for match in _cues().finditer(text):
        named = _NAME.match(text, match.end())
        if named is None:
            continue
        name = _strip_ordinary(named["name"], language)
        if MIN_LETTERS <= len(name) <= MAX_LETTERS:
            found.append((name, _kinds()[" ".join(match["cue"].casefold().split())]))
    return tuple(found)


def _strip_ordinary(name: str, language: str) -> str:
    """Without the months and the like at its ends; "" when the rest is one word that everybody uses."""
    words = name.strip("-&+").split(" ")
    while words and words[0].casefold() in _ordinary():
        words = words[1:]
    while words and words[-1].casefold() in _ordinary():
        words = words[:-1]
    is_name = len(words) > 1 and language != GERMAN
    return " ".join(words) if is_name or not all(_is_ordinary(word, language) for word in words) else ""


def _is_ordinary(word: str, language: str) -> bool:
    lower = word.casefold()
    if lower in _ordinary():
        return True
    if _is_brand_like(word):
        return False
    stems = stems_in(lower, language)
    return not stems or bool(stems & general_stems().get(language, frozenset()))


def _is_brand_like(word: str) -> bool:
    """ "SAP", "iPad", "Docu365": no word of the language is written like that."""
    return any(letter.isupper() for letter in word[1:]) or any(letter.isdigit() for letter in word)


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda one: (-counts[one], one))


@cache
def _load_file() -> dict[str, Any]:
    return tomllib.loads((data_folder() / "insights" / "mentions.toml").read_text(encoding="utf-8"))


def _by_language() -> list[dict[str, list[str]]]:
    return [entry for entry in _load_file().values() if isinstance(entry, dict)]


@cache
def _ordinary() -> frozenset[str]:
    return frozenset(_load_file()["ordinary"])


@cache
def _known_products() -> frozenset[str]:
    return frozenset(name.casefold() for name in _load_file()["known"])


@cache
def _known_pattern() -> re.Pattern[str]:
    names = sorted(map(re.escape, _load_file()["known"]), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)")


@cache
def _kinds() -> dict[str, str]:
    """Cue -> kind; what tells of a competitor in one language wins."""
    tables = _by_language()
    kinds = {cue: PRODUCT for table in tables for cue in table["product"]}
    return kinds | {cue: COMPETITOR for table in tables for cue in table["competitor"]}


@cache
def _cues() -> re.Pattern[str]:
    # Longest first: an alternation takes the first branch that fits. Single blanks only, so that nothing backtracks.
    cues = "|".join(re.escape(cue).replace(r"\ ", " ") for cue in sorted(_kinds(), key=lambda cue: (-len(cue), cue)))
    skipped = "|".join(sorted({word for table in _by_language() for word in table["skipped"]}))
    return re.compile(rf"(?<!\w)(?P<cue>(?i:{cues}))(?!\w)[ :]{{1,3}}(?:(?i:{skipped}) ){{0,2}}")
