"""Whom our own server vouches for, and what a sender can write to look vouched for."""

import time

import pytest

from harvester.authentication import doubt_sender
from harvester.authentication_results import parse_results, read_loosely, read_strictly
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


def test_encoded_words_cannot_write_a_result() -> None:
    hidden = "=?utf-8?q?a=29=3B_dmarc=3Dpass_header.from=3Dacme.example?="
    assert doubt(f"Authentication-Results: mx.acme.example; spf=pass (sender {hidden})", RECEIVED, FROM)
    assert doubt(f"Authentication-Results: mx.acme.example; spf=pass smtp.mailfrom={hidden}@x.example", RECEIVED, FROM)


@pytest.mark.parametrize(
    "origin",
    [
        "mail.acme.example (unknown [IPv6:2001:db8::9])",
        "mail.acme.example (203.0.113.9)",
        "mail.acme.example",
        "[10.0.0.1] (203.0.113.9)",
        "mx.acme.example (mx.acme.example [10.0.0.5]) (203.0.113.9)",
        "localhost.evil.example ([203.0.113.9])",
    ],
)
def test_a_name_alone_does_not_make_a_hop_ours(origin: str) -> None:
    assert doubt(f"Received: from {origin} by mx.acme.example with ESMTP", PASS, FROM)


@pytest.mark.parametrize(
    "hop",
    [
        "from mx.acme.example (mx.acme.example [IPv6:fd00::5]) by store.acme.example with ESMTPS",
        "from mx.acme.example by store.acme.example with LMTP id 1",
        "from localhost (localhost [127.0.0.1]) by store.acme.example with ESMTP",
        "by store.acme.example (Postfix, from userid 110) id 1",
    ],
)
def test_hops_inside_our_own_house_are_passed(hop: str) -> None:
    assert doubt(f"Received: {hop}", PASS, RECEIVED, FROM) is None


def test_only_the_topmost_result_counts_where_servers_write_below_their_received_line() -> None:
    received = "Received: from evil (evil [203.0.113.9]) by mx.google.com with ESMTPS"
    genuine = "Authentication-Results: mx.google.com; spf=pass smtp.mailfrom=evil.example"
    forged = "Authentication-Results: mx.google.com; dmarc=pass header.from=acme.example"
    assert doubt(received, genuine, forged, FROM, server="mx.google.com")
    assert doubt(received, forged, FROM, server="mx.notgoogle.com")


def test_mail_that_travels_through_several_rooms_of_one_provider_is_believed() -> None:
    hops = (
        "Received: from AM6.eurprd01.prod.exchangelabs.com (2603:10a6::34) by DB7.eurprd01.prod.outlook.com with HTTPS",
        "Received: from AM0.mail.protection.outlook.com (2603:10a6::15) by AM5.outlook.office365.com",
        "Received: from mail.acme.example (203.0.113.9) by AM0.mail.protection.outlook.com (10.152.0.1)",
    )
    result = "Authentication-Results: spf=pass; dmarc=pass action=none header.from=acme.example;compauth=pass"
    assert doubt(*hops, result, FROM, server="outlook.com") is None
    assert doubt(*hops, "Received: from a by relay.evil.example", result, FROM, server="outlook.com")


@pytest.mark.parametrize(
    "sender",
    [
        "From: Sales: ana@acme.example;",
        "From: Eve <eve@evil.example> <ana@acme.example>",
        "From: eve@evil.example <ana@acme.example>",
        "From: <eve@evil.example@acme.example>",
        "From: Ana (<eve@evil.example>) <ana@acme.example>",
        "Sender: Ana <ana@acme.example>",
    ],
)
def test_a_from_that_can_be_read_in_two_ways_is_doubted(sender: str) -> None:
    assert doubt("Authentication-Results: mx.acme.example; dmarc=pass", RECEIVED, sender)


def test_the_usual_ways_to_write_a_from_are_no_reason_to_doubt() -> None:
    for sender in (
        '"Reyes, Ana: Sales" <ana@acme.example>',
        "ana@acme.example <ana@acme.example>",
        "=?utf-8?q?Reyes=2C_Ana?= <ana@acme.example>",
        "ana@acme.example (Ana; Sales)",
    ):
        assert doubt(PASS, RECEIVED, f"From: {sender}") is None, sender


def test_a_result_for_a_whole_top_level_domain_is_for_nobody() -> None:
    assert doubt(PASS.replace("header.from=acme.example", "header.from=example"), RECEIVED, FROM)


def test_the_envelope_of_a_journal_report_obeys_the_same_order() -> None:
    inner = f"Content-Type: message/rfc822\r\n\r\n{FROM}\r\n\r\nhello\r\n"
    body = "\r\n--b\r\nContent-Type: text/plain\r\n\r\nSender: ana@acme.example\r\n--b\r\n" + inner + "--b--\r\n"
    head = ("X-MS-Journal-Report:", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b")
    journal = "From: journal@acme.example"
    for fields in ((RECEIVED, PASS, journal), (PASS, RECEIVED, journal, "From: eve@evil.example")):
        assert doubt_sender(parse_mail(("\r\n".join((*fields, *head)) + "\r\n" + body).encode()), OURS)


def test_what_the_library_cannot_read_is_read_all_the_same() -> None:
    for value in (
        '"mx.acme.example" 1; dmarc=pass header.from=acme.example',
        "spf=pass; dmarc=pass action=none header.from=acme.example",
        "mx.acme.example; dmarc=pass header.from=acme.example; " + "x-y=pass; " * 500,
    ):
        assert read_strictly(value) is None
        assert any(result.method == "dmarc" and result.outcome == "pass" for result in parse_results(value).results)


@pytest.mark.parametrize(
    "server",
    [
        "mx.acme.example",
        "mx.acme.example/x",
        "mx.acme.example 1",
        "mx.acme.example (evil.example)",
        "(evil.example) mx.acme.example",
    ],
)
def test_two_readings_that_name_different_servers_are_no_reading(server: str) -> None:
    value = f"{server}; dmarc=pass header.from=acme.example"
    strict, loose, both = read_strictly(value), read_loosely(value), parse_results(value)
    assert strict is not None
    assert (both and both.server) == (loose.server if strict.server == loose.server else None)


def test_results_are_parsed_in_linear_time() -> None:
    started = time.process_time()
    for hostile in ("(" * 60_000, '"' * 60_001, ";" * 60_000, "a=b " * 15_000, "\\(" * 30_000):
        parse_results(f"mx.acme.example; {hostile}")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "piece", ["(", "()", '"', ";a=b", "a=b ", "a.b=c ", "\\(", ";dkim=pass header.d=x", " ", "(a)\t"]
)
def test_the_library_gets_only_what_it_reads_quickly(piece: str) -> None:
    started = time.process_time()
    for opening in ("mx.acme.example; a=b ", "mx.acme.example; a=b header.d=", "mx.acme.example"):
        parse_results((opening + piece * 4_000)[:4_000])
    assert time.process_time() - started < 1
