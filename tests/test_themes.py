"""A topic that asks a wider question than one archetype is named by it when that is clear, and no two topics alike."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from nlp.atlas import LANGUAGES, Archetype, shipped_archetypes
from nlp.known_meanings import weigh_usual
from nlp.naming import MAX_NAME
from nlp.space import RawRows
from nlp.theme_model import Heard, ThemeModel, hear, hear_by, load_theme_model
from nlp.themes import find_theme, know_topic, name_columns, name_meaning, see_widely, shipped_themes
from nlp.views import Recogniser

IDS = ("notice-period", "minimum-term", "early-termination", "sustainability", "accessibility", "roadmap", "notice")
ORDINARY = np.full(len(IDS), np.log(0.01), dtype=np.float32)  # as among a hundred archetypes
KINDS = ("process", "process", "process", "fit", "fit", "fit", "fit")
ARCHETYPES = tuple(
    Archetype(name, name, (), is_own=name == "notice", category=kind) for name, kind in zip(IDS, KINDS, strict=True)
)
OFFLINE = Archetype("offline-use", "Does it work without a connection?", (("de", "Läuft es auch ganz ohne Netz?"),))


def chances(*rows: tuple[float, ...]):
    return np.array(rows, dtype=np.float32)


COLUMNS = ("contract-length", "sustainability", "accessibility", "roadmap", "staff-privacy")
# The last archetype is the workspace's own: the theme model does not know it.
OF_COLUMNS = np.array([[1, 0, 0, 0, 0]] * 3 + [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0.2] * 5])
USUALLY = np.full(len(COLUMNS), np.log(0.01), dtype=np.float32)
MODEL = ThemeModel("", COLUMNS, Recogniser(np.zeros((1, 5), np.float32), np.zeros(5, np.float32), USUALLY))


def widely(asked, replied=None, categories=None, heard=None):
    """heard: what the theme model makes of them; by default what the archetypes add up to."""
    silent = np.zeros_like(asked) if replied is None else replied
    said = categories or ("",) * len(asked)
    wider = Heard(*((rows @ OF_COLUMNS).astype(np.float32) for rows in (asked, silent))) if heard is None else heard
    return see_widely(MODEL, wider, ARCHETYPES, Heard(asked, silent), ORDINARY, said)


def found(asked, replied=None, categories=None, heard=None):
    theme = find_theme(widely(asked, replied, categories, heard), np.arange(len(asked)))
    return None if theme is None else theme.id


CONTRACT = chances(
    (0.80, 0.05, 0.05, 0.02, 0.02, 0.03, 0.03),
    (0.05, 0.80, 0.05, 0.02, 0.02, 0.03, 0.03),
    (0.05, 0.05, 0.80, 0.02, 0.02, 0.03, 0.03),
)


def test_members_that_ask_three_archetypes_of_a_theme_ask_the_theme():
    assert found(CONTRACT) == "contract-length"


def test_the_fewer_members_agree_the_more_of_them_it_takes():
    half = np.vstack([CONTRACT, chances(*(np.roll(CONTRACT[0], 3 + turn) for turn in range(2)))])
    assert found(half) is None
    assert found(np.vstack([half] * 6)) == "contract-length"


def test_what_the_recogniser_is_clear_about_is_enough_when_two_are_sure_of_it():
    """The others speak most of something else, each of another thing, and a little of the theme."""

    def told(sure: int):
        vague = np.full((6, len(IDS)), 0.02, dtype=np.float32)
        vague[:, :3] = 0.1
        vague[np.arange(6), 3 + np.arange(6) % 4] = 0.64
        rows = np.vstack([CONTRACT[:sure], vague])
        deaf = Heard(np.full((len(rows), 5), 0.2, dtype=np.float32), np.zeros((len(rows), 5), dtype=np.float32))
        return found(rows, heard=deaf)

    assert told(2) == "contract-length"
    assert told(1) is None


def test_two_members_and_members_of_several_minds_ask_no_theme():
    assert found(CONTRACT[:2]) is None
    torn = chances(*((0.31, 0.01, 0.01, 0.33, 0.02, 0.3, 0.02), (0.01, 0.01, 0.31, 0.3, 0.33, 0.02, 0.02)) * 2)
    assert found(torn) is None


def test_what_no_archetype_knows_is_heard_by_the_theme_model_alone():
    unsure = chances(*[(0.14, 0.14, 0.14, 0.15, 0.14, 0.15, 0.14)] * 4)
    heard = Heard(chances(*[(0.01, 0.01, 0.01, 0.01, 0.96)] * 4), np.zeros((4, 5), dtype=np.float32))
    assert found(unsure) != "staff-privacy"
    assert found(unsure, heard=heard) == "staff-privacy"


def test_what_is_in_no_theme_is_called_by_its_archetype():
    assert found(chances(*[(0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02)] * 4)) == "sustainability"


def test_an_archetype_of_the_workspace_stands_beside_the_themes():
    own = chances(*[(0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.88)] * 4)
    assert found(own) == "notice"


def test_the_answers_help_to_tell_the_theme():
    unsure = chances(*[(0.1, 0.1, 0.1, 0.32, 0.1, 0.05, 0.05)] * 4)
    assert found(unsure) != "contract-length"
    assert found(unsure, np.vstack([CONTRACT, CONTRACT[:1]])) == "contract-length"


def test_the_category_of_what_is_asked_helps_to_tell_the_theme():
    unsure = chances(*[(0.1, 0.1, 0.1, 0.25, 0.1, 0.05, 0.05)] * 6)
    others = chances(*[(0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.1)] * 30)
    both = np.vstack([unsure, others])

    def told(category: str):
        said = (*(category for _ in unsure), *("fit" for _ in others))
        theme = find_theme(widely(both, categories=said), np.arange(len(unsure)))
        return theme and theme.id

    assert told("process") == "contract-length"
    assert told("fit") != "contract-length"


def known(asked, seen_widely=None):
    silent = np.zeros_like(asked)
    wide = widely(asked if seen_widely is None else seen_widely)
    usual = weigh_usual(asked[:0], silent[:0], ORDINARY)
    return [meaning.id for meaning in know_topic(asked, silent, usual, ARCHETYPES, wide, np.arange(len(asked)))]


def test_a_clear_archetype_names_before_its_theme_and_its_theme_before_one_that_is_torn():
    clear = chances(*[(0.94, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01)] * 4)
    torn = chances(*[(0.70, 0.25, 0.01, 0.01, 0.01, 0.01, 0.01)] * 16)
    assert known(clear) == ["notice-period", "contract-length"]
    assert known(torn) == ["contract-length", "notice-period"]


def test_a_theme_that_another_topic_bears_gives_way_to_what_is_asked_most_of_it():
    mostly = np.vstack([CONTRACT, *[CONTRACT[1:2]] * 2])
    assert known(CONTRACT) == ["contract-length"]
    assert known(mostly) == ["contract-length", "minimum-term"]


def test_a_theme_that_the_recogniser_puts_far_behind_another_does_not_name():
    model = replace(MODEL, columns=(*COLUMNS[:-1], "languages"))
    silent = np.zeros((4, 5), dtype=np.float32)
    heard = Heard(chances(*[(0.001, 0.001, 0.001, 0.001, 0.996)] * 4), silent)
    clear = np.vstack([CONTRACT, CONTRACT[:1]])

    def told(columns):
        wide = see_widely(columns, heard, ARCHETYPES, Heard(clear, np.zeros_like(clear)), ORDINARY, ("",) * len(clear))
        theme = find_theme(wide, np.arange(len(clear)))
        return theme and theme.id

    assert told(model) == "contract-length"
    assert told(MODEL) == "staff-privacy"  # of which no archetype speaks


def test_an_archetype_names_only_when_neighbours_together_are_not_ahead_of_it():
    sustainable = chances(*[(0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02)] * 3)
    assert known(sustainable) == ["sustainability"]
    assert known(sustainable, seen_widely=CONTRACT)[0] == "contract-length"
    assert "sustainability" not in known(sustainable, seen_widely=CONTRACT)


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


def test_the_shipped_model_knows_every_theme_and_every_archetype_in_none():
    model = load_theme_model()
    assert model.columns == name_columns()
    assert model.columns[: len(shipped_themes())] == tuple(theme.id for theme in shipped_themes())
    assert len(model.recogniser.bias) == len(model.recogniser.usual) == model.recogniser.weights.shape[1]


def test_only_the_encoders_that_it_was_trained_with_are_heard():
    model = load_theme_model()
    raw = RawRows(*(np.ones((1, len(model.recogniser.weights)), dtype=np.float32) for _ in range(2)))
    assert hear(raw, "others") is None
    heard = hear(raw, model.encoders)
    assert heard is not None
    assert heard.asked.sum() == pytest.approx(1)


def test_where_nothing_was_answered_nothing_is_heard():
    width = len(load_theme_model().recogniser.weights)
    heard = hear_by(load_theme_model(), RawRows(np.ones((2, width)), np.vstack([np.zeros(width), np.ones(width)])))
    assert not heard.replied[0].any()
    assert heard.replied[1].sum() == pytest.approx(1)
