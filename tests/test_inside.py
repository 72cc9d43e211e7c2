"""What lies inside a topic: the parts of its question, its words, ours against theirs, phrases worth keeping."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from nlp.embedding import Vectors, unit_rows
from nlp.inside_records import Keyword
from nlp.keywords import find_keywords
from nlp.phrases import find_phrases
from nlp.records import Kind, StoredInsight
from nlp.store import order_by_centrality
from nlp.subquestions import MOST_SHOWN, cut_tree, find_subquestions
from nlp.vocabulary import find_vocabulary
from nlp.wording import read_exchanges, stems_in

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def insight(number: int, text: str, *, company: str = "", language: str = "en", answer: str | None = None,
            kind: Kind = Kind.QUESTION, inferred: bool = False) -> StoredInsight:  # fmt: skip
    return StoredInsight(
        id=number, message=number, kind=kind, text=text, context="", company=company or f"c{number}.example",
        person=None, asked_at=NOW, language=language, category="fit", stage="consideration", inferred=inferred,
        answer=answer, topic=1,
    )  # fmt: skip


def rows_around(middles: Vectors, labels: list[int], spread: float = 0.05) -> Vectors:
    noise = np.random.default_rng(7).normal(size=(len(labels), middles.shape[1])) * spread
    return unit_rows((middles[labels] + noise).astype(np.float32))


def make_topic(labels: list[int]) -> tuple[list[StoredInsight], Vectors]:
    """Insights about as many things as there are labels; what is about the same lies close together."""
    middles = np.eye(max(labels) + 1, 40, dtype=np.float32) + 0.12
    members = [insight(n, f"What does thing {label} cost in the end?") for n, label in enumerate(labels, start=1)]
    return members, rows_around(middles, labels)


def parts_of(found: tuple) -> set[frozenset[int]]:
    return {frozenset(part.insights) for part in found}


@pytest.mark.parametrize("count", [2, 3, 17, 36])
def test_a_tree_is_cut_as_scipy_cuts_it(count: int):
    rows = unit_rows(np.random.default_rng(count).normal(size=(count, 6)).astype(np.float32))
    rows[count // 2 :: 4] = rows[0]  # equal ones are joined at height 0
    tree = linkage(np.clip(1 - (rows @ rows.T)[np.triu_indices(count, 1)], 0, 2).astype(np.float64), "average")
    for height in (0.0, *tree[:, 2], 0.3, 2.0):
        labels = fcluster(tree, height, "distance")
        same = {frozenset(np.flatnonzero(labels == label).tolist()) for label in labels}
        assert set(map(frozenset, cut_tree(tree, height))) == same


def test_insights_that_mean_the_same_are_one_subquestion_with_its_companies():
    members, rows = make_topic([0, 1, 0, 1, 0, 2, 0, 1, 2])
    members[2] = replace(members[2], company=members[0].company)
    found = find_subquestions(members, rows)
    assert [(part.insights[0] in (1, 3, 5, 7), part.companies, len(part.insights)) for part in found[:1]] == [
        (True, 3, 4)
    ]
    assert [(part.companies, len(part.insights)) for part in found[1:]] == [(3, 3), (2, 2)]


def test_a_large_topic_shows_at_most_eight_parts():
    members, rows = make_topic([n % 20 for n in range(200)])
    found = find_subquestions(members, rows)
    assert 3 <= len(found) <= MOST_SHOWN
    assert all(part.companies > 1 for part in found)


def test_a_part_is_worded_in_the_language_of_the_mailbox_when_anybody_said_it_so():
    members, rows = make_topic([0, 1, 0, 1, 0, 2, 0, 1, 2])
    closeness = rows @ rows[[0, 2, 4, 6]].sum(axis=0)
    least = min((0, 2, 4, 6), key=lambda row: closeness[row])  # the least central of its part is the English one
    spoken = [
        one if row == least else replace(one, language="de", text="Was kostet das Ding am Ende?")
        for row, one in enumerate(members)
    ]
    found = find_subquestions(spoken, rows, language="en")
    assert [part.language for part in found] == ["en", "de", "de"]
    assert found[0].text == "What does thing 0 cost in the end?"
    assert {part.language for part in find_subquestions(spoken, rows)} == {"de"}
    assert parts_of(found) == parts_of(find_subquestions(members, rows))


def test_what_is_said_in_two_languages_is_one_part():
    """The first ten columns are of an encoder that reads English alone."""
    middles = np.eye(3, 30, dtype=np.float32)[:, ::-1] + 0.12
    labels = [0, 1, 0, 1, 0, 1, 0, 1, 2]
    rows = rows_around(middles, labels, spread=0.02)
    rows[:, :10] += 1
    members = [insight(n, f"What does thing {label} cost?") for n, label in enumerate(labels, start=1)]
    for row in (2, 3, 6, 7):
        members[row] = replace(members[row], language="de")
        rows[row, :10] = 0
    found = find_subquestions(members, unit_rows(rows))
    assert parts_of(found) == {frozenset({1, 3, 5, 7}), frozenset({2, 4, 6, 8}), frozenset({9})}


@pytest.mark.parametrize("size", [1, 2])
def test_a_tiny_topic_has_as_many_parts_as_insights(size: int):
    members, rows = make_topic(list(range(size)))
    assert len(find_subquestions(members, rows)) == size
    assert find_subquestions([], rows[:0]) == ()


def test_one_more_insight_changes_only_the_part_it_joins():
    labels = [n % 5 for n in range(57)]
    members, rows = make_topic(labels)
    changed = 0
    for size in range(41, 57):  # between two drawings of the outline
        before = parts_of(find_subquestions(members[:size], rows[:size]))
        after = parts_of(find_subquestions(members[: size + 1], rows[: size + 1]))
        kept = {part - {size + 1} for part in after}
        changed += len(before - kept)
    assert changed == 0


def test_the_order_in_which_insights_are_handed_in_does_not_matter():
    members, rows = make_topic([n % 4 for n in range(30)])
    turned = list(reversed(range(30)))
    assert find_subquestions([members[n] for n in turned], rows[turned]) == find_subquestions(members, rows)


def test_a_phrasing_that_cannot_be_shown_gives_way_to_the_next():
    members, rows = make_topic([0, 0, 0])
    first = find_subquestions(members, rows)[0]
    found = find_subquestions(members, rows, lambda text: None if text == first.text and found_once(text) else text)
    assert found[0].companies == 3
    assert find_subquestions(members, rows, lambda text: None) == ()


def found_once(text: str, seen: list[str] = []) -> bool:  # noqa: B006 - remembers on purpose
    seen.append(text)
    return len(seen) == 1


def test_inferred_insights_are_no_phrasing_and_no_company():
    members, rows = make_topic([0, 0, 0])
    members[1] = replace(members[1], inferred=True)
    assert [part.companies for part in find_subquestions(members, rows)] == [2]


def test_keywords_set_topics_apart_and_count_companies():
    price = [
        insight(n, f"What is the price per seat for our {word}?")
        for n, word in enumerate(("plant", "office", "yard"), 1)
    ]
    host = [insight(n, "In which country does our data live?", company=f"d{n}.example") for n in (4, 5, 6)]
    found = find_keywords({1: read_exchanges(price), 2: read_exchanges(host)})
    assert found[1][0] == Keyword("price per seat", 3)
    assert {word.text for word in found[2]} == {"country", "data live"}
    assert "our" not in {word.text for topic in found.values() for word in topic}


def test_keywords_are_of_the_language_of_the_mailbox_where_several_companies_speak_it():
    english = [insight(n, "What does the price per seat come to?") for n in (1, 2)]
    german = [insight(n, "Was kosten die Plätze?", language="de") for n in (3, 4, 5)]

    def words_of(members: list[StoredInsight], language: str) -> set[str]:
        return {word.text for word in find_keywords({1: read_exchanges(members)}, language=language)[1]}

    assert words_of([*english, *german], "en") == {"price per seat"}
    assert words_of([*english, *german], "") == {"price per seat", "kosten die Plätze"}
    assert words_of([english[0], *german], "en") == {"kosten die Plätze"}


def test_what_one_of_several_companies_says_is_no_keyword():
    members = [insight(n, "Does the gateway speak Modbus?") for n in (1, 2)] + [
        insight(3, "Does the gateway like Zebras?")
    ]
    assert [(word.text, word.companies) for word in find_keywords({1: read_exchanges(members)})[1]] == [
        ("gateway speak", 2), ("Modbus", 2),
    ]  # fmt: skip
    assert "Zebras" not in {word.text for word in find_keywords({1: read_exchanges(members)})[1]}


def test_a_persons_name_is_no_keyword():
    members = [insight(n, "Would Sheila approve the hours?") for n in (1, 2, 3)]
    found = find_keywords({1: read_exchanges(members)}, lambda text: text.replace("Sheila", "[name]"))[1]
    assert {word.text for word in found} & {"Sheila", "[name]"} == set()
    assert found


def test_every_form_of_a_word_counts_once():
    assert stems_in("The invoice, invoices and invoicing", "en") == {"invoic"}
    assert stems_in("L’installation des machines", "fr") == {"installation", "machin"}
    assert stems_in("the and we", "en") == frozenset()


def test_their_word_is_set_against_ours():
    members = [
        insight(n, "Can our people use the sign-in they have?", answer=f"Yes, SSO comes with it, as for {town}.")
        for n, town in enumerate(("Leeds", "Leeds", "York"), start=1)
    ]
    pair = find_vocabulary({1: read_exchanges(members)})[1][0]
    assert (pair.theirs, pair.ours) == ("sign-in", "SSO")
    assert (pair.companies, pair.answers) == (3, 2)  # the same answer twice is one


def test_a_word_that_both_sides_use_is_no_pair():
    members = [insight(n, "Is there a login?", answer=f"The login is part of it, {n}.") for n in (1, 2, 3)]
    assert not [
        pair for pair in find_vocabulary({1: read_exchanges(members)})[1] if "login" in (pair.theirs, pair.ours)
    ]


def test_a_word_of_ours_that_no_buyer_writes_is_named():
    members = [insight(n, f"How long is it, {n}?", answer=f"Onboarding is up to us, {n}.") for n in (1, 2, 3, 4)]
    assert ("", "onboarding", 0, 4) in {
        (pair.theirs, pair.ours.lower(), pair.companies, pair.answers)
        for pair in find_vocabulary({1: read_exchanges(members)})[1]
    }


def test_phrases_stand_in_the_mails_letter_by_letter():
    members = [
        insight(1, "We lose two days a month on re-typing hours, and nobody checks them.", kind=Kind.PAIN),
        insight(2, "Could the hours come straight from the clocks?"),
        insight(3, "ok?"),
    ]
    found = find_phrases(members, (Keyword("hours", 2),))
    assert {phrase.text for phrase in found} >= {"We lose two days a month on re-typing hours"}
    texts = {member.id: member.text for member in members}
    assert all(phrase.text in texts[phrase.insight] and 3 <= len(phrase.text.split()) <= 9 for phrase in found)


def test_what_is_central_does_not_depend_on_the_language_it_was_said_in() -> None:
    """Columns: two that only English has, two of all languages; other languages are louder there."""
    meant = unit_rows(np.array([[1, 0.0], [1, 0.05], [1, -0.1], [1, 0.6], [1, -0.7]], dtype=np.float32))
    english = np.hstack([np.full((5, 2), 0.4, dtype=np.float32), 0.7 * meant])
    foreign = np.hstack([np.zeros((5, 2), dtype=np.float32), 1.1 * meant])
    mixed = np.where(np.array([[True], [False], [True], [False], [False]]), english, foreign)
    rows = {number: number - 1 for number in range(1, 6)}
    for vectors in (english, foreign, mixed):
        assert order_by_centrality((1, 2, 3, 4, 5, 9), vectors, rows) == (1, 2, 3, 4, 5, 9)
