"""Sentences end where the writer ended them, not where a mail client broke the line."""

import time

import pytest

from nlp.sentences import split_sentences


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(text)]


def test_wrapped_lines_are_one_sentence() -> None:
    text = (
        "Right now that is three bureaus, three portals, three invoices and not one\n"
        "total I can put in front of anybody. Which of those would you run with your\n"
        "own people?"
    )
    assert texts(text) == [
        "Right now that is three bureaus, three portals, three invoices and not one"
        " total I can put in front of anybody.",
        "Which of those would you run with your own people?",
    ]


def test_short_lines_stay_apart() -> None:
    assert texts("do you have an on-prem option\nhow much is it\nJo") == [
        "do you have an on-prem option",
        "how much is it",
        "Jo",
    ]


def test_a_list_in_the_middle_of_a_paragraph_is_one() -> None:
    text = "We must know the following. (a) Where it is kept. It matters. (b) For how\nlong. (c) What becomes of it."
    sentences = split_sentences(text)
    assert [(sentence.item, sentence.text) for sentence in sentences] == [
        ("", "We must know the following."),
        ("a", "Where it is kept."),
        ("a", "It matters."),
        ("b", "For how long."),
        ("c", "What becomes of it."),
    ]
    assert [text[sentence.start :][:3] for sentence in sentences] == ["We ", "Whe", "It ", "For", "Wha"]
    assert [sentence.paragraph for sentence in sentences] == [0, 1, 1, 2, 3]
    assert [(one.item, one.text) for one in split_sentences("1) What does it cost? 2) Who does it?")] == [
        ("1", "What does it cost?"),
        ("2", "Who does it?"),
    ]


@pytest.mark.parametrize("text", ["We see (a) and (b) as one.", "Now (b) is ours. (c) is yours.", "Fine. (a) is ours."])
def test_what_only_points_at_an_item_is_no_list(text: str) -> None:
    assert {sentence.item for sentence in split_sentences(text)} == {""}
    assert " ".join(texts(text)) == text


def test_list_items_keep_their_number() -> None:
    sentences = split_sentences(
        "Our questions:\n1. What does it cost?\n2) How long\n   does it take?\n- and the warranty"
    )
    assert [(sentence.item, sentence.text) for sentence in sentences] == [
        ("", "Our questions:"),
        ("1", "What does it cost?"),
        ("2", "How long does it take?"),
        ("-", "and the warranty"),
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "We use approx. 40 seats, e.g. for Dr. Meyer.",
        "Bis wann muss das da sein, damit am 28. gezahlt wird?",
        "Ab dem 1. Oktober brauchen wir z.B. zwei Zugänge.",
        "Have a look at https://shop.example/a?b=c.d and tell me.",
        "Some send it in Word!, it takes days.",
        "It costs 3.90 a head.",
    ],
)
def test_what_looks_like_an_end_is_none(sentence: str) -> None:
    assert texts(sentence) == [sentence]


def test_question_and_exclamation_marks_end_sentences() -> None:
    assert texts("Really?! Yes. no idea... maybe. ¿Y los sábados? Claro.") == [
        "Really?!",
        "Yes.",
        "no idea... maybe.",
        "¿Y los sábados?",
        "Claro.",
    ]


def test_offsets_point_into_the_text() -> None:
    text = "Hello.\n\n  - One thing. Two things.\n"
    for sentence in split_sentences(text):
        assert text[sentence.start :].startswith(sentence.text)


@pytest.mark.parametrize("piece", ["a", "? ", ". ", "- \n", "1. x\n", "\n", "(((", "word ", "。"])
def test_a_hostile_megabyte_takes_a_moment(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    split_sentences(text)
    assert time.process_time() - started < 5
