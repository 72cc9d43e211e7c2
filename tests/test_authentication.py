"""Whom our own server vouches for, and what a sender can write to look vouched for."""

import time

import pytest

from harvester.authentication import doubt_sender, parse_results
from harvester.mime import parse_mail

OURS = "mx.acme.example"
RECEIVED = "Received: from relay.other.example (relay.other.example [203.0.113.9]) by mx.acme.example"
PASS = "Authentication-Results: mx.acme.example; spf=pass; dmarc=pass header.from=acme.example"
FROM = "From: Ana <ana@acme.example>"


def doubt(*fields: str, server: str = OURS) -> str | None:
    return doubt_sender(parse_mail("\r\n".join((*fields, "", "text", "")).encode()), server)


@pytest.mark.parametrize(
    "fields",
    [
        (PASS, RECEIVED, FROM),
        (PASS.upper().replace("AUTHENTICATION-RESULTS", "Authentication-Results"), RECEIVED, FROM),
        (
            'Authentication-Results: "mx.acme.example" 1; dmarc=pass (p=none; sp=none) header.from=acme.example',
            RECEIVED,
            FROM,
        ),
        ("Authentication-Results: mx.acme.example (a; dmarc=fail (nested)) ; dmarc = pass", RECEIVED, FROM),
        (PASS, RECEIVED, "From: Ana <ana@emea.acme.example>"),
        ("Authentication-Results: mx.acme.example; dkim=pass header.d=x.example", PASS, RECEIVED, FROM),
        ("Received: from mx.acme.example (mx.acme.example [10.0.0.5]) by store.acme.example", PASS, RECEIVED, FROM),
    ],
)
def test_a_pass_of_our_server_for_the_senders_domain_is_believed(fields: tuple[str, ...]) -> None:
    assert doubt(*fields) is None


@pytest.mark.parametrize(
    "fields",
    [
        (RECEIVED, FROM),
        (RECEIVED, PASS, FROM),
        (PASS.replace("dmarc=pass", "dmarc=fail"), RECEIVED, FROM),
        (PASS.replace("dmarc=pass", "dmarc=fail"), PASS, RECEIVED, FROM),
        (PASS, PASS.replace("dmarc=pass", "dmarc=none"), RECEIVED, FROM),
        (PASS.replace("mx.acme.example", "mx.evil.example"), RECEIVED, FROM),
        (PASS.replace("mx.acme.example", "mx.acme.example.evil.example"), RECEIVED, FROM),
        (PASS.replace("header.from=acme.example", "header.from=evil.example"), RECEIVED, FROM),
        (PASS.replace("header.from=acme.example", "header.from=me.example"), RECEIVED, FROM),
        ("Authentication-Results: mx.acme.example; spf=pass (dmarc=pass)", RECEIVED, FROM),
        ('Authentication-Results: mx.acme.example; spf=pass reason="x; dmarc=pass"', RECEIVED, FROM),
        ("Authentication-Results: mx.evil.example; x=\"; mx.acme.example; dmarc=pass\"", RECEIVED, FROM),
        (PASS, RECEIVED, FROM, "From: Eve <eve@evil.example>"),
        (PASS, RECEIVED, "From: Ana <ana@acme.example>, Eve <eve@evil.example>"),
        (PASS, RECEIVED, "Subject: no sender"),
        ("Received: from mx.acme.example ([203.0.113.9]) by mx.acme.example", PASS, FROM),
        ("Received: from x by relay.other.example", PASS, RECEIVED, FROM),
    ],
)  # fmt: skip
def test_everything_else_is_doubted(fields: tuple[str, ...]) -> None:
    assert doubt(*fields)


def test_servers_that_write_below_their_received_line_are_known() -> None:
    google = "Authentication-Results: mx.google.com; dmarc=pass (p=NONE) header.from=acme.example"
    received = "Received: from mail.acme.example (mail.acme.example. [203.0.113.9]) by mx.google.com with ESMTPS"
    assert doubt("Received: by 2002:a05:6a00 with SMTP id x", received, google, FROM, server="mx.google.com") is None
    foreign = "Received: from evil by relay.evil.example"
    assert doubt(received, foreign, google, FROM, server="mx.google.com")
    nameless = (
        "Authentication-Results: spf=pass (sender IP is 203.0.113.9); dmarc=pass action=none header.from=acme.example"
    )
    by_outlook = "Received: from mail.acme.example (203.0.113.9) by AM0.mail.protection.outlook.com (10.152.0.1)"
    assert doubt(by_outlook, nameless, FROM, server="protection.outlook.com") is None


def test_without_a_trusted_server_only_two_senders_are_doubted() -> None:
    assert doubt(FROM, server="") is None
    assert doubt(FROM, "From: eve@evil.example", server="")


def test_a_journal_report_must_itself_come_from_us() -> None:
    inner = "Content-Type: message/rfc822\r\n\r\n" + PASS + "\r\n" + FROM + "\r\n\r\nhello\r\n"
    body = "\r\n--b\r\nContent-Type: text/plain\r\n\r\nSender: ana@acme.example\r\n--b\r\n" + inner + "--b--\r\n"
    head = ("X-MS-Journal-Report:", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b")
    ours = (PASS, RECEIVED, "From: journal@acme.example", *head)
    forged = (PASS.replace("from=acme", "from=evil"), RECEIVED, "From: journal@evil.example", *head)
    assert doubt_sender(parse_mail(("\r\n".join(ours) + "\r\n" + body).encode()), OURS) is None
    assert doubt_sender(parse_mail(("\r\n".join(forged) + "\r\n" + body).encode()), OURS)


def test_results_are_parsed_in_linear_time() -> None:
    started = time.process_time()
    for hostile in ("(" * 60_000, '"' * 60_001, ";" * 60_000, "a=b " * 15_000, "\\(" * 30_000):
        parse_results(f"mx.acme.example; {hostile}")
    assert time.process_time() - started < 1
