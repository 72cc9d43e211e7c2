"""Every mail of tests/mails is taken apart as the expectation beside it says."""

import pytest
from case_scores import CASES, NAME, Case, compare, load_cases, load_known_failures

from harvester.mime import parse_mail
from harvester.splitting import split_mail

ALL = load_cases()
KNOWN = load_known_failures()


def _parameters() -> list[object]:
    # Strict: an improvement turns the test red until the case leaves the list.
    mark = pytest.mark.xfail(reason="tests/mails/known_failures.txt", strict=True)
    return [pytest.param(case, id=case.name, marks=[mark] if case.name in KNOWN else []) for case in ALL]


@pytest.mark.parametrize("case", _parameters())
def test_mail_is_taken_apart_as_expected(case: Case) -> None:
    differences = compare(split_mail(parse_mail(case.raw)), case.expected)
    assert not differences, "\n".join(difference.detail for difference in differences)


def test_every_mail_has_an_expectation_and_every_expectation_a_mail() -> None:
    assert {path.stem for path in CASES.glob("*.eml")} == {path.stem for path in CASES.glob("*.json")}


def test_case_names_say_client_language_and_habit() -> None:
    assert [case.name for case in ALL if not NAME.fullmatch(case.name)] == []


def test_known_failures_name_existing_cases() -> None:
    assert KNOWN - {case.name for case in ALL} == set()


def test_cases_cover_clients_and_languages() -> None:
    assert len(ALL) >= 140
    assert len({case.language for case in ALL}) >= 24
    assert len({case.client for case in ALL}) >= 20
