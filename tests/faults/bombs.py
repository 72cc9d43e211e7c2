"""Mails that are made to hurt whoever reads them: too long, too deep, too many, or in a charset that is none."""

import base64
import zlib
from collections.abc import Iterator

FROM = b"From: Ana <ana@marrowby.example>\r\nTo: li@globex.example\r\nDate: Mon, 16 Nov 2026 09:00:00 +0100\r\n"
TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello, yes it does.\r\n"
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
CHARSETS = (
    *("x-nothing", "utf-7", "utf-16", "utf-32", "iso-2022-jp-7", "idna", "punycode", "unicode_escape", "rot13", "zlib"),
    *("base64", "hex", "uu", "../../etc/passwd", "c" * 5000, "utf-8\0", "\xff\xfe"),
)


def _mail(name: str, fields: bytes, subject: bytes = b"hello") -> bytes:
    own = b"Message-ID: <%b@bomb.example>\r\nMIME-Version: 1.0\r\nSubject: %b\r\n" % (name.encode(), subject)
    return FROM + own + fields


def _plain(encoding: bytes, body: bytes) -> bytes:
    return b"Content-Type: text/plain\r\nContent-Transfer-Encoding: %b\r\n\r\n%b\r\n" % (encoding, body)


def _nested(depth: int) -> bytes:
    opening = [b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (n, n) for n in range(depth)]
    return b"".join(opening) + TEXT + b"".join(b"--n%d--\r\n" % n for n in reversed(range(depth)))


def make_bombs(size: int) -> Iterator[tuple[str, bytes]]:
    """(name, mail). size: how large the largest are, in MB; 100 makes some 250 MB altogether."""
    million = size * 10_000  # a million at full size
    fields: dict[str, bytes] = {}
    for depth in (100, 1_000, 10_000):
        fields[f"nested-{depth}"] = _nested(depth)
    fields["nested-mails"] = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n" * 2_000 + TEXT
    part = b"--p\r\nContent-Type: text/plain\r\n\r\ny\r\n"
    fields["many-parts"] = b"Content-Type: multipart/mixed; boundary=p\r\n\r\n" + part * (million // 10) + b"--p--\r\n"
    fields["base64-line"] = _plain(b"base64", base64.b64encode(b"B" * (75 * million)))
    fields["text-line"] = _plain(b"8bit", b"b " * (50 * million))
    fields["many-headers"] = b"".join(b"X-N%d: v\r\n" % n for n in range(million)) + TEXT
    fields["attachments-to"] = b"Cc: " + b", ".join(b"p%d@x.example" % n for n in range(million // 10)) + b"\r\n" + TEXT
    fields["open-comments"] = b"Cc: " + b"(" * 50_000 + b"\r\n" + TEXT
    fields["open-quotes"] = b"Cc: " + b'"\\' * 50_000 + b"\r\n" + TEXT
    parameters = b"; ".join(b"name*%d=b" % n for n in range(50_000))
    fields["many-parameters"] = b"Content-Type: text/plain; " + parameters + b"\r\n\r\nHello there.\r\n"
    fields["received"] = b"Received: from c by d; Mon, 16 Nov 2026 09:00:00 +0100\r\n" * 50_000 + TEXT
    name = b"filename*=utf-8''..%2F..%2Fetc%2Fpasswd%0D%0ABcc: x"
    fields["file-name"] = (
        b"Content-Type: text/plain\r\nContent-Disposition: attachment; " + name + b"\r\n\r\nHello.\r\n"
    )
    fields["deep-html"] = HTML + b"<div>" * 100_000 + b"Does it fit?" + b"</div>" * 100_000
    fields["open-tags"] = HTML + b"<" * million
    fields["entities"] = HTML + b"&#x42;" * (million // 2)
    fields["attributes"] = HTML + b"<a " + b"y=2 " * million + b">t</a>"
    fields["deep-quotes"] = _plain(b"8bit", (b">" * 200 + b" why?\r\n") * (million // 20))
    fields["no-boundary"] = b"Content-Type: multipart/mixed\r\n\r\nHello there.\r\n"
    fields["empty-boundary"] = b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nHello\r\n----\r\n'
    fields["pattern-as-boundary"] = (
        b'Content-Type: multipart/mixed; boundary="(b+)+$"\r\n\r\n--(b+)+$\r\n\r\n' + b"b" * 100_000 + b"\r\n"
    )
    fields["quoted-printable"] = _plain(b"quoted-printable", b"=" * (5 * million))
    fields["uuencode"] = _plain(b"x-uuencode", b"begin 644 y\r\n" + b"M" * million)
    fields["nothing-but-lines"] = b"\r\n" * 100_000
    fields["zeros"] = _plain(b"8bit", b"he\0llo \0\0")
    fields["tnef"] = b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nnothing of the kind\r\n"
    for number, charset in enumerate(CHARSETS):
        head = b'Content-Type: text/plain; charset="%b"\r\n\r\n' % charset.encode("latin-1")
        fields[f"charset-{number}"] = head + b"Hello +ADw-b+AD4- there\r\n"
    packed = base64.encodebytes(zlib.compress(b"\0" * (500 * million))).replace(b"\n", b"\r\n")
    head = b"Content-Type: text/plain; charset=zlib\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    fields["packed"] = head + packed
    subjects = {
        "long-subject": b"b " * (5 * million),
        "folded-subject": b"b\r\n" + b" c\r\n" * million + b" d",
        "encoded-words": b"\r\n ".join([b"=?utf-8?q?=42?="] * (million // 10)),
        "encoded-words-in-a-row": b"=?utf-8?q?=42?=" * 20_000,
        "line-break-in-subject": b"=?utf-8?q?hi=0D=0ABcc:_x=40evil.example=0D=0A=0D=0AHello?=",
        "eight-bit": "Grüße \u202egnp.exe \u2066x\u2069\u200b".encode(),
        "broken-eight-bit": b"caf\xe9 \xff\xfe",
        "escapes": b"\x1b[2J\x1b]0;owned\x07 ERROR: root",
    }
    yield from ((name, _mail(name, content)) for name, content in fields.items())
    yield from ((name, _mail(name, TEXT, subject)) for name, subject in subjects.items())
    yield "bare-cr", _mail("cr", TEXT).replace(b"\r\n", b"\r")
    yield "bare-lf", _mail("lf", TEXT).replace(b"\r\n", b"\n")
    yield "no-headers", b"nothing but words\r\n"
    yield "empty", b""
    yield "date", FROM + b"Date: " + b"9" * 100_000 + b"\r\n" + TEXT
