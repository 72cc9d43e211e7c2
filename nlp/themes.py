"""Tells which wider question of the atlas a topic asks, and which archetype of it where one is clearly ahead. Pure."""

import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np
from numpy.typing import NDArray

from harvester.resources import data_folder
from nlp.atlas import Archetype, shipped_archetypes
from nlp.embedding import Vectors
from nlp.known_meanings import CLEAR_LEAD, Usual, find_meaning, name_archetype, weigh_members, weigh_usual
from nlp.theme_model import Caller, Heard, Hearing, ThemeModel
from nlp.views import ANSWER_SHARE as NARROW_SHARE
from nlp.views import LEAST_CHANCE

FEWEST_MEMBERS = 2
SURE_ENOUGH = 0.7  # the chance of a theme being right; below it the best sentence of a buyer is the better name
BY_ARCHETYPES = 0.4  # how much the recogniser of archetypes has to say beside the theme model
MORE_LIKELY = 0.4  # the mean log chance of several archetypes together, above the log of their summed mean chances
ANSWER_SHARE = 0.75
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
class Gists:
    """What n insights add to the gist of a topic. asked, replied: (n, k), zero where silent. bias: (k,).

    own: (n, g - k), chances of what only the workspace calls by a name. usual: (g,), mean log chances of one insight.
    """

    asked: Vectors
    replied: Vectors
    bias: Vectors
    own: Vectors
    usual: Vectors

    def weigh(self, rows: NDArray[np.intp]) -> Vectors:
        """(g,): log chances of what these insights ask in common."""
        replied = self.replied[rows]
        answered = replied[replied.any(axis=1)]
        said = self.asked[rows].mean(axis=0) + (answered.mean(axis=0) if len(answered) else 0) + self.bias
        known = _beside_own(said[None], self.own[rows].mean(axis=0, keepdims=True))
        return known.ravel()


@dataclass(frozen=True, slots=True)
class Wide:
    """A mailbox seen through themes. meanings: of the g columns. columns: id of an archetype -> where it is counted.

    recognised: by archetypes alone. together: with what the theme model hears. fitting: (n, g), log ratios, how well
    the category of each insight fits. caller: tells from `weigh_signals` which column is right.
    """

    meanings: tuple[Meaning, ...]
    columns: Mapping[str, int]
    recognised: Opinion
    together: Opinion
    fitting: Vectors
    gists: Gists
    caller: Caller

    def weigh(self, opinion: Opinion, rows: NDArray[np.intp]) -> Vectors:
        """(m, g), as `weigh_members`."""
        said = weigh_members(opinion.asked[rows], opinion.replied[rows], opinion.usual, ANSWER_SHARE)
        return np.asarray(said + CATEGORY_SHARE * self.fitting[rows[: len(said)]], dtype=np.float32)

    def weigh_signals(self, rows: NDArray[np.intp]) -> Vectors:
        """(g, 7): what speaks for each column being what these insights ask, in the order of `SIGNALS`.

        By how much they speak more of it than the mailbox does anyway, all of them and the one that does least, by both
        ways of hearing; the same by archetypes alone, and how far ahead of all others; and what all of them ask at
        once: how far ahead of all others, and by how much more than one insight of the mailbox. At last how many they
        are, as a logarithm.
        """
        together = self.weigh(self.together, rows)
        recognised = self.weigh(self.recognised, rows).mean(axis=0)
        gist = self.gists.weigh(rows[: len(together)])
        signals = (
            together.mean(axis=0),
            together.min(axis=0),
            recognised,
            _lead(recognised),
            _lead(gist),
            gist - self.gists.usual,
            np.full(len(gist), log(len(together)), dtype=np.float32),
        )
        return np.stack(signals, axis=1)


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
    heard: Hearing,
    archetypes: Sequence[Archetype],
    chances: Heard,
    ordinary: Vectors,
    categories: Sequence[str],
) -> Wide:
    """heard: what the theme model makes of n insights. chances: (n, k), what the recogniser of archetypes does.

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
    asked = _join(heard.each.asked, by_parts.asked, len(own))
    replied = _join(heard.each.replied, by_parts.replied, len(own))
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
        _weigh_mailbox(by_parts.asked, by_parts.replied, np.where(counts > 0, usual, log(LEAST_CHANCE))),
        _weigh_mailbox(asked, replied, usually),
        _fit_categories(categories, meant),
        _gather_gists(model, heard, by_parts.asked[:, len(place) :]),
        model.caller,
    )


def _weigh_mailbox(asked: Vectors, replied: Vectors, ordinary: Vectors) -> Opinion:
    return Opinion(asked, replied, weigh_usual(asked, replied, np.asarray(ordinary, dtype=np.float32)))


def _gather_gists(model: ThemeModel, heard: Hearing, own: Vectors) -> Gists:
    alone = _beside_own(heard.asked + heard.replied + model.gist.bias, own)
    usual = alone.mean(axis=0) if len(alone) else np.zeros(alone.shape[1])
    return Gists(heard.asked, heard.replied, model.gist.bias, own, np.asarray(usual, dtype=np.float32))


def _beside_own(scores: Vectors, own: Vectors) -> Vectors:
    """(n, g), log chances, of scores (n, k) of what ships and chances (n, g - k) of what is the workspace's own."""
    shipped = scores - scores.max(axis=1, keepdims=True)
    shipped -= np.log(np.exp(shipped).sum(axis=1, keepdims=True))
    others = np.log(1 - own.sum(axis=1, keepdims=True) + LEAST_CHANCE)
    return np.asarray(np.hstack([shipped + others, np.log(own + LEAST_CHANCE)]), dtype=np.float32)


def _lead(scores: Vectors) -> Vectors:
    """(g,): how far each is ahead of the best of the others; below zero for all but one."""
    second, first = np.sort(scores)[-2:]
    return np.asarray(scores - np.where(scores == first, second, first), dtype=np.float32)


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
    if wide is None:
        return ()
    theme = find_theme(wide, rows)
    if theme is None:
        return ()
    mean = weigh_members(asked, replied, usual, NARROW_SHARE).mean(axis=0)
    parts = _part_of(theme, archetypes, mean)
    best = find_meaning(asked, replied, usual, [archetype.area for archetype in archetypes])
    if best is None or wide.meanings[wide.columns[archetypes[best].id]] != theme:
        return parts
    narrow = archetypes[best]
    second = int(np.argsort(mean)[-2])
    is_torn = float(mean.max() - mean[second]) < ALONE_LEAD
    if isinstance(theme, Theme) and is_torn and archetypes[second].id in theme.asks:
        return theme, narrow
    return narrow, *(meaning for meaning in parts if meaning.id != narrow.id)


def _part_of(theme: Meaning, archetypes: Sequence[Archetype], mean: Vectors) -> tuple[Meaning, ...]:
    """The theme and, should another topic bear its question, what of it these members clearly ask most."""
    if not isinstance(theme, Theme):
        return (theme,)
    inside = [row for row, archetype in enumerate(archetypes) if archetype.id in theme.asks and not archetype.is_own]
    first, *others = sorted(inside, key=lambda row: -mean[row]) or [-1]
    is_clear = others and float(mean[first] - mean[others[0]]) >= CLEAR_LEAD
    return (theme, archetypes[first]) if is_clear else (theme,)


def find_theme(wide: Wide, rows: NDArray[np.intp]) -> Meaning | None:
    """What these rows ask together; None when nothing is sure enough."""
    if len(rows) < FEWEST_MEMBERS:
        return None
    best = choose_column(wide.weigh_signals(rows), wide.caller)
    return None if best is None else wide.meanings[best]


def choose_column(signals: Vectors, caller: Caller) -> int | None:
    """signals: (g, 7), as `Wide.weigh_signals`."""
    log_odds = signals @ caller.weights + caller.bias
    best = int(log_odds.argmax())
    return best if log_odds[best] >= log(SURE_ENOUGH / (1 - SURE_ENOUGH)) else None


def name_meaning(known_as: Sequence[Meaning], language: str, taken: Collection[str]) -> str:
    """The first question that no other topic bears; "" when there is none in this language.

    Two topics of one name could not be told apart.
    """
    names = (
        meaning.names.get(language, "") if isinstance(meaning, Theme) else name_archetype(meaning, language)
        for meaning in known_as
    )
    return next((name for name in names if name and name not in taken), "")
