"""An insight meets the passage that answers it, or none."""

from harvester.records import Part, Role
from nlp.extraction import extract_insights
from nlp.pairing import answer_passage, pair_answers


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


def test_without_a_word_of_ours_nothing_is_answered() -> None:
    (insight,) = extract_insights((quoted("Is there a trial?"),), subject="")
    assert answer_passage(insight, (quoted("Is there a trial?"),)) is None


def test_an_encoder_may_decide() -> None:
    parts = (own("Hi Kim,\n\nSixty metres.\n\nIn Leeds.\n\nBest\nJo"), quoted("Where are you?\n\nHow tall is it?"))
    insights = extract_insights(parts, subject="")
    assert pair_answers(insights, parts, lambda questions, passages: [[0.0, 0.9], [0.9, 0.0]]) == [
        "In Leeds.",
        "Sixty metres.",
    ]
