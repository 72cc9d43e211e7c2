"""Taking mails out of MIME: what a reader would see, whatever the sender's program made of it."""

import base64
import string
import time
import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.mime import parse_mail

HEAD = b"From: Ana Ruiz <ana@acme.example>\r\nTo: li@globex.example\r\nMessage-ID: <m1@acme.example>\r\n"


def mail_of(body: bytes, *fields: bytes) -> bytes:
    return HEAD + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def part(content_type: bytes, body: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((b"Content-Type: " + content_type, *fields, b"", body, b""))


def multipart(subtype: bytes, *parts: bytes) -> bytes:
    body = b"".join(b"--edge\r\n" + one for one in parts) + b"--edge--\r\n"
    return mail_of(body, b"MIME-Version: 1.0", b"Content-Type: multipart/" + subtype + b"; boundary=edge")


def test_people_subject_date_and_links_to_other_mails_are_read() -> None:
    mail = parse_mail(
        mail_of(
            b"Hi\r\n",
            b"Subject: =?utf-8?q?Re=3A_Gr=C3=BC=C3=9Fe?=",
            b"Cc: =?iso-8859-1?q?J=F6rg?= <JOERG@globex.example>, kim@globex.example",
            b"Date: Mon, 2 Nov 2026 09:14:00 +0100",
            b"In-Reply-To: <q1@globex.example>",
            b"References: <q0@globex.example>\r\n <q1@globex.example>",
        )
    )
    assert mail.subject == "Re: Grüße"
    assert mail.sender is not None
    assert (mail.sender.name, mail.sender.address) == ("Ana Ruiz", "ana@acme.example")
    assert [(a.name, a.address) for a in mail.cc] == [("Jörg", "joerg@globex.example"), ("", "kim@globex.example")]
    assert mail.sent_at == datetime(2026, 11, 2, 9, 14, tzinfo=timezone(timedelta(hours=1)))
    assert mail.message_id == "<m1@acme.example>"
    assert mail.in_reply_to == ("<q1@globex.example>",)
    assert mail.references == ("<q0@globex.example>", "<q1@globex.example>")
    assert mail.text == "Hi\n"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b'"Ruiz, Ana" <a@x.example>', [("Ruiz, Ana", "a@x.example")]),
        (b"Ruiz, Ana <a@x.example>", [("Ruiz, Ana", "a@x.example")]),
        (b"Sales: a@x.example, B <b@x.example>;", [("", "a@x.example"), ("B", "b@x.example")]),
        (b"a@x.example (Ana Ruiz)", [("Ana Ruiz", "a@x.example")]),
        (b"=?utf-8?q?Ruiz=2C_Ana?= <a@x.example>", [("Ruiz, Ana", "a@x.example")]),
        (b"undisclosed-recipients:;", []),
        (b"'a@x.example' <a@x.example>", [("", "a@x.example")]),
        (b'"the \\"boss\\"" <a@x.example>', [('the "boss"', "a@x.example")]),
        (b"a@x.example; b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
    ],
)
def test_address_lists_as_people_write_them(header: bytes, expected: list[tuple[str, str]]) -> None:
    mail = parse_mail(b"From: r@acme.example\r\nTo: " + header + b"\r\n\r\nx\r\n")
    assert [(a.name, a.address) for a in mail.to] == expected


def test_decoded_headers_stay_on_one_line_and_show_what_they_are() -> None:
    mail = parse_mail(
        mail_of(
            b"x", b"Subject: =?utf-8?q?hi=0D=0ABcc=3A_evil=40x.example?= \xe2\x80\xaegnp.exe \x1b[2J", b"X-A: \x00b"
        )
    )
    assert mail.subject == "hi Bcc: evil@x.example gnp.exe [2J"
    assert all(control not in value for _, value in mail.headers for control in "\r\n\x00\x1b\u202e")


def test_encoded_words_cut_inside_a_letter_are_joined() -> None:
    raw = base64.b64encode("Größe".encode())
    first, second = raw[:4], base64.b64encode("Größe".encode()[3:])
    mail = parse_mail(mail_of(b"x", b"Subject: =?utf-8?b?" + first + b"?=\r\n =?utf-8?b?" + second + b"?="))
    assert mail.subject == "Größe"


@pytest.mark.parametrize(
    ("charset", "data", "expected"),
    [
        (b"iso-8859-1", "“Grüße” – 5 €".encode("cp1252"), "“Grüße” – 5 €"),
        (b"us-ascii", "Grüße".encode(), "Grüße"),
        (b"iso-8859-1", "Grüße".encode(), "Grüße"),
        (b"utf-8", "Grüße".encode("latin-1"), "Grüße"),
        (b"x-unknown", "Grüße".encode(), "Grüße"),
        (b"gb2312", "价格是多少？镕".encode("gb18030"), "价格是多少？镕"),
        (b"gb2312", "价格是多少？".encode(), "价格是多少？"),
        (b"windows-1251", "Сколько стоит".encode("cp1251"), "Сколько стоит"),
        (b"koi8-r", "Сколько стоит ваша система".encode(), "Сколько стоит ваша система"),
        (b"iso-2022-jp", "価格を教えて".encode("iso2022_jp"), "価格を教えて"),
        (b"utf-16", "Price?".encode("utf-16"), "Price?"),
        (b"utf-16", b"Price?", "Price?"),
        (b"utf-7", b"Gr+APwA3w-e", "Grüße"),
        (b"unicode_escape", b"a\\u003cb", "a\\u003cb"),
        (b"rot13", b"Uryyb", "Uryyb"),
        (b"zlib", b"plain", "plain"),
        (b"../../etc/passwd", b"plain", "plain"),
    ],
)
def test_charsets_declared_rightly_wrongly_or_not_at_all(charset: bytes, data: bytes, expected: str) -> None:
    body = base64.encodebytes(data)
    fields = (b"Content-Type: text/plain; charset=" + charset, b"Content-Transfer-Encoding: base64")
    assert parse_mail(mail_of(body, *fields)).text == expected


def test_undeclared_letters_are_guessed_and_html_is_asked_first() -> None:
    russian = "Добрый день, сколько стоит ваша система в год?"
    assert parse_mail(mail_of(russian.encode("koi8-r"), b"Content-Type: text/plain")).text == russian
    page = b'<meta charset="windows-1253">' + "<p>Καλά</p>".encode("cp1253")
    html = parse_mail(mail_of(page, b"Content-Type: text/html")).html
    assert html is not None
    assert "Καλά" in html


def test_utf_7_cannot_smuggle_markup() -> None:
    text = parse_mail(mail_of(b"Hi +ADw-script+AD4-", b"Content-Type: text/plain; charset=utf-7")).text
    assert text == "Hi +ADw-script+AD4-"


def test_a_charset_that_unpacks_is_not_unpacked() -> None:
    bomb = base64.encodebytes(zlib.compress(b"\0" * 50_000_000))
    fields = (b"Content-Type: text/plain; charset=zlib", b"Content-Transfer-Encoding: base64")
    assert len(parse_mail(mail_of(bomb, *fields)).text or "") < 100_000


def test_flowed_lines_are_joined_within_their_quote_level() -> None:
    body = b"A long \r\nline.\r\n\r\n>> deep \r\n>> quote\r\n> near\r\n From the start\r\n-- \r\nAna \r\n"
    mail = parse_mail(mail_of(body, b"Content-Type: text/plain; format=flowed"))
    assert mail.text == "A long line.\n\n>> deep quote\n> near\nFrom the start\n-- \nAna\n"


def test_flowed_text_with_deleted_spaces_is_joined_without_them() -> None:
    fields = (b'Content-Type: text/plain; charset=utf-8; format="flowed"; delsp=yes',)
    assert parse_mail(mail_of("価格 \r\nを\r\n".encode(), *fields)).text == "価格を\n"


def test_alternatives_are_two_ways_of_the_same_text() -> None:
    mail = parse_mail(multipart(b"alternative", part(b"text/plain", b"Hi"), part(b"text/html", b"<p>Hi</p>")))
    assert (mail.text or "").strip() == "Hi"
    assert (mail.html or "").strip() == "<p>Hi</p>"


def test_texts_in_sequence_are_one_body_and_files_are_none_of_it() -> None:
    mail = parse_mail(
        multipart(
            b"mixed",
            part(b"text/plain", b"first"),
            part(
                b"image/png",
                b"aGk=",
                b"Content-Disposition: inline; filename=a.png",
                b"Content-Transfer-Encoding: base64",
            ),
            part(b"text/plain", b"secret", b'Content-Disposition: attachment; filename="../../etc/x.txt"'),
            part(b"text/plain", b"second"),
        )
    )
    assert (mail.text or "").split() == ["first", "second"]
    assert [(a.file_name, a.size, a.inline) for a in mail.attachments] == [("a.png", 2, True), ("x.txt", 6, False)]


def test_a_plain_footer_does_not_hide_the_html_body() -> None:
    mail = parse_mail(multipart(b"mixed", part(b"text/html", b"<p>body</p>"), part(b"text/plain", b"list < footer")))
    assert mail.text is None
    assert mail.html is not None
    assert "<p>body</p>" in mail.html
    assert "list &lt; footer" in mail.html


def test_a_named_text_is_the_body_only_when_there_is_no_other() -> None:
    named = part(b'text/plain; name="mail.txt"', b"the text")
    assert "the text" in (parse_mail(multipart(b"mixed", named)).text or "")
    assert "the text" not in (parse_mail(multipart(b"mixed", part(b"text/plain", b"hello"), named)).text or "")


def test_attached_mails_are_read_and_deep_nesting_ends() -> None:
    inner = b"From: li@globex.example\r\nSubject: question\r\n\r\nDoes it work?\r\n"
    mail = parse_mail(multipart(b"mixed", part(b"text/plain", b"fyi"), part(b"message/rfc822", inner)))
    assert [(m.subject, m.text) for m in mail.attached] == [("question", "Does it work?\n")]
    as_file = part(
        b"application/octet-stream; name=q.eml", base64.encodebytes(inner), b"Content-Transfer-Encoding: base64"
    )
    assert [m.subject for m in parse_mail(multipart(b"mixed", as_file)).attached] == ["question"]
    deep = HEAD + b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n" * 300 + b"\r\nthe end\r\n"
    assert "the end" in (parse_mail(deep).text or "")


def test_a_journal_report_gives_the_enclosed_mail_with_its_hidden_recipients() -> None:
    report = part(b"text/plain", b"Sender: ana@acme.example\r\nTo: li@globex.example\r\nBcc: answers@acme.example\r\n")
    raw = multipart(b"mixed", report, part(b"message/rfc822", HEAD + b"Subject: Re: price\r\n\r\n5 EUR\r\n"))
    mail = parse_mail(b"X-MS-Journal-Report:\r\n" + raw)
    assert (mail.subject, mail.text) == ("Re: price", "5 EUR\n")
    assert mail.header_values("x-answers-journal-recipient") == ("li@globex.example", "answers@acme.example")
    forged = parse_mail(mail_of(b"x", b"X-Answers-Journal-Recipient: li@globex.example"))
    assert forged.header("x-answers-journal-recipient") is None


def test_what_cannot_be_opened_is_named() -> None:
    tnef = parse_mail(mail_of(b"eJ8+", b"Content-Type: application/ms-tnef; name=winmail.dat"))
    assert any("TNEF" in note for note in tnef.notes)
    smime = parse_mail(mail_of(b"MIAG", b"Content-Type: application/pkcs7-mime; name=smime.p7m"))
    assert any("S/MIME" in note for note in smime.notes)


def test_text_inside_an_attached_mail_is_not_read_a_second_time_as_the_body() -> None:
    inner = b"Content-Type: message/rfc822\r\n\r\nFrom: li@globex.example\r\n\r\nDoes it work?\r\n"
    mail = parse_mail(multipart(b"mixed", inner))
    assert (mail.text, [attached.text for attached in mail.attached]) == (None, ["Does it work?"])


def test_a_piece_of_a_mail_that_was_sent_in_several_is_read() -> None:
    piece = b"From: li@globex.example\r\nContent-Type: message/partial; id=x; number=1; total=2\r\n\r\n"
    mail = parse_mail(piece + b"Content-Type: text/plain\r\n\r\nDoes it work with\r\n")
    assert mail.text == "Does it work with\n"
    assert any("message/partial" in note for note in mail.notes)


def test_an_invitation_shows_its_method_and_an_attached_calendar_file_does_not() -> None:
    calendar = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR"
    invitation = multipart(b"alternative", part(b"text/plain", b"x"), part(b"text/calendar; method=REQUEST", calendar))
    assert "text/calendar; method=REQUEST" in parse_mail(invitation).content_types
    file = part(
        b"text/calendar; method=REQUEST; name=i.ics", calendar, b"Content-Disposition: attachment; filename=i.ics"
    )
    assert "text/calendar" in parse_mail(multipart(b"mixed", part(b"text/plain", b"x"), file)).content_types


def test_uuencoded_files_leave_the_text() -> None:
    mail = parse_mail(
        mail_of(b"See below.\r\nbegin 644 a.txt\r\n#:&D*\r\n`\r\nend\r\nBye\r\n", b"Content-Type: text/plain")
    )
    assert mail.text == "See below.\nBye\n"
    assert [(a.file_name, a.size) for a in mail.attachments] == [("a.txt", 3)]
    ordinary = b"Please\r\nbegin 644 days before\r\nthe end of the year.\r\n"
    assert "begin 644 days" in (parse_mail(mail_of(ordinary)).text or "")


def test_impossible_dates_are_none() -> None:
    for value in (b"yesterday", b"Mon, 99 Nov 2026 09:00:00 +0000", b"9" * 5000, b"Mon, 2 Nov 0026 09:00:00 +9999"):
        assert parse_mail(mail_of(b"x", b"Date: " + value)).sent_at is None
    assert parse_mail(mail_of(b"x", b"Date: 2 Nov 2026 09:00:00 -0000")).sent_at == datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n" * 1000, b"just text", b"Subject: x", (HEAD + b"\r\nhi\r\n").replace(b"\r\n", b"\r")]
)
def test_odd_files_are_read_without_complaint(raw: bytes) -> None:
    parse_mail(raw)


def nested(depth: int) -> bytes:
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(depth))
    return HEAD + opened + b"Content-Type: text/plain\r\n\r\nthe text\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        nested(100),
        nested(3_000),
        HEAD + b"".join(b"X-H%d: v\r\n" % i for i in range(100_000)) + b"\r\nthe text\r\n",
        HEAD + b"Subject: " + b"a " * 1_000_000 + b"\r\n\r\nthe text\r\n",
        HEAD + b"Subject: a\r\n" + b" b\r\n" * 200_000 + b"\r\nthe text\r\n",
        HEAD + b"Cc: " + b", ".join(b"a%d@x.example" % i for i in range(50_000)) + b"\r\n\r\nthe text\r\n",
        HEAD + b"Cc: " + b"(" * 50_000 + b"\r\n\r\nthe text\r\n",
        HEAD + b"Cc: " + b"a@b:" * 20_000 + b"\r\n\r\nthe text\r\n",
        HEAD + b"Subject: " + b"=?utf-8?q?=41?=" * 50_000 + b"\r\n\r\nthe text\r\n",
        HEAD + b"Subject: " + b"=?a?q?" * 50_000 + b"\r\n\r\nthe text\r\n",
        HEAD
        + b"Content-Type: text/plain; "
        + b"; ".join(b"x*%d=a" % i for i in range(50_000))
        + b"\r\n\r\nthe text\r\n",
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nthe text\r\n" * 20_000,
    ],
    ids=lambda raw: f"{len(raw)} bytes",
)
def test_no_structure_makes_the_parser_hang(raw: bytes) -> None:
    started = time.process_time()
    mail = parse_mail(raw)
    assert "the text" in (mail.text or "")
    assert time.process_time() - started < 5
    assert len(mail.headers) <= 2_000


@pytest.mark.parametrize(
    "charset", [b"utf-8", b"gb18030", b"cp1252", b"x-none", b"utf-7", b"iso-2022-jp", b"hz", b"big5"]
)
def test_no_bytes_make_the_decoder_hang(charset: bytes) -> None:
    for unit in (b"\xff", b"\x81", b"\xc3", b"+", b"\x1b$", b"~{", bytes(range(256))):
        raw = mail_of(unit * (1_000_000 // len(unit)), b"Content-Type: text/plain; charset=" + charset)
        started = time.process_time()
        parse_mail(raw)
        assert time.process_time() - started < 4


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_mail(data: bytes) -> None:
    for raw in (data, HEAD + data, multipart(b"mixed", data), multipart(b"alternative", b"Content-Type: " + data)):
        mail = parse_mail(raw)
        assert all("\n" not in value and "\r" not in value for _, value in mail.headers)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=string.printable + "äß€—日本語אבג", max_size=300))
def test_text_comes_back_as_it_was_sent(text: str) -> None:
    raw = mail_of(
        base64.encodebytes(text.encode()),
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: base64",
    )
    if "begin " not in text:
        read = parse_mail(raw).text or ""
        assert "".join(read.split()) == "".join(text.replace("\x0b", " ").replace("\x0c", " ").split())


def test_raw_bytes_in_a_message_id_can_be_stored() -> None:
    mail = parse_mail(b"Message-ID: <\xb21@x>\r\nIn-Reply-To: <\xb2a\x002@x>\r\nReferences: <\xb23@x>\r\n\r\ntext\r\n")
    identifiers = (mail.message_id, *mail.in_reply_to, *mail.references)
    assert identifiers == ("<²1@x>", "<²a2@x>", "<²3@x>")


def test_an_encoded_word_that_no_parser_takes_costs_nothing_but_itself() -> None:
    mail = parse_mail(
        b"From: ana@acme.example\r\nTo: =?utf-8?B?+AUmVtZWRpb3MgQ2FhbWHDsW8=?= <li@x.example>\r\n\r\ntext\r\n"
    )
    assert [person.address for person in mail.to] == ["li@x.example"]
    assert mail.text == "text\n"
