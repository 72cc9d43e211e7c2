"""A topic is named by the atlas when its members clearly mean one of its archetypes, and not otherwise."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from nlp.atlas import Archetype, shipped_archetypes
from nlp.known_meanings import Usual, find_meaning, name_archetype, weigh_usual
from nlp.naming import MAX_NAME, choose_name
from nlp.records import Kind, StoredInsight

ORDINARY = np.full(4, np.log(0.25), dtype=np.float32)
USUAL = Usual(ORDINARY, ORDINARY)
SILENT = np.zeros((3, 4), dtype=np.float32)


def chances(*rows: tuple[float, ...]):
    return np.array(rows, dtype=np.float32)


def test_what_most_members_mean_is_what_the_topic_means():
    asked = chances((0.85, 0.05, 0.05, 0.05), (0.6, 0.1, 0.2, 0.1), (0.85, 0.05, 0.05, 0.05))
    assert find_meaning(asked, SILENT, USUAL) == 0


def test_without_a_clear_lead_nothing_is_known():
    asked = chances((0.7, 0.1, 0.1, 0.1), (0.1, 0.7, 0.1, 0.1), (0.4, 0.4, 0.1, 0.1))
    assert find_meaning(asked, SILENT, USUAL) is None
    assert find_meaning(asked[:0], SILENT[:0], USUAL) is None


def test_two_members_are_too_few_to_tell():
    asked = chances(*[(0.97, 0.01, 0.01, 0.01)] * 3)
    assert find_meaning(asked, SILENT, USUAL) == 0
    assert find_meaning(asked[:2], SILENT[:2], USUAL) is None


def test_one_sure_member_does_not_speak_for_the_others():
    asked = chances((0.97, 0.01, 0.01, 0.01), (0.2, 0.4, 0.2, 0.2), (0.2, 0.4, 0.2, 0.2))
    assert find_meaning(asked, SILENT, USUAL) is None


def test_many_members_agree_on_an_area_although_some_are_sure_of_another_part_of_it():
    asked = chances(*[(0.09, 0.9, 0.005, 0.005)] * 6, *[(0.5, 0.002, 0.249, 0.249)] * 6)
    silent = np.zeros_like(asked)
    assert find_meaning(asked, silent, USUAL, ("cost", "fit", "fit", "fit")) is None
    assert find_meaning(asked, silent, USUAL, ("", "", "", "")) is None
    assert find_meaning(asked, silent, USUAL, ("cost", "cost", "fit", "fit")) == 0
    few = asked[4:8]
    assert find_meaning(few, silent[4:8], USUAL, ("cost", "cost", "fit", "fit")) is None


def test_the_answers_help_to_tell():
    asked = chances((0.4, 0.3, 0.2, 0.1), (0.4, 0.3, 0.2, 0.1), (0.4, 0.3, 0.2, 0.1))
    assert find_meaning(asked, SILENT, USUAL) is None
    assert find_meaning(asked, chances(*[(0.94, 0.02, 0.02, 0.02)] * 3), USUAL) == 0


def test_what_a_mailbox_always_speaks_of_names_none_of_its_topics():
    asked = chances(*[(0.8, 0.1, 0.05, 0.05)] * 3)
    everything = chances(*[(0.85, 0.05, 0.05, 0.05)] * 400)
    assert find_meaning(asked, SILENT, USUAL) == 0
    assert find_meaning(asked, SILENT, weigh_usual(everything, np.zeros_like(everything), ORDINARY)) != 0


def test_the_name_is_in_the_language_that_buyers_write():
    archetype = Archetype(
        "a",
        "Does it work without a connection?",
        (("en", "offline?"), ("de", "Ohne Netz."), ("de", "Läuft es auch ohne Netz?")),
    )
    assert name_archetype(archetype, "en") == "Does it work without a connection?"
    assert name_archetype(archetype, "de") == "Läuft es auch ohne Netz?"
    assert name_archetype(archetype, "it") == ""


def test_every_archetype_has_a_german_name_of_its_own():
    names = [name_archetype(archetype, "de") for archetype in shipped_archetypes()]
    assert len(set(names)) == len(names)
    assert all(name.endswith("?") and len(name) <= MAX_NAME and not any(map(str.isdigit, name)) for name in names)


def test_a_phrasing_names_only_when_it_fits_anybody():
    told = ("fr", "Nous sommes cinq. Est-ce abordable pour nous ?")
    counted = ("fr", "Quel est le prix pour une équipe de 15 ?")
    plain = ("fr", "Est-ce abordable pour une petite société ?")
    archetype = Archetype("a", "Is it affordable?", (told, counted, plain))
    assert name_archetype(archetype, "fr") == plain[1]
    assert name_archetype(replace(archetype, phrasings=(told, counted)), "fr") == ""
    assert name_archetype(replace(archetype, names=(("fr", "Est-ce abordable ?"),)), "fr") == "Est-ce abordable ?"


def test_what_the_atlas_knows_is_named_by_it():
    now = datetime(2026, 11, 2, tzinfo=UTC)
    member = StoredInsight(
        id=1, message=1, kind=Kind.QUESTION, text="Does the tablet hold onto it down there?", context="",
        company="globex.example", person=None, asked_at=now, language="en", category="fit", stage="consideration",
        inferred=False, answer=None, topic=1,
    )  # fmt: skip
    assert choose_name((member,), known_as="Does it work offline?") == "Does it work offline?"
    assert choose_name((member,)) == "Does the tablet hold onto it down there?"
