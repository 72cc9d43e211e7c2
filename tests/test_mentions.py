"""Competitors and products that buyers name are found in their words and counted by company."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nlp.mentions import COMPETITOR, PRODUCT, Listed, Mention, count_mentions, find_names, gather_names
from nlp.records import Kind, StoredInsight


def insight(
    text: str, company: str = "globex.example", *, language: str = "en", category: str = "fit"
) -> StoredInsight:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    return StoredInsight(
        id=1, message=1, kind=Kind.QUESTION, text=text, context="", company=company, person=None, asked_at=now,
        language=language, category=category, stage="consideration", inferred=False, answer=None, topic=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("We want to switch from Plantora next year.", "en", [("Plantora", COMPETITOR)]),
        ("How are you, compared to Ledger Line, on price?", "en", [("Ledger Line", COMPETITOR)]),
        ("Is it better than our old Compliero?", "en", [("Compliero", COMPETITOR)]),
        ("We are currently on iBooks 4 and hate it.", "en", [("iBooks 4", PRODUCT)]),
        ("Wie lange dauert der Wechsel von Teloxa?", "de", [("Teloxa", COMPETITOR)]),
        ("Wir nutzen DokuFix, geht das?", "de", [("DokuFix", PRODUCT)]),
        ("Qu'avez-vous de mieux par rapport à Plantora ?", "fr", [("Plantora", COMPETITOR)]),
        ("¿Qué ventajas hay frente a Teloxa?", "es", [("Teloxa", COMPETITOR)]),
        ("We use paper, compared to March it is worse, versus German rules.", "en", []),
        ("Im Vergleich zu Papier und Preis?", "de", []),
        ("Would you switch from paper? We use it. Compared to you?", "en", []),
    ],
)
def test_a_name_after_a_telling_word_is_found(text, language, names):
    assert list(find_names(text, language)) == names


def test_a_name_found_once_is_counted_wherever_it_stands_by_company():
    members = (
        insight("We want to switch from Plantora."),
        insight("What does Plantora do better?"),
        insight("Is Plantora the same thing with another badge?", "initech.example"),
        insight("What does a seat cost?", "umbrella.example"),
    )
    found = count_mentions(members, gather_names(members, Listed()))
    assert found == (Mention("Plantora", COMPETITOR, 2, is_listed=False),)


def test_what_two_companies_write_with_a_capital_is_a_name_and_one_is_not_enough():
    one = (insight("I had to pay Plantora for our records.", category="versus"), insight("Does Teloxa do that?"))
    two = (*one, insight("And is Plantora the same thing?", "initech.example", category="versus"))
    assert count_mentions(one, gather_names(one, Listed())) == ()
    assert count_mentions(two, gather_names(two, Listed())) == (Mention("Plantora", COMPETITOR, 2, is_listed=False),)


def test_german_nouns_are_no_names_without_two_companies():
    members = (insight("Wie ist das gegenüber Zwitschermaschinen?", language="de"),)
    assert gather_names(members, Listed()).spelled == {}
    twice = (*members, insight("Besser als Zwitschermaschinen?", "initech.example", language="de"))
    assert set(gather_names(twice, Listed()).spelled) == {"zwitschermaschinen"}


def test_listed_names_come_first_and_count_however_they_are_written():
    listed = Listed(competitors=("Plantora",), products=("SAP",))
    members = (
        insight("we type all of it into sap by hand"),
        insight("Does it beat PLANTORA?"),
        insight("We use Docuvault, Docuvault and again Docuvault.", "initech.example"),
    )
    found = count_mentions(members, gather_names(members, listed))
    assert [(one.name, one.kind, one.is_listed) for one in found] == [
        ("Plantora", COMPETITOR, True),
        ("SAP", PRODUCT, True),
        ("Docuvault", PRODUCT, False),
    ]


def test_a_name_that_may_not_be_shown_is_left_out_unless_it_is_listed():
    members = (insight("We use Globex at home, versus Plantora."),)
    names = gather_names(members, Listed(competitors=("Plantora",)))
    assert [one.name for one in count_mentions(members, names, lambda name: False)] == ["Plantora"]


def test_we_ourselves_and_inferred_insights_name_nobody():
    members = (insight("Is it better than Acme?"), replace(insight("We use Docuvault."), inferred=True))
    assert gather_names(members, Listed(), own={"acme"}).spelled == {}


def test_everybodys_products_need_no_telling_word():
    members = (insight("Somebody keeps it all in an Excel file."),)
    assert [one.name for one in count_mentions(members, gather_names(members, Listed()))] == ["Excel"]


def test_looking_for_names_is_linear():
    started = time.process_time()
    for hostile in ("switch from " * 50_000, "we use the " * 50_000, "A " * 100_000, "Aa " * 100_000, "a" * 500_000):
        find_names(hostile)
        gather_names((insight(hostile),), Listed(competitors=("Aa Aa",)))
    assert time.process_time() - started < 10
