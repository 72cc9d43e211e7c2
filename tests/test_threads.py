"""Conversations, the same mail twice, and quotes that were seen before."""

import pytest

from harvester.mime import parse_mail
from harvester.records import Mail, Part, Role
from harvester.threads import (
    find_threads,
    is_same_mail,
    linked_ids,
    normalise_subject,
    quote_hashes,
    split_subject,
    start_thread,
    subject_key,
    text_hash,
)

QUESTION = "Could you tell us what a seat costs when we take more than two hundred of them?"


def mail_with(*fields: str, text: str = "text") -> Mail:
    return parse_mail("\r\n".join(("From: ana@acme.example", "To: li@globex.example", *fields, "", text, "")).encode())


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: AW: Fwd:  Pricing  ", "pricing"),
        ("RE: [EXTERN] Pricing", "pricing"),
        ("Re[2]: Pricing", "pricing"),
        ("AW (3): Preise", "preise"),
        ("Re：Pricing", "pricing"),
        ("Reminder: pricing", "reminder: pricing"),
        ("", ""),
        ("Re:", ""),
    ],
)
def test_prefixes_are_no_part_of_a_subject(subject: str, expected: str) -> None:
    assert normalise_subject(subject) == expected


def test_only_reply_prefixes_make_an_answer() -> None:
    assert split_subject("AW: x") == ("x", True)
    assert split_subject("WG: x") == ("x", False)


def test_layout_does_not_change_a_hash_and_words_do() -> None:
    assert text_hash("> Hello,\n> World!") == text_hash("hello   world")
    assert text_hash("hello world") != text_hash("hello word")
    assert text_hash(" -- \n>") == ""


def test_the_oldest_ancestor_names_the_conversation() -> None:
    first = mail_with("Message-ID: <r1@acme.example>", "In-Reply-To: <q1@globex.example>")
    second = mail_with(
        "Message-ID: <r2@acme.example>", "References: <q1@globex.example> <r1@acme.example> <q2@globex.example>"
    )
    assert start_thread(first) == start_thread(second) == "<q1@globex.example>"
    assert linked_ids(second) == ("<q2@globex.example>", "<r1@acme.example>", "<q1@globex.example>")


def test_stored_ancestors_decide_the_closest_first() -> None:
    mail = mail_with("Message-ID: <r3@acme.example>", "References: <q1@globex.example> <r1@acme.example>")
    assert find_threads(mail, known_ids={}) == ()
    assert find_threads(mail, known_ids={"<r1@acme.example>": "b", "<q1@globex.example>": "a"}) == ("b", "a")
    assert find_threads(mail, known_ids={"<r3@acme.example>": "c"}, known_texts={"hash": "d"}) == ("c", "d")


def test_only_an_answer_without_references_goes_by_its_subject() -> None:
    lost = mail_with("Message-ID: <r4@acme.example>", "Subject: Re: Pricing")
    known = {subject_key(mail_with("Subject: Pricing")): "a"}
    assert find_threads(lost, known_ids=known) == ("a",)
    assert find_threads(lost, known_ids=known, known_texts={"hash": "b"}) == ("b",)
    assert find_threads(mail_with("Subject: Pricing"), known_ids=known) == ()
    assert find_threads(mail_with("Subject: Re: Pricing", "Cc: kim@other.example"), known_ids=known) == ()
    assert find_threads(mail_with("Subject: Re: Pricing", "In-Reply-To: <q1@globex.example>"), known_ids=known) == ()


def test_one_attached_mail_is_an_ancestor_and_a_collection_is_none() -> None:
    inner = "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <q1@globex.example>\r\n\r\nx\r\n"
    kind = "Content-Type: multipart/mixed; boundary=b"
    assert linked_ids(mail_with(kind, text=f"{inner}--b--")) == ("<q1@globex.example>",)
    assert linked_ids(mail_with(kind, text=f"{inner}{inner}--b--")) == ()


def test_short_quotes_do_not_join_conversations() -> None:
    assert quote_hashes((Part(Role.QUOTED, "Thanks!", depth=1),)) == ()
    assert quote_hashes((Part(Role.QUOTED, QUESTION, depth=1),)) == (text_hash(QUESTION),)


def test_the_same_mail_is_recognised_with_and_without_its_id() -> None:
    date = "Date: Mon, 2 Nov 2026 09:00:00 +0000"
    original = mail_with("Message-ID: <r1@acme.example>", "Subject: Pricing", date)
    assert is_same_mail(original, mail_with("Message-ID: <r1@acme.example>", "Subject: other"))
    assert is_same_mail(original, mail_with("Subject: Fwd: Pricing", date))
    assert not is_same_mail(original, mail_with("Subject: Pricing", date, text="another text"))
    assert not is_same_mail(original, mail_with("Subject: Pricing", "Date: Tue, 3 Nov 2026 09:00:00 +0000"))
