"""An insight meets the passage that answers it, or none."""

import pytest

from harvester.records import Part, Role
from nlp.extraction import extract_insights
from nlp.pairing import pair_answers
from nlp.records import Insight, Kind


def own(text: str, answers: int | None = None) -> Part:
    return Part(Role.OWN, text, author_kind="us", answers=answers)


def quoted(text: str) -> Part:
    return Part(Role.QUOTED, text, depth=1, author_kind="prospect")


def answers_of(*parts: Part) -> list[str | None]:
    return [insight.answer for insight in extract_insights(parts, subject="")]


def test_inline_answers_belong_to_what_stands_above() -> None:
    parts = (
        quoted("How much is it per seat?"),
        own("Twelve euro a month.", answers=0),
        quoted("Is there a trial?"),
        own("Yes, thirty days.", answers=2),
    )
    assert answers_of(*parts) == ["Twelve euro a month.", "Yes, thirty days."]


def test_numbers_meet_numbers() -> None:
    parts = (
        own("Hi Kim,\n\n2. Yes, thirty days.\n1. Twelve euro a month.\n\nBest\nJo"),
        quoted("1. How much is it per seat?\n2. Is there a trial?"),
    )
    assert answers_of(*parts) == ["Twelve euro a month.", "Yes, thirty days."]


def test_shared_words_beat_order() -> None:
    parts = (
        own("Hi Kim,\n\nThe trial lasts thirty days.\n\nA seat costs twelve euro a month.\n\nBest regards\nJo"),
        quoted("How much does a seat cost a month?\n\nHow long is the trial?"),
    )
    assert answers_of(*parts) == ["A seat costs twelve euro a month.", "The trial lasts thirty days."]


def test_a_greeting_answers_nothing() -> None:
    assert answers_of(own("Hi Kim,\n\nBest regards\nJo"), quoted("Is there a trial?")) == [None]


@pytest.mark.parametrize(
    "text",
    [
        "thanks for your mail, see below for the details.",
        "Please see my answers below.",
        "Vielen Dank für Ihre Anfrage, bitte sehen Sie unten.",
        "Merci beaucoup pour votre message, voir ci-dessous.",
        "Bedankt voor je bericht, zie hieronder.",
    ],
)
def test_who_only_says_where_the_answers_stand_has_answered_nothing(text: str) -> None:
    assert answers_of(own(text), quoted("Is there a trial?")) == [None]


@pytest.mark.parametrize("text", ["No, see below.", "By mail, thanks.", "See https://acme.example/trial", "Day 30."])
def test_few_words_may_answer(text: str) -> None:
    assert answers_of(own(f"Hi Kim,\n\n{text}\n\nBest\nJo"), quoted("Is there a trial?")) == [text]


def test_without_a_word_of_ours_nothing_is_answered() -> None:
    (insight,) = extract_insights((quoted("Is there a trial?"),), subject="")
    assert pair_answers((insight,), (quoted("Is there a trial?"),)) == [None]


def test_an_encoder_may_decide() -> None:
    parts = (own("Hi Kim,\n\nSixty metres.\n\nIn Leeds.\n\nBest\nJo"), quoted("Where are you?\n\nHow tall is it?"))
    insights = extract_insights(parts, subject="")
    assert pair_answers(insights, parts, lambda questions, passages: [[0.0, 0.9], [0.9, 0.0]]) == [
        "In Leeds.",
        "Sixty metres.",
    ]


def test_a_quip_answers_nothing_when_more_is_said() -> None:
    parts = (
        own("Hi Kim,\n\nGlad about the knee.\n\nYou need the steel ones, good to 250 degrees.\n\nBest\nJo"),
        quoted("What else have you got for 190 degrees?"),
    )
    assert answers_of(*parts) == ["You need the steel ones, good to 250 degrees."]


def test_sympathy_is_no_answer_to_what_hurts() -> None:
    parts = (own("Hi Kim,\n\nPoor Brian.\n\nBest\nJo"), quoted("We struggle with errors in every invoice."))
    assert answers_of(*parts) == [None]


def test_what_hurts_shares_the_answer_of_the_question_it_leads_to() -> None:
    parts = (
        own("Hi Kim,\n\nThe count drops with each scan, at night as well.\n\nThe sun is out here and we greet Leeds."),
        quoted("We struggle with a stock list that is always wrong. Is there a count of parts in it?"),
    )
    assert set(answers_of(*parts)) == {"The count drops with each scan, at night as well."}


def test_a_note_is_not_its_own_answer() -> None:
    asked = Insight(Kind.QUESTION, "Ana asked how much a seat costs.", 0, 0.9, "", "cost", "decision", "en")
    assert pair_answers([asked], (own("Ana asked how much a seat costs. Told her twelve euro."),)) == [
        "Told her twelve euro."
    ]
    assert pair_answers([asked], (own("Ana asked how much a seat costs. The weather held."),)) == [None]


def test_the_price_is_where_the_money_is() -> None:
    parts = (
        own("Hi Kim,\n\nWe start in October with one hall and two people.\n\nThat comes to 87 euro a month."),
        quoted("How much would it cost us a month?"),
    )
    assert answers_of(*parts) == ["That comes to 87 euro a month."]
