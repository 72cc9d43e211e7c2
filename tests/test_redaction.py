"""What is shown names nobody, and ordinary words stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.postal import replace_addresses
from nlp.redaction import is_card, is_iban, is_safe_quote, redact, without_own_words

NAMES = ("Mara Quist", "Albrecht, Jonas", "Will Mark", "Rose Hill", "Zoë Müller-Lüdenscheid")
COMPANIES = ("hollowaybrewing.example", "globex.example", "dieter.roth@freemail.example")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hi Mara, will you call +49 30 1234567?", "Hi [name], will you call [phone]?"),
        ("Ask Jonas or Quist about it.", "Ask [name] or [name] about it."),
        ("Dear Ms. Kowalski, thanks.", "Dear Ms. [name], thanks."),
        ("Sehr geehrte Frau Lorenzen, läuft das?", "Sehr geehrte Frau [name], läuft das?"),
        ("Hallo Sjoerd, werkt dat?", "Hallo [name], werkt dat?"),
        ("write to will.mark@globex.example please", "write to [e-mail] please"),
        ("Call 0171/2345678 or (030) 123 45 67.", "Call [phone] or [phone]."),
        ("We at Holloway Brewing use it.", "We at [company] use it."),
        ("In Globex's plant it works.", "In [company] plant it works."),
        ("DE89 3704 0044 0532 0130 00 is ours", "[number] is ours"),
        ("card 4111 1111 1111 1111", "card [number]"),
        ("J. Quist said so", "[name] said so"),
        ("we type it all into sap and mara says so", "we type it all into sap and [name] says so"),
        ("Ask Jo\u200bnas or Qu\u00adist.\nCall +49 30\u200b 123 45 67.", "Ask [name] or [name].\nCall [phone]."),
    ],
)
def test_people_companies_and_numbers_become_placeholders(text, shown):
    assert redact(text, NAMES, COMPANIES) == shown
    assert is_safe_quote(shown)


@pytest.mark.parametrize(
    "text",
    [
        "Will it mark the rose on the hill?",
        "will it mark the rose on the hill?",
        "We pay 1.234.567 EUR since 2026-11-05, 12 345 678 parts.",
        "On 01.02.2024 we had 12,500 motors and invoice 4500123456.",
        "Does it work with SAP S/4HANA 2023 and Windows 11?",
        "Dear reader, how much is it per seat?",
        "What happens between 08:00 and 17:30 on 24/7 sites?",
    ],
)
def test_ordinary_words_and_figures_stay(text):
    assert redact(text, NAMES, COMPANIES) == text
    assert is_safe_quote(text)


def test_a_name_that_is_a_word_counts_beside_another_known_name():
    assert redact("Will Mark asked: will it mark them?", NAMES) == "[name] asked: will it mark them?"


@pytest.mark.parametrize("text", ["ask a@b.example", "call +49 30 1234567", "[name] [name]", "[phone], [e-mail]"])
def test_what_is_not_safe_is_not_shown(text):
    assert not is_safe_quote(text)


def test_check_digits_decide():
    assert is_iban("DE89370400440532013000")
    assert not is_iban("DE89370400440532013001")
    assert is_card("4111111111111111")
    assert not is_card("4111111111111112")


def test_redaction_is_linear_on_hostile_text():
    for hostile in ("1 " * 200_000, "a@" * 200_000, "A" * 400_000, "(" * 400_000, "DE12 " * 80_000):
        assert isinstance(redact(hostile, NAMES, COMPANIES), str)


HOUSES = ["12", "5a", "12-14", "7 bis", "Unit 3,", "Hill", "hill", "High", "street", "Road", "Am", "laan van", "Via"]
STREETS = ["Roma", "ul.", "weg", "Lange", "RING", "po box", "P.O. Box", "BP", "c/", "Rue", "ave"]


@given(
    st.lists(st.tuples(st.sampled_from(HOUSES + STREETS), st.sampled_from((" ", " ", " ", "", ", ", "\n"))), max_size=7)
)
def test_the_quick_look_for_addresses_misses_none(pieces):
    text = "".join(word + gap for word, gap in pieces).rstrip()
    # What is not ASCII is looked at closely; on a line of its own it is no part of an address.
    assert replace_addresses(text, "#") == replace_addresses(f"{text}\né", "#").removesuffix("\né")


def test_our_own_name_stays_even_when_people_carry_it_in_theirs():
    names = without_own_words(("Ana Ruiz (Acme)", "Acme Support", "Jo O'Neil"), "Acme Ltd", ("acme.example",))
    assert redact("Does Acme do that? Ana said so.", names) == "Does Acme do that? [name] said so."
    assert redact("Ask O'Neil.", names) == "Ask [name]."
