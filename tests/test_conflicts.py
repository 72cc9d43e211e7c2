"""Answers that cannot all be right are found; answers that only differ in words are left alone."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from nlp.conflicts import find_conflicts
from nlp.records import Kind, StoredInsight

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def exchange(number: int, question: str, answer: str, *, language: str = "en") -> StoredInsight:
    return StoredInsight(
        id=number, message=number, kind=Kind.QUESTION, text=question, context="", company=f"c{number}.example",
        person=None, asked_at=NOW + timedelta(days=number), language=language, category="fit", stage="consideration",
        inferred=False, answer=answer, topic=1,
    )  # fmt: skip


def values(*answers: str, questions: tuple[str, str] = ("How long does it work offline?",) * 2, language: str = "en"):
    found = find_conflicts(
        [exchange(n, questions[n - 1], answer, language=language) for n, answer in enumerate(answers, start=1)]
    )
    return [(conflict.kind, [side.value for side in conflict.sides]) for conflict in found]


def test_different_figures_for_the_same_are_a_conflict_the_newest_first():
    found = values("The tablet keeps everything for 14 days.", "Well. The tablet keeps everything for 30 days.")
    assert found == [("number", ["30 days", "14 days"])]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The tablet keeps everything for 14 days.", "The tablet keeps everything for two weeks."),
        ("The tablet keeps everything for 14 days.", "The tablet keeps everything for a fortnight."),
        ("Storage of the backup copies: 30 days.", "Storage of the backup copies: one month."),
        ("The yearly licence costs 2,400 euro.", "The yearly licence costs EUR 2.400."),
        ("The tablet keeps everything for 14 days.", "Notice is given 30 days before the end of a year."),
        ("The tablet keeps everything for 14 days.", "The tablet costs 30 euro for everything."),
    ],
)
def test_the_same_in_other_words_and_other_things_are_none(one: str, other: str):
    assert values(one, other) == []


def test_what_is_reckoned_for_one_customer_contradicts_nothing():
    questions = ("What would 14 technicians cost?", "What would 22 technicians cost?")
    answers = ("14 technicians cost 406 euro per month.", "22 technicians cost 638 euro per month.")
    assert values(*answers, questions=questions) == []


def test_yes_and_no_to_the_same_question_are_a_conflict():
    questions = ("Does the app work on our old tablets?", "Does the app work with old tablets too?")
    assert values("Yes, it does.", "Not yet, sorry.", questions=questions) == [("yes-no", ["no", "yes"])]
    assert values("Ja, gerne.", "Leider nicht.", questions=questions, language="de") == [("yes-no", ["no", "yes"])]
    assert values("Yes, it does.", "Of course.", questions=questions) == []
    assert values("Yes, it does.", "No.", questions=(questions[0], "Where is our data stored?")) == []


def test_dates_for_the_same_are_a_conflict():
    assert values("The SAP connector ships on 1 March.", "The SAP connector ships on 15 June.") == [
        ("date", ["15 June", "1 March"])
    ]
    assert values("The SAP connector ships on 2027-03-01.", "The SAP connector ships on 1.3.2027.") == []


def test_a_sentence_that_cannot_be_shown_is_no_side():
    insights = [
        exchange(1, "?", "The tablet keeps everything 14 days."),
        exchange(2, "?", "The tablet keeps everything 30 days."),
    ]
    assert len(find_conflicts(insights)) == 1
    assert find_conflicts(insights, lambda text: None if "30 days." in text else text) == ()


def test_hostile_answers_take_no_time():
    started = time.process_time()
    for hostile in ("1" * 200_000, "1." * 100_000, "1 day " * 40_000, "no " * 60_000, "3/3/" * 50_000, "." * 200_000):
        find_conflicts([exchange(1, hostile, hostile), exchange(2, hostile, hostile + "x")])
    assert time.process_time() - started < 5
