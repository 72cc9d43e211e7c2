"""A topic that asks a wider question than one archetype is named by it when that is clear, and no two topics alike."""

from collections import Counter

import numpy as np

from nlp.atlas import LANGUAGES, Archetype, shipped_archetypes
from nlp.known_meanings import weigh_usual
from nlp.naming import MAX_NAME
from nlp.themes import find_theme, know_topic, name_meaning, see_widely, shipped_themes

IDS = ("notice-period", "minimum-term", "early-termination", "sustainability", "accessibility", "roadmap", "notice")
ORDINARY = np.full(len(IDS), np.log(1 / len(IDS)), dtype=np.float32)
KINDS = ("process", "process", "process", "fit", "fit", "fit", "fit")
ARCHETYPES = tuple(
    Archetype(name, name, (), is_own=name == "notice", category=kind) for name, kind in zip(IDS, KINDS, strict=True)
)
OFFLINE = Archetype("offline-use", "Does it work without a connection?", (("de", "Läuft es auch ganz ohne Netz?"),))


def chances(*rows: tuple[float, ...]):
    return np.array(rows, dtype=np.float32)


def found(asked, replied=None, categories=None):
    silent = np.zeros_like(asked) if replied is None else replied
    said = categories or ("",) * len(asked)
    return find_theme(see_widely(ARCHETYPES, asked, silent, ORDINARY, said), np.arange(len(asked)))


CONTRACT = chances(
    (0.80, 0.05, 0.05, 0.02, 0.02, 0.03, 0.03),
    (0.05, 0.80, 0.05, 0.02, 0.02, 0.03, 0.03),
    (0.05, 0.05, 0.80, 0.02, 0.02, 0.03, 0.03),
)


def test_members_that_ask_three_archetypes_of_a_theme_ask_the_theme():
    theme = found(CONTRACT)
    assert theme is not None
    assert theme.id == "contract-length"


def test_when_nobody_is_sure_it_needs_more_evidence():
    """Each row says most of something else, and a little of the theme."""

    def vague(share: float):
        rows = np.full((8, len(IDS)), 0.033, dtype=np.float32)
        rows[:, :3] = share / 3
        rows[np.arange(8), 3 + np.arange(8) % 4] = 0.9 - share
        return rows

    assert found(vague(0.59)) is None
    assert found(np.vstack([vague(0.59)[:6], CONTRACT[:2]])) is not None
    assert found(vague(0.65)) is not None


def test_two_members_and_members_of_several_minds_ask_no_theme():
    assert found(CONTRACT[:2]) is None
    torn = chances(*((0.4, 0.05, 0.03, 0.4, 0.04, 0.04, 0.04), (0.03, 0.05, 0.4, 0.4, 0.04, 0.04, 0.04)) * 2)
    assert found(torn) is None


def test_what_is_in_no_theme_is_no_theme_even_when_it_is_clear():
    assert found(chances(*[(0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02)] * 4)) is None


def test_an_archetype_of_the_workspace_shares_no_theme_by_its_id():
    own = chances(*[(0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.88)] * 4)
    assert found(own) is None


def test_the_answers_help_to_tell_the_theme():
    unsure = chances(*[(0.3, 0.1, 0.1, 0.3, 0.1, 0.05, 0.05)] * 24)
    assert found(unsure) is None
    theme = found(unsure, np.vstack([CONTRACT] * 8))
    assert theme is not None
    assert theme.id == "contract-length"


def test_the_category_of_what_is_asked_helps_to_tell_the_theme():
    unsure = chances(*[(0.5, 0.1, 0.1, 0.15, 0.05, 0.05, 0.05)] * 9)
    others = chances(*[(0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.1)] * 30)
    both = np.vstack([unsure, others])

    def told(category: str):
        said = (*(category for _ in unsure), *("fit" for _ in others))
        wide = see_widely(ARCHETYPES, both, np.zeros_like(both), ORDINARY, said)
        return find_theme(wide, np.arange(len(unsure)))

    assert told("fit") is None
    theme = told("process")
    assert theme is not None
    assert theme.id == "contract-length"


def known(asked, seen_widely=None):
    silent = np.zeros_like(asked)
    wide = see_widely(ARCHETYPES, asked if seen_widely is None else seen_widely, silent, ORDINARY, ("",) * len(asked))
    usual = weigh_usual(asked[:0], silent[:0], ORDINARY)
    return [meaning.id for meaning in know_topic(asked, silent, usual, ARCHETYPES, wide, np.arange(len(asked)))]


def test_a_clear_archetype_names_before_its_theme_and_its_theme_before_one_that_is_torn():
    clear = chances(*[(0.94, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01)] * 4)
    torn = chances(*[(0.70, 0.25, 0.01, 0.01, 0.01, 0.01, 0.01)] * 16)
    assert known(clear) == ["notice-period", "contract-length"]
    assert known(torn) == ["contract-length", "notice-period"]
    assert known(CONTRACT) == ["contract-length"]


def test_an_archetype_names_only_when_neighbours_together_are_not_ahead_of_it():
    sustainable = chances(*[(0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02)] * 3)
    assert known(sustainable) == ["sustainability"]
    assert known(sustainable, seen_widely=CONTRACT) == ["contract-length"]


def test_two_topics_never_bear_the_same_question_of_the_atlas():
    theme = next(theme for theme in shipped_themes() if theme.id == "on-the-move")
    known_as = (OFFLINE, theme)
    assert name_meaning(known_as, "en", ()) == OFFLINE.name
    assert name_meaning(known_as, "en", {OFFLINE.name}) == theme.names["en"]
    assert name_meaning(known_as, "en", {OFFLINE.name, theme.names["en"]}) == ""
    assert name_meaning(known_as, "de", ()) == "Läuft es auch ganz ohne Netz?"
    assert name_meaning(known_as, "sv", ()) == ""


def test_every_theme_is_a_short_question_in_each_language_of_the_atlas():
    assert len(shipped_themes()) >= 30
    for theme in shipped_themes():
        assert set(theme.names) == set(LANGUAGES), theme.id
        assert all(name.endswith("?") and len(name) <= MAX_NAME for name in theme.names.values()), theme.id
    for language in LANGUAGES:
        names = Counter(theme.names[language] for theme in shipped_themes())
        assert max(names.values()) == 1, language


def test_every_archetype_of_a_theme_exists_and_is_in_no_other():
    asked = Counter(archetype for theme in shipped_themes() for archetype in theme.asks)
    assert asked.keys() <= {archetype.id for archetype in shipped_archetypes()}
    assert set(asked.values()) == {1}
    assert all(len(theme.asks) > 1 for theme in shipped_themes())
