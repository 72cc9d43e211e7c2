"""Colleague or prospect, which company, and whose words a part holds."""

import time

import pytest

from harvester.mime import parse_mail
from harvester.people import (
    company_of,
    delivered_to,
    fold_name,
    is_colleague,
    main_address,
    name_authors,
    names_by_address,
    outside_recipients,
    team_of,
)
from harvester.records import Part, Role, Roster

ROSTER = Roster(
    ("acme.example", "acme.co.uk"),
    aliases={"ana.private@freemail.example": "ana@acme.example", "a.ruiz@acme.example": "ana@acme.example"},
    names={"ana@acme.example": "Ana Ruiz", "freelancer@studio.example": "Fay Lane"},
    answers_address="answers@acme.example",
)


def mail_to(*fields: str, sender: str = "Ana Ruiz <ana@acme.example>") -> bytes:
    return "\r\n".join((f"From: {sender}", *fields, "", "text", "")).encode()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ana@acme.example", True),
        ("bob@emea.acme.example", True),
        ("Bob@ACME.co.uk", True),
        ("ana.private@freemail.example", True),
        ("ana.private+work@freemail.example", True),
        ("freelancer@studio.example", True),
        ("li@notacme.example", False),
        ("li@acme.example.evil.example", False),
        ("acme.example", False),
        ("", False),
    ],
)
def test_only_our_domains_and_the_roster_are_colleagues(address: str, expected: bool) -> None:
    assert is_colleague(address, ROSTER) is expected


@pytest.mark.parametrize(
    ("address", "company"),
    [
        ("li@globex.example", "globex.example"),
        ("li@se.mail.globex.example", "globex.example"),
        ("li@sales.globex.co.uk", "globex.co.uk"),
        ("li@müller.co.at", "müller.co.at"),
        ("Joe+news@freemail.example", "joe@freemail.example"),
        ("joe@gmail.com", "joe@gmail.com"),
        ("joe@yahoo.co.uk", "joe@yahoo.co.uk"),
        ("joe@gmx.net", "joe@gmx.net"),
        ("joe@t-online.de", "joe@t-online.de"),
        ("li@outlook-partners.example", "outlook-partners.example"),
        ("root@localhost", "localhost"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_company_is_a_registrable_domain_and_freemail_a_person(address: str, company: str) -> None:
    assert company_of(address) == company


def test_aliases_and_plus_tags_lead_to_the_main_address() -> None:
    assert main_address("A.Ruiz+x@acme.example", ROSTER) == "ana@acme.example"
    assert main_address("new@acme.example", ROSTER) == "new@acme.example"


def test_a_blind_copy_is_seen_where_servers_note_it() -> None:
    raw = mail_to(
        "To: li@globex.example", "Delivered-To: answers+emea@acme.example", "X-Original-To: <answers@acme.example>"
    )
    mail = parse_mail(raw)
    assert delivered_to(mail) == ("answers+emea@acme.example", "answers@acme.example")
    assert team_of(mail, ROSTER) == "emea"
    assert team_of(parse_mail(mail_to("To: li@globex.example")), ROSTER) == ""


def test_outside_recipients_are_neither_colleagues_nor_our_mailbox() -> None:
    mail = parse_mail(
        mail_to("To: li@globex.example, answers@acme.example", "Cc: Bob <bob@acme.example>, Li <li@globex.example>")
    )
    assert [(a.name, a.address) for a in outside_recipients(mail, ROSTER)] == [("Li", "li@globex.example")]


def test_names_are_the_same_in_any_order_and_spelling() -> None:
    assert fold_name("Müller, Dr. Jörg") == fold_name("Jorg Muller")
    assert fold_name("Li Chen") != fold_name("Li Chang")


def quote(name: str | None = None, author: str | None = None, role: Role = Role.QUOTED, depth: int = 1) -> Part:
    return Part(role, "How much is it?", author=author, author_name=name, depth=depth)


def author_of(part: Part, raw: bytes, known: dict[str, str] | None = None) -> tuple[str | None, str]:
    (named,) = name_authors((part,), parse_mail(raw), ROSTER, known)
    return named.author, named.author_kind


TO_LI = mail_to("To: Li Chen <li@globex.example>")


@pytest.mark.parametrize(
    ("part", "raw", "expected"),
    [
        (quote(author="LI@globex.example"), TO_LI, ("li@globex.example", "prospect")),
        (quote("Li Chen"), TO_LI, ("li@globex.example", "prospect")),
        (quote("Chen, Li"), TO_LI, ("li@globex.example", "prospect")),
        (quote("Li"), TO_LI, ("li@globex.example", "prospect")),
        (quote("Ruiz, Ana"), TO_LI, ("ana@acme.example", "us")),
        (quote("Li Chen"), mail_to("To: li.chen@globex.example"), ("li.chen@globex.example", "prospect")),
        (quote("Somebody Else"), TO_LI, (None, "prospect")),
        (quote(), TO_LI, ("li@globex.example", "prospect")),
        (quote(), mail_to("To: li@globex.example, kim@globex.example"), (None, "unknown")),
        (quote(), mail_to("To: li@globex.example", "In-Reply-To: <1@acme.example>"), (None, "unknown")),
        (quote(role=Role.OWN, depth=0), TO_LI, ("ana@acme.example", "us")),
        (quote(author="kim@globex.example"), mail_to("To: x@globex.example", sender="kim@globex.example"),
         ("kim@globex.example", "unknown")),
        (quote(author="ana@acme.example"), mail_to(sender="kim@globex.example"), ("ana@acme.example", "us")),
    ],
)  # fmt: skip
def test_every_part_gets_its_author(part: Part, raw: bytes, expected: tuple[str | None, str]) -> None:
    assert author_of(part, raw) == expected


def test_names_from_earlier_mails_are_remembered_but_never_guessed_between_two() -> None:
    raw = mail_to("To: sales@globex.example")
    assert author_of(quote("Kim Vale"), raw, {"kv7@globex.example": "Vale, Kim"}) == ("kv7@globex.example", "prospect")
    two = {"kv7@globex.example": "Kim Vale", "kim@other.example": "Kim Vale"}
    assert author_of(quote("Kim Vale"), raw, two) == (None, "prospect")


def test_header_blocks_of_quotes_teach_names() -> None:
    block = Part(
        Role.QUOTED, "From: Kim Vale <kv7@globex.example>\nTo: Ana Ruiz <ana@acme.example>", label="attribution"
    )
    names = names_by_address(parse_mail(TO_LI), (block,))
    assert names["kv7@globex.example"] == "Kim Vale"
    assert names["li@globex.example"] == "Li Chen"


def test_many_people_and_many_quotes_take_linear_time() -> None:
    people = ", ".join(f"Person{i} Family{i % 50} <p{i}@c{i}.example>" for i in range(1_500))
    parts = tuple(quote(f"Family{i % 60} Person{i}") for i in range(3_000))
    mail = parse_mail(mail_to(f"To: {people}"))
    started = time.process_time()
    named = name_authors(parts, mail, ROSTER)
    assert time.process_time() - started < 3
    assert named[7].author == "p7@c7.example"
