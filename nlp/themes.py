"""Tells which wider question of the atlas a topic asks when no single archetype is clearly ahead. Pure."""

import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harvester.resources import data_folder
from nlp.atlas import Archetype
from nlp.embedding import Vectors
from nlp.known_meanings import MIN_MEMBERS, Usual, find_meaning, name_archetype, weigh_members, weigh_usual
from nlp.views import ANSWER_SHARE as NARROW_SHARE

# As in nlp/known_meanings.py, but what neighbouring archetypes share no longer counts against them, so that less is
# enough. Answers say more about the wider question than about its parts.
ENOUGH_EVIDENCE, STRONG_EVIDENCE = 1.4, 2.0
FEW_SURE = 2  # members that speak of nothing more; without them many members say a little of it, which is seldom it
ANSWER_SHARE = 0.75
MOST_BEHIND = 0.5  # evidence for anything else, when an archetype names
# How often a member has a category of its theme, and how much of that counts: the members' categories go together.
IN_CATEGORY, CATEGORY_SHARE, PRIOR_OF_CATEGORY = 0.7, 0.5, 5
ALONE_LEAD = 2.0  # of an archetype over its neighbour, to say more than their theme
MORE_LIKELY = 0.4  # the mean log chance of several archetypes together, above the log of their summed mean chances


@dataclass(frozen=True, slots=True)
class Theme:
    """asks: ids of archetypes. names: by language, the question."""

    id: str
    asks: tuple[str, ...]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wide:
    """A mailbox seen through themes. themes: what each of the g columns means, None for an archetype in no theme.

    columns: (k,) the column of each archetype. asked, replied: (n, g), as the chances of archetypes. fitting: (n, g),
    log ratios, how well the category of each insight fits.
    """

    themes: tuple[Theme | None, ...]
    columns: tuple[int, ...]
    asked: Vectors
    replied: Vectors
    usual: Usual
    fitting: Vectors

    def weigh(self, rows: NDArray[np.intp]) -> Vectors:
        """(m, g), as `weigh_members`."""
        said = weigh_members(self.asked[rows], self.replied[rows], self.usual, ANSWER_SHARE)
        return np.asarray(said + CATEGORY_SHARE * self.fitting[rows[: len(said)]], dtype=np.float32)


@cache
def shipped_themes() -> tuple[Theme, ...]:
    """In the order of their file."""
    table = tomllib.loads((data_folder() / "insights" / "themes.toml").read_text(encoding="utf-8"))
    return tuple(
        Theme(row["id"], tuple(row["asks"]), {key: text for key, text in row.items() if key not in ("id", "asks")})
        for row in table["theme"]
    )


def see_widely(
    archetypes: Sequence[Archetype], asked: Vectors, replied: Vectors, ordinary: Vectors, categories: Sequence[str]
) -> Wide:
    """archetypes: of the k columns of `asked` and `replied`. categories: of the n insights.

    ordinary: (k,), as for `weigh_usual`.
    """
    theme_of = {archetype: theme for theme in shipped_themes() for archetype in theme.asks}
    columns: dict[str, int] = {}
    themes: list[Theme | None] = []
    meant: list[set[str]] = []
    parts = np.zeros((len(archetypes), len(archetypes)), dtype=np.float32)
    for row, archetype in enumerate(archetypes):
        theme = None if archetype.is_own else theme_of.get(archetype.id)
        key = f"theme {theme.id}" if theme else f"archetype {archetype.id}"
        if key not in columns:
            columns[key] = len(themes)
            themes.append(theme)
            meant.append(set())
        parts[row, columns[key]] = 1
        meant[columns[key]].add(archetype.category)
    parts = parts[:, : len(themes)]
    usually = np.log(np.exp(ordinary) @ parts) + MORE_LIKELY * (parts.sum(axis=0) > 1)
    wide_asked, wide_replied = asked @ parts, replied @ parts
    return Wide(
        tuple(themes),
        tuple(parts.argmax(axis=1).tolist()),
        wide_asked,
        wide_replied,
        weigh_usual(wide_asked, wide_replied, usually),
        _fit_categories(categories, meant),
    )


def _fit_categories(categories: Sequence[str], meant: Sequence[Collection[str]]) -> Vectors:
    """(n, g): what a category tells about what was meant. meant: categories of each of g columns, "" for unknown."""
    counts = Counter(categories)
    fitting = np.zeros((len(categories), len(meant)), dtype=np.float32)
    for column, own in enumerate(meant):
        if "" in own:
            continue
        inside = sum(counts[category] for category in own)
        usual = (inside + PRIOR_OF_CATEGORY) / (len(categories) + 2 * PRIOR_OF_CATEGORY)
        often = max(IN_CATEGORY, usual)
        is_in = np.array([category in own for category in categories], dtype=np.bool_)
        fitting[:, column] = np.where(is_in, np.log(often / usual), np.log((1 - often) / (1 - usual)))
    return fitting


def know_topic(
    asked: Vectors,
    replied: Vectors,
    usual: Usual,
    archetypes: Sequence[Archetype],
    wide: Wide,
    rows: NDArray[np.intp],
) -> tuple[Archetype | Theme, ...]:
    """What a topic clearly means, what names it best first; nothing when in doubt.

    asked, replied: (n, k) of its members, as for `find_meaning`. archetypes: of the k columns. rows: of its members in
    `wide`. What is asked beside one archetype is often its neighbour: then the wider question says what most ask.
    """
    theme = find_theme(wide, rows)
    wider = () if theme is None else (theme,)
    best = find_meaning(asked, replied, usual, [archetype.area for archetype in archetypes])
    if best is None or not _fits_widely(wide, rows, best):
        return wider
    narrow = archetypes[best]
    mean = weigh_members(asked, replied, usual, NARROW_SHARE).mean(axis=0)
    second = int(np.argsort(mean)[-2])
    is_torn = float(mean.max() - mean[second]) < ALONE_LEAD
    if theme is not None and is_torn and narrow.id in theme.asks and archetypes[second].id in theme.asks:
        return theme, narrow
    return narrow, *wider


def find_theme(wide: Wide, rows: NDArray[np.intp]) -> Theme | None:
    """The theme that these rows speak of together; None when none is ahead, or something in no theme is."""
    if len(rows) < MIN_MEMBERS:
        return None
    said = wide.weigh(rows)
    mean = said.mean(axis=0)
    second, best = np.argsort(mean)[-2:]
    evidence = float(mean[best] - mean[second]) * len(said) ** 0.5
    has_sure = int((said.argmax(axis=1) == best).sum()) >= FEW_SURE
    return wide.themes[best] if evidence >= (ENOUGH_EVIDENCE if has_sure else STRONG_EVIDENCE) else None


def _fits_widely(wide: Wide, rows: NDArray[np.intp], archetype: int) -> bool:
    """Whether nothing else is ahead of it, or of its theme, when neighbours count together."""
    said = weigh_members(wide.asked[rows], wide.replied[rows], wide.usual, ANSWER_SHARE)
    mean = said.mean(axis=0)
    behind = float(mean.max() - mean[wide.columns[archetype]])
    return bool(behind * len(said) ** 0.5 <= MOST_BEHIND)


def name_meaning(known_as: Sequence[Archetype | Theme], language: str, taken: Collection[str]) -> str:
    """The first question that no other topic bears; "" when there is none in this language.

    Two topics of one name could not be told apart.
    """
    names = (
        meaning.names.get(language, "") if isinstance(meaning, Theme) else name_archetype(meaning, language)
        for meaning in known_as
    )
    return next((name for name in names if name and name not in taken), "")
