"""Category and stage follow from the words."""

import pytest

from nlp.facets import category_of, stage_of
from nlp.records import CATEGORIES, STAGES, Kind


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("How much is a licence per month?", "cost"),
        ("Was kostet das im Jahr?", "cost"),
        ("Combien coûte la licence ?", "cost"),
        ("What is the difference compared to Halden?", "versus"),
        ("Worin unterscheiden Sie sich von den Mitbewerbern?", "versus"),
        ("Do you have references in the dairy trade?", "reviews"),
        ("Which plan would you recommend?", "best-of"),
        ("How long does onboarding take?", "process"),
        ("Does it integrate with SAP?", "fit"),
        ("Hm?", "other"),
    ],
)
def test_a_question_has_its_category(text: str, category: str) -> None:
    assert category_of(text, Kind.QUESTION) == category
    assert category in CATEGORIES


def test_a_pain_is_a_problem_and_awareness() -> None:
    assert category_of("The price list is wrong again.", Kind.PAIN) == "problems"
    assert stage_of("The price list is wrong again.", Kind.PAIN) == "awareness"


def test_contracts_are_a_matter_of_decision() -> None:
    assert stage_of("What notice period does the contract have?", Kind.QUESTION) == "decision"
    assert stage_of("Does it integrate with SAP?", Kind.QUESTION) == "consideration"
    assert {"decision", "consideration", "awareness"} == set(STAGES)
