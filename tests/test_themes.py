"""A topic that asks a wider question than one archetype is named by it when that is clear, and no two topics alike."""

from collections import Counter

import numpy as np
import pytest

from nlp.atlas import LANGUAGES, Archetype, shipped_archetypes
from nlp.known_meanings import weigh_usual
from nlp.naming import MAX_NAME
from nlp.space import RawRows
from nlp.theme_model import SIGNALS, Caller, Gist, Heard, Hearing, ThemeModel, hear, hear_by, load_theme_model
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
NOTHING = np.zeros((1, 5), dtype=np.float32)
# As the shipped one, but that starts at -6: it tells 150 columns apart.
CALLER = Caller(np.array([0.9, -0.2, -0.25, 0.25, 0.3, 0.4, 0.5], dtype=np.float32), -1.9)
MODEL = ThemeModel(
    "",
    COLUMNS,
    Recogniser(NOTHING, NOTHING[0], USUALLY),
    Gist(NOTHING, NOTHING, NOTHING[0]),
    CALLER,
)


def hearing(asked, replied):
    """What a theme model that is as sure of the gist as of each makes of chances."""
    sure = [np.where(rows > 0, np.log(rows + 1e-4), 0).astype(np.float32) for rows in (asked, replied)]
    return Hearing(Heard(asked, replied), *sure)


# What else is said in the mailbox: each of another thing.
OTHERS = np.array([np.roll((0.7, *[0.05] * 6), turn) for turn in range(7)] * 6, dtype=np.float32)


def widely(asked, replied=None, categories=None, heard=None):
    """asked, replied, categories: of the members of one topic, the first rows of a mailbox.

    heard: what the theme model makes of the members; by default what the archetypes add up to.
    """
    silent = np.zeros_like(asked) if replied is None else replied
    all_asked, all_replied = np.vstack([asked, OTHERS]), np.vstack([silent, np.zeros_like(OTHERS)])
    said = (*(categories or ("",) * len(asked)), *("",) * len(OTHERS))
    columns = [(rows @ OF_COLUMNS).astype(np.float32) for rows in (all_asked, all_replied)]
    if heard is not None:
        columns[0][: len(heard)] = heard
    return see_widely(MODEL, hearing(*columns), ARCHETYPES, Heard(all_asked, all_replied), ORDINARY, said)


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


def test_members_of_several_minds_ask_nothing():
    assert found(np.vstack([CONTRACT, chances(*(np.roll(CONTRACT[0], 3 + turn) for turn in range(3)))])) is None


def test_one_insight_alone_is_too_little_to_call_a_topic_by():
    assert found(np.vstack([CONTRACT[0]] * 2)) == "contract-length"
    assert found(CONTRACT[:1]) is None


def test_one_stranger_among_many_changes_nothing():
    stranger = chances(np.roll(CONTRACT[0], 4))
    assert found(np.vstack([*[CONTRACT] * 4, stranger])) == "contract-length"


def test_what_no_archetype_knows_is_heard_by_the_theme_model_alone():
    unsure = chances(*[(0.14, 0.14, 0.14, 0.15, 0.14, 0.15, 0.14)] * 4)
    assert found(unsure) != "staff-privacy"
    assert found(unsure, heard=chances(*[(0.01, 0.01, 0.01, 0.01, 0.96)] * 4)) == "staff-privacy"


def test_what_is_heard_differently_in_both_ways_is_not_called():
    clear = np.vstack([CONTRACT, CONTRACT[:1]])
    assert found(clear) == "contract-length"
    assert found(clear, heard=chances(*[(0.1, 0.6, 0.1, 0.1, 0.1)] * 4)) is None


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
    unsure = chances(*[(0.15, 0.15, 0.15, 0.2, 0.1, 0.05, 0.05)] * 6)

    def signals(category: str):
        return widely(unsure, categories=(category,) * 6).weigh_signals(np.arange(6))

    together, contract_length = SIGNALS.index("together"), 0
    assert signals("process")[contract_length, together] > signals("fit")[contract_length, together]


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


def test_the_shipped_model_weighs_every_signal_and_hears_the_gist_of_every_column():
    model = load_theme_model()
    assert model.caller.weights.shape == (len(SIGNALS),)
    assert model.gist.asked.shape == model.gist.replied.shape == model.recogniser.weights.shape
    assert model.gist.bias.shape == (len(model.columns),)


def test_only_the_encoders_that_it_was_trained_with_are_heard():
    model = load_theme_model()
    raw = RawRows(*(np.ones((1, len(model.recogniser.weights)), dtype=np.float32) for _ in range(2)))
    assert hear(raw, "others") is None
    heard = hear(raw, model.encoders)
    assert heard is not None
    assert heard.each.asked.sum() == pytest.approx(1)
    assert heard.asked.shape == (1, len(model.columns))


def test_where_nothing_was_answered_nothing_is_heard():
    width = len(load_theme_model().recogniser.weights)
    heard = hear_by(load_theme_model(), RawRows(np.ones((2, width)), np.vstack([np.zeros(width), np.ones(width)])))
    assert not heard.replied[0].any()
    assert not heard.each.replied[0].any()
    assert heard.each.replied[1].sum() == pytest.approx(1)
