"""Tells which wider question of the atlas a topic asks when no single archetype is clearly ahead. Pure."""

import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harvester.resources import data_folder
from nlp.atlas import Archetype, shipped_archetypes
from nlp.embedding import Vectors
from nlp.known_meanings import CLEAR_LEAD, MIN_MEMBERS, Usual, find_meaning, name_archetype, weigh_members, weigh_usual
from nlp.theme_model import Heard, ThemeModel
from nlp.views import ANSWER_SHARE as NARROW_SHARE
from nlp.views import LEAST_CHANCE

# A topic asks what its members agree on: the share of them that speak most of it, and by how much all of them do beyond
# what the mailbox speaks of anyway; the more members, the less of both is enough.
ENOUGH_AGREEMENT, PER_MEMBERS = 1.6, 0.35
PER_AGREEMENT = 12.0  # mean log chance that counts as much as all members agreeing
MOST_DOUBT = 0.3  # mean log chance by which the recogniser of archetypes alone may put another theme first
BY_ARCHETYPES = 0.4  # how much the recogniser of archetypes has to say beside the theme model
MORE_LIKELY = 0.4  # the mean log chance of several archetypes together, above the log of their summed mean chances
# Or what the recogniser alone is clear about, as in nlp/known_meanings.py, but what neighbouring archetypes share does
# not count against them, so that less is enough.
ENOUGH_EVIDENCE, STRONG_EVIDENCE = 1.4, 2.0
FEW_SURE = 2  # members that speak of nothing more; without them many members say a little of it, which is seldom it
ANSWER_SHARE = 0.75
MOST_BEHIND = 0.5  # evidence for anything else, when an archetype names
# How often a member has a category of its theme, and how much of that counts: the members' categories go together.
IN_CATEGORY, CATEGORY_SHARE, PRIOR_OF_CATEGORY = 0.7, 0.5, 5
ALONE_LEAD = 2.0  # of an archetype over its neighbour, to say more than their theme


@dataclass(frozen=True, slots=True)
class Theme:
    """asks: ids of archetypes. names: by language, the question."""

    id: str
    asks: tuple[str, ...]
    names: Mapping[str, str]


Meaning = Archetype | Theme


@dataclass(frozen=True, slots=True)
class Opinion:
    """Which of g themes are spoken of. asked, replied: (n, g), chances; zero where nothing was answered."""

    asked: Vectors
    replied: Vectors
    usual: Usual


@dataclass(frozen=True, slots=True)
class Wide:
    """A mailbox seen through themes. meanings: of the g columns. columns: id of an archetype -> where it is counted.

    recognised: by archetypes alone. together: with what the theme model hears. fitting: (n, g), log ratios, how well
    the category of each insight fits.
    """

    meanings: tuple[Meaning, ...]
    columns: Mapping[str, int]
    recognised: Opinion
    together: Opinion
    fitting: Vectors

    def weigh(self, opinion: Opinion, rows: NDArray[np.intp]) -> Vectors:
        """(m, g), as `weigh_members`."""
        said = weigh_members(opinion.asked[rows], opinion.replied[rows], opinion.usual, ANSWER_SHARE)
        return np.asarray(said + CATEGORY_SHARE * self.fitting[rows[: len(said)]], dtype=np.float32)


@cache
def shipped_themes() -> tuple[Theme, ...]:
    """In the order of their file."""
    table = tomllib.loads((data_folder() / "insights" / "themes.toml").read_text(encoding="utf-8"))
    return tuple(
        Theme(row["id"], tuple(row["asks"]), {key: text for key, text in row.items() if key not in ("id", "asks")})
        for row in table["theme"]
    )


@cache
def theme_columns() -> Mapping[str, str]:
    """Id of an archetype -> that of its theme, its own when it is in none."""
    theme_of = {archetype: theme.id for theme in shipped_themes() for archetype in theme.asks}
    return {archetype.id: theme_of.get(archetype.id, archetype.id) for archetype in shipped_archetypes()}


@cache
def name_columns() -> tuple[str, ...]:
    """What the theme model tells apart: ids of all themes, then of the archetypes in none."""
    return tuple(dict.fromkeys((*(theme.id for theme in shipped_themes()), *theme_columns().values())))


def see_widely(
    model: ThemeModel,
    heard: Heard,
    archetypes: Sequence[Archetype],
    chances: Heard,
    ordinary: Vectors,
    categories: Sequence[str],
) -> Wide:
    """heard: (n, g), what the theme model makes of n insights. chances: (n, k), what the recogniser of archetypes does.

    ordinary: (k,), as for `weigh_usual`. archetypes: of these k columns; those of the workspace are columns of their
    own, too. categories: of the n insights.
    """
    shipped = {archetype.id: archetype for archetype in shipped_archetypes()}
    themes = {theme.id: theme for theme in shipped_themes()}
    own = [archetype for archetype in archetypes if archetype.is_own]
    meanings = (*(themes.get(column) or shipped[column] for column in model.columns), *own)
    place = {column: row for row, column in enumerate(model.columns)}
    columns = {archetype: place[column] for archetype, column in theme_columns().items() if column in place}
    columns |= {archetype.id: len(place) + row for row, archetype in enumerate(own)}
    parts = np.zeros((len(archetypes), len(meanings)), dtype=np.float32)
    parts[np.arange(len(archetypes)), [columns[archetype.id] for archetype in archetypes]] = 1
    by_parts = Heard(chances.asked @ parts, chances.replied @ parts)
    asked = _join(heard.asked, by_parts.asked, len(own))
    replied = _join(heard.replied, by_parts.replied, len(own))
    counts = parts.sum(axis=0)
    usual = np.log(np.exp(ordinary) @ parts + LEAST_CHANCE) + MORE_LIKELY * (counts > 1)
    usually = (1 - BY_ARCHETYPES) * np.append(model.recogniser.usual, usual[len(place) :]) + BY_ARCHETYPES * usual
    meant = [
        {shipped[one].category for one in meaning.asks} if isinstance(meaning, Theme) else {meaning.category}
        for meaning in meanings
    ]
    return Wide(
        meanings,
        columns,
        _weigh_mailbox(by_parts.asked, by_parts.replied, np.where(counts > 0, usual, 0)),
        _weigh_mailbox(asked, replied, usually),
        _fit_categories(categories, meant),
    )


def _weigh_mailbox(asked: Vectors, replied: Vectors, ordinary: Vectors) -> Opinion:
    return Opinion(asked, replied, weigh_usual(asked, replied, np.asarray(ordinary, dtype=np.float32)))


def _join(heard: Vectors, recognised: Vectors, own: int) -> Vectors:
    """(n, g): both opinions, as a weighted geometric mean; of what the workspace calls its own only one is known."""
    shares = recognised[:, recognised.shape[1] - own :]
    known = np.hstack([heard * (1 - shares.sum(axis=1, keepdims=True)), shares])
    log_chances = (1 - BY_ARCHETYPES) * np.log(known + LEAST_CHANCE) + BY_ARCHETYPES * np.log(recognised + LEAST_CHANCE)
    is_silent = ~known.any(axis=1, keepdims=True)
    return np.asarray(np.where(is_silent, 0, np.exp(log_chances)), dtype=np.float32)


def _fit_categories(categories: Sequence[str], meant: Sequence[Collection[str]]) -> Vectors:
    """(n, g): what a category tells about what was meant. meant: categories of each of g columns, "" for unknown."""
    counts = Counter(categories)
    fitting = np.zeros((len(categories), len(meant)), dtype=np.float32)
    for column, own in enumerate(meant):
        if not own or "" in own:
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
    wide: Wide | None,
    rows: NDArray[np.intp],
) -> tuple[Meaning, ...]:
    """What a topic clearly means, what names it best first; nothing when in doubt.

    asked, replied: (n, k) of its members, as for `find_meaning`. archetypes: of the k columns. rows: of its members in
    `wide`, without which nothing is known. What is asked beside one archetype is often its neighbour: then the wider
    question says what most ask.
    """
    if wide is None or len(rows) < MIN_MEMBERS:
        return ()
    theme = find_theme(wide, rows)
    mean = weigh_members(asked, replied, usual, NARROW_SHARE).mean(axis=0)
    parts = _part_of(theme, archetypes, mean)
    best = find_meaning(asked, replied, usual, [archetype.area for archetype in archetypes])
    if best is None or not _fits_widely(wide, rows, archetypes[best], theme):
        return parts
    narrow = archetypes[best]
    second = int(np.argsort(mean)[-2])
    is_torn = float(mean.max() - mean[second]) < ALONE_LEAD
    if isinstance(theme, Theme) and is_torn and archetypes[second].id in theme.asks:
        return theme, narrow
    return narrow, *(meaning for meaning in parts if meaning.id != narrow.id)


def _part_of(theme: Meaning | None, archetypes: Sequence[Archetype], mean: Vectors) -> tuple[Meaning, ...]:
    """The theme and, should another topic bear its question, what of it these members clearly ask most."""
    if not isinstance(theme, Theme):
        return () if theme is None else (theme,)
    inside = [row for row, archetype in enumerate(archetypes) if archetype.id in theme.asks and not archetype.is_own]
    first, *others = sorted(inside, key=lambda row: -mean[row]) or [-1]
    is_clear = others and float(mean[first] - mean[others[0]]) >= CLEAR_LEAD
    return (theme, archetypes[first]) if is_clear else (theme,)


def find_theme(wide: Wide, rows: NDArray[np.intp]) -> Meaning | None:
    """What these rows speak of together; None when they do not agree and nothing is clearly ahead."""
    if len(rows) < MIN_MEMBERS:
        return None
    together, alone = wide.weigh(wide.together, rows), wide.weigh(wide.recognised, rows)
    agreed, recognised = together.mean(axis=0), alone.mean(axis=0)
    best = int(agreed.argmax())
    agreeing = float((together.argmax(axis=1) == best).mean())
    agreement = (agreeing + float(agreed[best]) / PER_AGREEMENT) * len(together) ** PER_MEMBERS
    meaning = wide.meanings[best]
    is_unknown = isinstance(meaning, Theme) and not meaning.asks  # by the recogniser
    rivals = [row for row, other in enumerate(wide.meanings) if row == best or isinstance(other, Theme)]
    is_doubted = not is_unknown and float(recognised[rivals].max() - recognised[best]) > MOST_DOUBT
    if agreement >= ENOUGH_AGREEMENT and not is_doubted:
        return meaning
    second, best = np.argsort(recognised)[-2:]
    evidence = float(recognised[best] - recognised[second]) * len(alone) ** 0.5
    has_sure = int((alone.argmax(axis=1) == best).sum()) >= FEW_SURE
    meaning = wide.meanings[best]
    is_ahead = isinstance(meaning, Theme) and evidence >= (ENOUGH_EVIDENCE if has_sure else STRONG_EVIDENCE)
    return meaning if is_ahead else None


def _fits_widely(wide: Wide, rows: NDArray[np.intp], archetype: Archetype, theme: Meaning | None) -> bool:
    """Whether it is a part of what the rows speak of together, or, where that is not clear, nothing is ahead of it."""
    column = wide.columns[archetype.id]
    if theme is not None:
        return wide.meanings[column] == theme
    opinion = wide.recognised
    said = weigh_members(opinion.asked[rows], opinion.replied[rows], opinion.usual, ANSWER_SHARE)
    mean = said.mean(axis=0)
    return bool(float(mean.max() - mean[column]) * len(said) ** 0.5 <= MOST_BEHIND)


def name_meaning(known_as: Sequence[Meaning], language: str, taken: Collection[str]) -> str:
    """The first question that no other topic bears; "" when there is none in this language.

    Two topics of one name could not be told apart.
    """
    names = (
        meaning.names.get(language, "") if isinstance(meaning, Theme) else name_archetype(meaning, language)
        for meaning in known_as
    )
    return next((name for name in names if name and name not in taken), "")
