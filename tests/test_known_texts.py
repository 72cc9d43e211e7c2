"""Own words told from quoted ones by the archived original, where neither mark nor introduction tells them."""

import time

import pytest

from harvester.known_texts import KnownText, find_known_lines, find_typed_lines, separate_known_texts
from harvester.mime import parse_mail
from harvester.records import Mail, Part, Role
from harvester.splitting import split_mail

QUESTION = "What does a seat cost when we take more than two hundred of them?"
OTHER = "How many weeks does a delivery of spare parts to Norway take?"
ORIGINAL = f"Dear Ana,\n\nwe are moving in spring and have two questions.\n\n{QUESTION}\n\n{OTHER}\n\nKind wishes\nLi"
LI = KnownText(ORIGINAL, "li@globex.example", "Li Chen")
BLOCK = (
    "From: Li Chen <li@globex.example>\nSent: 1 November 2026 09:00\nTo: Ana Ruiz <ana@acme.example>\nSubject: Move\n"
)


def reply(body: str) -> Mail:
    return parse_mail(
        f"From: Ana Ruiz <ana@acme.example>\nTo: li@globex.example\nSubject: Re: Move\n\n{body}\n".encode()
    )


def separated(body: str, *known: KnownText) -> list[tuple[Role, str | None, str]]:
    mail = reply(body)
    parts = separate_known_texts(split_mail(mail), mail, known or (LI,))
    return [(part.role, part.author, part.text) for part in parts if part.role in (Role.OWN, Role.QUOTED)]


def test_answers_typed_into_an_unmarked_quote_are_own_and_answer_the_line_above() -> None:
    body = f"Hi Li,\n\nsee below.\n\n{BLOCK}\n{ORIGINAL}"
    body = body.replace(OTHER, f"Eleven euros, two hundred and up.\n\n{OTHER}\nThree, to Oslo.\nFour to the north.")
    assert separated(body) == [
        (Role.OWN, "ana@acme.example", "Hi Li,\n\nsee below."),
        (Role.QUOTED, "li@globex.example", ORIGINAL.partition("\n\nHow")[0]),
        (Role.OWN, "ana@acme.example", "Eleven euros, two hundred and up."),
        (Role.QUOTED, "li@globex.example", OTHER),
        (Role.OWN, "ana@acme.example", "Three, to Oslo.\nFour to the north."),
    ]
    mail = reply(body)
    parts = separate_known_texts(split_mail(mail), mail, (LI,))
    pairs = [(part.text[:6], parts[part.answers].text[-12:]) for part in parts if part.answers is not None]
    assert ("Eleven", "two hundred of them?"[-12:]) in pairs
    assert ("Three,", OTHER[-12:]) in pairs


@pytest.mark.parametrize(
    ("quoted", "why"),
    [
        (ORIGINAL, "nothing was typed"),
        (ORIGINAL.replace("in spring and", "in spring\nand"), "only broken differently"),
        (ORIGINAL.replace("two hundred", "250"), "a line was changed on the way"),
        ("[EXTERNAL]\n\n" + ORIGINAL, "something was put above it"),
        (ORIGINAL + "\n\nThis mail was scanned for viruses.", "something was put below it"),
        (f"Dear Ana,\n\nhow is the weather?\n\n{OTHER}\n\nLi", "it is another message"),
    ],
)
def test_a_quote_without_typed_lines_stays_whole(quoted: str, why: str) -> None:
    own = [text for role, _, text in separated(f"Hi Li, done.\n\n{BLOCK}\n{quoted}") if role is Role.OWN]
    assert own == ["Hi Li, done."], why


def test_the_words_of_somebody_else_tell_nothing_about_a_quote() -> None:
    body = f"Hi Li, done.\n\n{BLOCK}\n{ORIGINAL.replace(OTHER, 'Eleven euros.' + chr(10) + OTHER)}"
    kim = KnownText(ORIGINAL, "kim@globex.example", "Kim Vale")
    assert [text for role, _, text in separated(body, kim) if role is Role.OWN] == ["Hi Li, done."]


def test_questions_copied_between_answers_become_quotes_in_their_place() -> None:
    body = f"Hi Li,\n\n{QUESTION}\nEleven euros.\n\n{OTHER}\nThree.\n\n{BLOCK}\n{ORIGINAL}"
    assert separated(body)[:5] == [
        (Role.OWN, "ana@acme.example", "Hi Li,"),
        (Role.QUOTED, "li@globex.example", QUESTION),
        (Role.OWN, "ana@acme.example", "Eleven euros."),
        (Role.QUOTED, "li@globex.example", OTHER),
        (Role.OWN, "ana@acme.example", "Three."),
    ]


def test_what_a_colleague_says_again_beside_a_quote_is_own_once_more() -> None:
    standard = "The price list is attached and holds until the end of the year."
    body = f"Hi Li,\n\n{standard}\n\n{BLOCK}\n{QUESTION}"
    assert separated(body, KnownText(standard, "ana@acme.example", "Ana Ruiz"))[0][2] == f"Hi Li,\n\n{standard}"


def test_a_known_original_tells_own_words_from_an_unmarked_quote() -> None:
    lines = ["Hi Li,", "five euros.", "", "Hello,", QUESTION, "Li"]
    known = KnownText(f"Hello,\n\n{QUESTION}\n\nLi", None, None)
    assert [source is known for source in find_known_lines(lines, [known])] == [False] * 3 + [True] * 3
    assert find_known_lines(["Hello,", "five euros."], [known]) == [None, None]


def test_a_copied_line_is_known_however_it_is_broken() -> None:
    halves = ["What does a seat cost when we", "take more than two hundred of them?"]
    assert find_known_lines(halves, [LI]) == [LI, LI]


@pytest.mark.parametrize("lines", [20_000, 40_000])
def test_long_texts_are_compared_in_bounded_time(lines: int) -> None:
    text = [f"line {number} of a long mail that says nothing new" for number in range(lines)]
    known = [KnownText("\n".join(text), None, None)] * 20
    started = time.process_time()
    find_known_lines(text, known)
    find_typed_lines(text, known[0].text)
    find_typed_lines(["a"] * lines, "a " * lines)
    assert time.process_time() - started < 6


def test_a_mail_that_answers_nothing_known_comes_back_as_it_was() -> None:
    parts: tuple[Part, ...] = split_mail(reply(f"Hi Li, done.\n\n{BLOCK}\n{ORIGINAL}"))
    assert separate_known_texts(parts, reply(""), ()) is parts
