"""A topic's name is a question that a marketer understands without the mail."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nlp.naming import Taste, choose_name, shorten, slugify
from nlp.readings import clean_question
from nlp.records import Kind, StoredInsight


def insight(text: str, *, kind: Kind = Kind.QUESTION, language: str = "en") -> StoredInsight:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    return StoredInsight(
        id=1, message=1, kind=kind, text=text, context="", company="globex.example", person=None, asked_at=now,
        language=language, category="fit", stage="consideration", inferred=False, answer=None, topic=1,
    )  # fmt: skip


def test_the_most_central_question_wins_over_pains_and_fragments():
    members = (
        insight("We re-type everything on Fridays.", kind=Kind.PAIN),
        insight("Is that so?"),
        insight("Does it read our time clocks directly?"),
        insight("Can your system fetch the hours from the clocks?"),
    )
    assert choose_name(members) == "Can your system fetch the hours from the clocks?"


def test_the_language_that_most_prospects_write_is_preferred():
    members = (
        insight("Läuft das Programm auch ohne Netz?", language="de"),
        insight("Does the program work offline too?"),
    )
    assert choose_name(members, Taste(language="en")) == "Does the program work offline too?"
    assert choose_name(members, Taste(language="de")) == "Läuft das Programm auch ohne Netz?"


def test_sentences_with_a_persons_name_come_last():
    members = (insight("Would Sheila still approve the hours herself?"), insight("Who approves the hours of a branch?"))
    assert choose_name(members, Taste(people={"sheila"})) == "Who approves the hours of a branch?"


@pytest.mark.parametrize(
    ("text", "name", "language"),
    [
        ("Hi, quick question: what does a seat cost, please?", "What does a seat cost?", "en"),
        ("1. And does it work with SAP?", "Does it work with SAP?", "en"),
        ("(b) So, anyway, who signs it?", "Who signs it?", "en"),
        ("Guten Tag, was kostet das?", "Was kostet das?", "de"),
        ("Bonjour, et combien coûte un poste ?", "Combien coûte un poste ?", "fr"),
        ("Hola, y ¿cuánto cuesta?", "¿cuánto cuesta?", "es"),
        ("Ciao, e quanto costa?", "Quanto costa?", "it"),
        ("En wat kost dat?", "Wat kost dat?", "nl"),
        ("E quanto custa?", "Quanto custa?", "pt"),
    ],
)
def test_greetings_numbers_and_courtesy_are_taken_away(text, name, language):
    assert clean_question(text, language) == name


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No signal, no internet: does it work there?", "en"),
        ("Second shift starts at six.", "en"),
        ("So-called free trials?", "en"),
        ("E-mail ou telefone?", "pt"),
        ("O preço inclui o transporte?", "pt"),
        ("En quoi êtes-vous différents ?", "fr"),
        ("'It says my account is locked' is what I hear most.", "en"),
    ],
)
def test_what_belongs_to_the_sentence_stays(text, language):
    assert clean_question(text, language) == text


def test_long_names_are_cut_at_a_clause():
    text = (
        "Does it work with the system that we bought two years ago, and if not, what would we have to change about it?"
    )
    assert shorten(text) == "Does it work with the system that we bought two years ago, and if not?"
    assert len(shorten("word " * 60)) <= 90


def test_slugs_are_plain_and_never_empty():
    assert slugify("Läuft's mit SAP/4HANA?") == "lauft-s-mit-sap-4hana"
    assert slugify("価格は?") == "topic"
    assert len(slugify("a-very-long-name " * 20)) <= 60


@pytest.mark.parametrize(
    ("poor", "good"),
    [
        ("Can you deliver what they accept?", "Can you deliver what the insurers accept?"),
        ("How would we start that?", "How would we start a trial?"),
        ("The office dont get the hours?", "Does the office get the hours?"),
        ("And does that cost extra every month?", "Does the set-up cost extra every month?"),
        (
            "Somebody picks one up at seven. How does it know who ticked the box?",
            "How does the tablet know who signed?",
        ),
        ("You asked whether Christmas temps are billed outside December.", "Are temps billed outside December?"),
        ("Could Sagitta and Ledgerline both take the journal?", "Could our ledger take the journal by site?"),
        ("What do 48 technicians over 4 sites cost?", "What do the technicians on several sites cost?"),
        (
            "Four fitters on our sites, what's the monthly bill?",
            "What's the monthly bill for fitters on several sites?",
        ),
        ("What would the gutting line and the smokehouse need?", "What would the support and the training need?"),
        ("Would the thing do that sort of stuff for us?", "Would the program plan the yearly service?"),
    ],
)
def test_a_sentence_that_needs_the_mail_around_it_comes_after_one_that_does_not(poor, good):
    assert choose_name((insight(poor), insight(good))) == good
    assert choose_name((insight(poor),))  # but it names a topic that has nothing else


def test_the_question_is_taken_without_the_story_before_it():
    story = "Lab people claim mileage and pipettes, don't ask. Can the refunds come with the salary of the month?"
    assert choose_name((insight(story),)) == "Can the refunds come with the salary of the month?"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "our strings live in a git repo that changes every day, do you have an api or do i mail you lots of files",
            "Do you have an api or do I mail you lots of files?",
        ),
        ("and when would you want to see the money", "When would you want to see the money?"),
        ("wann wollen Sie das Geld sehen", "Wann wollen Sie das Geld sehen"),
    ],
)
def test_a_forgotten_question_mark_is_set_where_the_words_ask(text, name):
    assert choose_name((insight(text),)) == name


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("what company made the pump", Kind.QUESTION, "What company made the pump?"),
        ("How can i reset my passcode ??", Kind.QUESTION, "How can I reset my passcode?"),
        ("what's the postage on top", Kind.QUESTION, "What's the postage on top?"),
        ("any chance of seeing you work", Kind.QUESTION, "Any chance of seeing you work?"),
        ("can covid live in the freezer", Kind.QUESTION, "Can covid live in the freezer?"),
        ("i lost my card, i think", Kind.PAIN, "I lost my card, I think."),
        ("I wonder whether it reads our clocks", Kind.QUESTION, "I wonder whether it reads our clocks."),
        ("tell me which pump i'd need", Kind.NEED, "Tell me which pump I'd need."),
        ("the sheets, i.e. the blue ones, get lost", Kind.PAIN, "The sheets, i.e. the blue ones, get lost."),
    ],
)
def test_a_hurried_sentence_gets_its_capitals_and_its_end(text, kind, name):
    assert choose_name((insight(text, kind=kind),)) == name


def test_a_clause_that_says_more_about_the_one_before_is_no_question():
    text = "Is there any reason to leave Barrow, who are slow but have never once let us down?"
    assert choose_name((insight(text),)) == text
    after = (
        "If a colleague at home dials for help, which address does the operator see on the screen, and who told him?"
    )
    assert choose_name((insight(after),)) == "Which address does the operator see on the screen, and who told him?"


def test_in_a_large_topic_a_plain_question_is_taken_before_a_more_central_story():
    texts = (
        *("I am an athlete so I take the protein powder twice every morning" for _ in range(8)),
        "Which is the best protein powder?",
        *("protein powder" for _ in range(80)),
    )
    members = tuple(replace(insight(text), company=f"c{number}.example") for number, text in enumerate(texts))
    assert choose_name(members) == "Which is the best protein powder?"
    assert choose_name(members[:9]).startswith("I am an athlete")


@pytest.mark.parametrize(
    ("poor", "good"),
    [
        ("I need to change the address?", "Could I change the address?"),
        ("About the invoices of the second site?", "In which format do the invoices arrive?"),
    ],
)
def test_a_question_is_known_by_its_words_not_by_its_mark(poor, good):
    assert choose_name((insight(poor), insight(good))) == good


def test_the_language_of_the_topic_names_it_when_hardly_anybody_writes_the_usual_one():
    members = (
        *(insight("Läuft das Programm in Kellern ohne Empfang weiter?", language="de") for _ in range(4)),
        insight("is there stock-keeping or only the jobs and that?"),
    )
    assert choose_name(members, Taste(language="en")).startswith("Läuft das Programm")


def test_what_several_companies_say_names_the_topic():
    members = tuple(
        replace(insight(text), company=f"c{number}.example")
        for number, text in enumerate(
            ("May the caretaker ride along in summer?", "What is the price per seat?", "Is the price per seat fixed?")
        )
    )
    assert "price per seat" in choose_name(members)
