"""Which mails count, which are set aside, and for which reason; both halves of every rule."""

import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from harvester import gate
from harvester.mime import parse_mail
from harvester.people import name_authors
from harvester.reading import read_mail
from harvester.records import Part, ReadingSettings, Role, Roster, Status, Verdict
from harvester.resources import data_folder

ROSTER = Roster(("acme.example",), answers_address="answers@acme.example")
SETTINGS = ReadingSettings(ROSTER, excluded_subjects=("confidential", "offer letter", "privé", "保密"))

TO_LI = "To: Li Chen <li@globex.example>"
QUOTE = (
    "\n\nOn Sun, Nov 1, 2026 at 9:00 AM Li Chen <li@globex.example> wrote:\n> How much is it for two hundred seats?\n"
)


def mail(
    *fields: str, body: str = "Hi Li,\n\nfive euros a seat.\n" + QUOTE, sender: str = "Ana <ana@acme.example>"
) -> bytes:
    return "\n".join((f"From: {sender}", *fields, "", body)).encode()


def judge(*fields: str, settings: ReadingSettings = SETTINGS, **kwargs: str) -> Verdict:
    return read_mail(mail(*fields, **kwargs), settings).verdict


def test_the_usual_blind_copy_is_accepted() -> None:
    verdict = judge(TO_LI, "Subject: Re: price")
    assert verdict == Verdict(
        Status.ACCEPTED, None, "ana@acme.example", ("li@globex.example",), "globex.example", "answer"
    )


@pytest.mark.parametrize(
    "fields",
    [
        ("Auto-Submitted: no",),
        ("Precedence: normal",),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply",),
        ("List-Unsubscribe: <https://crm.example/u/1>", "Precedence: bulk"),
        ("List-Unsubscribe: <https://crm.example/u/1>", "Subject: Re: price"),
        ("List-Unsubscribe: <https://crm.example/u/1>", "List-Id: <1.crm.example>", "In-Reply-To: <1@globex.example>"),
        ("List-Id: Answers <answers.acme.example>", "Precedence: list", "List-Unsubscribe: <mailto:x@acme.example>"),
        ("Return-Path: <ana@acme.example>", "X-Spam-Flag: NO", "X-Spam-Status: No, score=-1"),
        ("Subject: Re: Out of office hours support",),
        ("Subject: Your annual leave module",),
        ("Subject: Read replicas",),
        ("Subject: Re: confidentiality clause",),
        ("Subject: Personalised onboarding",),
    ],
)
def test_genuine_mails_are_not_set_aside(fields: tuple[str, ...]) -> None:
    verdict = judge(TO_LI, *fields)
    assert (verdict.status, verdict.reason) == (Status.ACCEPTED, None)


def test_words_of_absence_in_a_real_answer_do_not_make_it_an_absence_note() -> None:
    body = "Hi Li,\n\nthe price is five euros. I am out of the office on Friday, so Colm will send the contract.\n\nAna"
    assert judge(TO_LI, body=body + QUOTE).status is Status.ACCEPTED
    listed = "Hi Li,\n\nour list is attached." + QUOTE + "> To unsubscribe from this list click here\n> #price"
    assert judge(TO_LI, body=listed).status is Status.ACCEPTED


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (("Auto-Submitted: auto-replied (vacation)",), "Auto-Submitted: auto-replied"),
        (("Auto-Submitted: auto-generated",), "Auto-Submitted: auto-generated"),
        (("X-Autoreply: yes",), "X-Autoreply"),
        (("X-Autorespond: vacation",), "X-Autorespond"),
        (("Precedence: auto_reply",), "Precedence: auto_reply"),
        (("Precedence: junk", "Cc: " + ", ".join(f"p{i}@c{i}.example" for i in range(9))), "Precedence: junk"),
        (("Return-Path: <>",), "Return-Path: <>"),
        (("X-Failed-Recipients: li@globex.example",), "X-Failed-Recipients"),
        (("X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",), "X-MS-Exchange-Generated-Message-Source"),
        (
            ("Content-Type: multipart/report; report-type=delivery-status; boundary=b",),
            "Content-Type: multipart/report",
        ),
        (("Content-Type: text/calendar; method=REQUEST",), "Content-Type: text/calendar"),
        (("X-Answers-Harvester: digest",), "our own mail"),
        (("Subject: Automatische Antwort: Preise",), "subject: automatische antwort"),
        (("Subject: Réponse automatique : tarif",), "subject: réponse automatique"),
        (("Subject: Out of Office",), "subject: out of office"),
    ],
)
def test_automatic_mails_are_ignored_with_the_deciding_header(fields: tuple[str, ...], reason: str) -> None:
    verdict = judge(TO_LI, *fields)
    assert verdict.status is Status.IGNORED
    assert (verdict.reason or "").startswith(reason)


@pytest.mark.parametrize(
    "fields",
    [("List-Id: News <news.other.example>",), ("List-Unsubscribe: <mailto:x@other.example>",), ("Precedence: bulk",)],
)
def test_newsletters_are_ignored(fields: tuple[str, ...]) -> None:
    verdict = judge("To: answers@acme.example", *fields, sender="editor@other.example", body="What does it cost you?")
    assert verdict.status is Status.IGNORED
    assert (verdict.reason or "").partition(":")[0] == fields[0].partition(":")[0]


@pytest.mark.parametrize(
    "body",
    [
        "I am currently out of the office and will be back on 5 November.\nFor urgent matters, please contact Colm.",
        "Ich bin im Urlaub und am 5. November wieder im Büro. In dringenden Fällen wenden Sie sich an Colm.",
    ],
)
def test_absence_notes_without_headers_are_ignored_by_their_words(body: str) -> None:
    verdict = judge(TO_LI, "Subject: Re: price", body=body)
    assert verdict.status is Status.IGNORED
    assert (verdict.reason or "").startswith("out of office")


def test_one_word_of_absence_and_the_header_of_exchange_decide_together() -> None:
    away = "Thank you for your mail. I am out of the office."
    answer = "Five euros a seat. I am out of the office on Friday."
    assert judge(TO_LI, "X-Auto-Response-Suppress: All", body=away).reason == "X-Auto-Response-Suppress"
    sales_tool = ("X-Auto-Response-Suppress: OOF", "In-Reply-To: <1@globex.example>")
    assert judge(TO_LI, *sales_tool, body=answer).status is Status.ACCEPTED


def test_a_meeting_invitation_is_no_answer_but_an_answer_with_a_link_to_a_meeting_is() -> None:
    invitation = (
        "Ana Ruiz is inviting you to a scheduled Zoom meeting.\n\nJoin Zoom Meeting\nhttps://zoom.example/j/9\n"
    )
    assert (judge(TO_LI, body=invitation).reason or "").startswith("invitation")
    assert judge(TO_LI, body="Hi Li, five euros.\n\n" + invitation + QUOTE).status is Status.ACCEPTED


def test_strangers_and_look_alikes_are_quarantined() -> None:
    assert (
        judge("To: answers@acme.example", sender="li@globex.example").reason == "stranger: the sender is no colleague"
    )
    assert judge(TO_LI, sender="ana@acrne.example").reason == "stranger: acrne.example looks like acme.example"
    assert judge(TO_LI, sender="").reason == "no sender"
    two = read_mail(mail(TO_LI, "From: eve@evil.example"), SETTINGS).verdict
    assert (two.status, two.reason) == (Status.QUARANTINED, "more than one From")


def test_a_colleague_who_redirects_a_strangers_mail_vouches_for_it() -> None:
    verdict = judge("To: ana@acme.example", "Resent-From: Ana <ana@acme.example>", sender="Li <li@globex.example>")
    assert (verdict.status, verdict.colleague) == (Status.ACCEPTED, "ana@acme.example")


def test_a_trusted_server_must_say_pass() -> None:
    trusting = replace(SETTINGS, authserv_id="mx.acme.example")
    result = "Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example"
    assert read_mail(result.encode() + b"\n" + mail(TO_LI), trusting).verdict.status is Status.ACCEPTED
    verdict = judge(TO_LI, settings=trusting)
    assert (verdict.status, verdict.reason) == (Status.QUARANTINED, "no dmarc result of mx.acme.example")


@pytest.mark.parametrize(
    "flag", ["X-Spam-Flag: YES", "X-Spam-Status: Yes, score=9", "X-MS-Exchange-Organization-SCL: 6"]
)
def test_what_the_servers_filter_calls_spam_is_quarantined(flag: str) -> None:
    assert judge(TO_LI, flag).status is Status.QUARANTINED


@pytest.mark.parametrize(
    "subject", ["CONFIDENTIAL - numbers", "Re: Offer  letter", "Privé: contributie", "Re: 保密协议", "price #private"]
)
def test_excluded_subjects_are_excluded(subject: str) -> None:
    assert judge(TO_LI, f"Subject: {subject}").status is Status.EXCLUDED


def test_private_in_the_own_text_excludes_and_in_the_quote_does_not() -> None:
    assert judge(TO_LI, body="Hi Li, #private five euros." + QUOTE).reason == "#private"
    assert judge(TO_LI, body="Hi Li, five euros." + QUOTE.replace("How", "#private How")).status is Status.ACCEPTED


def test_internal_mails_are_ignored_unless_an_outsider_is_quoted() -> None:
    assert judge("To: bob@acme.example", body="Who signs it off?").reason == "internal only"
    forward = (
        "fyi\n\n---------- Forwarded message ---------\nFrom: Li Chen <li@globex.example>\nDate: Sun, Nov 1, 2026\n"
        "Subject: seats\nTo: Ana <ana@acme.example>\n\nHow many seats?\n"
    )
    verdict = judge("To: answers@acme.example", "Subject: Fwd: seats", body=forward)
    assert (verdict.status, verdict.kind, verdict.company) == (Status.ACCEPTED, "answer", "globex.example")


def test_a_note_to_us_is_heard_and_a_question_to_us_is_not() -> None:
    note = judge("To: answers@acme.example", body="Spoke to Kim (kim@globex.example): is there a volume discount?")
    assert (note.status, note.kind, note.company) == (Status.ACCEPTED, "heard", "globex.example")
    ask = judge("To: answers@acme.example", "Subject: SAP?", body="What do we say about SAP?")
    assert (ask.status, ask.reason) == (Status.IGNORED, "ask: a question to us")


def test_a_mail_to_very_many_is_one_event() -> None:
    many = "To: " + ", ".join(f"office@c{i}.example" for i in range(25))
    verdict = judge(many, body="Hello, our prices change.")
    assert (verdict.status, verdict.kind) == (Status.ACCEPTED, "broadcast")
    few = "To: " + ", ".join(f"office@c{i}.example" for i in range(5))
    assert judge(few, body="Hello, our prices change.").kind == "answer"


def test_our_own_digest_comes_back_in_no_form() -> None:
    assert judge("To: ana@acme.example", sender="answers@acme.example").status is Status.IGNORED
    answered = "Nice!\n\nOn Mon, Nov 2, 2026 at 8:00 AM Answers <answers@acme.example> wrote:\n> How much?\n"
    verdict = judge(TO_LI, body=answered)
    assert verdict.reason == "our own mail, answered or forwarded"


def test_an_answer_to_our_digest_is_known_by_what_it_answers() -> None:
    digest = "<digest.2026-W47.marketing.0123456789ab@acme.example>"
    assert judge(TO_LI, f"In-Reply-To: {digest}").reason == "our own mail, answered (In-Reply-To)"
    assert judge(TO_LI, "In-Reply-To: <digest.12@globex.example>").status is Status.ACCEPTED


def test_a_mail_without_words_is_empty_and_one_that_cannot_be_opened_says_so() -> None:
    assert judge(TO_LI, body=" \n").reason == "empty"
    encrypted = judge(TO_LI, "Content-Type: application/pkcs7-mime; name=smime.p7m", body="MIAG")
    assert (encrypted.reason or "").startswith("S/MIME")


def test_freemail_prospects_count_as_persons() -> None:
    assert judge("To: joe+x@gmail.com", body="Hi Joe, five euros.").company == "joe@gmail.com"


def test_hostile_texts_are_judged_in_linear_time() -> None:
    sender = "From: ana@acme.example\nTo: li@globex.example\nSubject: "
    for text in ("out of office " * 60_000, "a@" * 400_000, "meeting id: " * 60_000, "#" * 800_000):
        parsed = parse_mail(f"{sender}{text[:60_000]}\n\n{text}".encode())
        parts = name_authors((Part(Role.OWN, text),), parsed, ROSTER)
        started = time.process_time()
        gate.judge(parsed, parts, SETTINGS)
        assert time.process_time() - started < 1


def test_the_shipped_subjects_are_about_persons_and_not_about_products() -> None:
    path: Path = data_folder() / "gate" / "excluded_subjects.toml"
    subjects = tuple(tomllib.loads(path.read_text(encoding="utf-8"))["subjects"])
    shipped = replace(SETTINGS, excluded_subjects=subjects)
    for subject in (
        "Strictly confidential",
        "Privé : contributie",
        "[Private] dinner",
        "Ihr Gehalt",
        "Offer letter Kim",
    ):
        assert judge(TO_LI, f"Subject: {subject}", settings=shipped).status is Status.EXCLUDED
    for subject in (
        "Re: private cloud",
        "Salary run for 340 people",
        "Kündigung zum Jahresende",
        "Your application",
        "HR",
    ):
        assert judge(TO_LI, f"Subject: {subject}", settings=shipped).status is Status.ACCEPTED


def test_a_declined_sales_pitch_is_no_answer_to_a_buyer_and_a_declined_wish_is() -> None:
    declined = judge(TO_LI, body="Hello Li,\n\nour chairs are fine. Please take us off your list.\n" + QUOTE)
    assert (declined.status, declined.reason) == (
        Status.IGNORED,
        "declined a sales pitch: please take us off your list",
    )
    wish = "Hi Li,\n\nwe do not offer that, sorry; no further mails will go out to your users, though.\n"
    assert judge(TO_LI, body=wish * 4 + QUOTE).status is Status.ACCEPTED
