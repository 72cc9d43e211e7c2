"""Mails that nobody would write, made up or real ones with damaged bytes: all are read, and no word is lost.

The examples are the same in every run; `make fuzz` tries many more, new ones each time.
"""

import base64
import html
import os
import quopri
import re
import time
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvester.errors import UnreadableMail
from harvester.reading import read_mail
from harvester.records import Mail, Part, Reading, ReadingSettings, Roster
from harvester.resources import data_folder
from harvester.splitting.split import MAX_HEADING, read_body_lines

FUZZ_EXAMPLES = int(os.environ.get("ANSWERS_FUZZ_EXAMPLES", "0"))
SECONDS = 2.0
SETTINGS = ReadingSettings(Roster(("acme.example",), answers_address="answers@acme.example"))
MAILS = sorted([*Path(__file__).parent.joinpath("mails").glob("*.eml"), *data_folder().glob("sample/mails/*.eml")])


def bounded(examples: int) -> settings:
    """The same examples every time, unless `make fuzz` asks for a number of new ones."""
    return settings(
        max_examples=FUZZ_EXAMPLES or examples,
        derandomize=not FUZZ_EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# ---------------------------------------------------------------- what is asked of every mail
def read_in_time(raw: bytes) -> Reading | None:
    """None for a mail that no parser takes, which is the only thing that may be raised."""
    started = time.process_time()
    try:
        reading = read_mail(raw, SETTINGS)
    except UnreadableMail:
        return None
    assert time.process_time() - started < SECONDS
    return reading


def assert_no_header_breaks_its_line(mail: Mail) -> None:
    people = [*((mail.sender,) if mail.sender else ()), *mail.to, *mail.cc, *mail.reply_to]
    values = [mail.subject, *(value for field in mail.headers for value in field)]
    values += [text for person in people for text in (person.name, person.address)]
    values += [text for attachment in mail.attachments for text in (attachment.file_name, attachment.content_type)]
    values += [*mail.content_types, *mail.notes]
    values += [identifier for identifier in (mail.message_id, *mail.in_reply_to, *mail.references) if identifier]
    for value in values:
        assert not any(unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs") for letter in value), value
    assert all("/" not in attachment.file_name for attachment in mail.attachments)
    for attached in mail.attached:
        assert_no_header_breaks_its_line(attached)


def assert_every_line_is_in_one_part(mail: Mail, parts: Sequence[Part]) -> None:
    """What the bodies show, letter by letter and in order, is what the parts say."""
    assert letters(" ".join(part.text for part in parts)) == letters(" ".join(shown_lines(mail, 0)))


def shown_lines(mail: Mail, depth: int) -> list[str]:
    lines, rest = read_body_lines(mail)
    shown = [*(line.text for line in lines), rest, *mail.reports]
    for attached in mail.attached if depth < 4 else ():
        fields = [(name, attached.header(name)) for name in ("from", "to", "cc", "date", "subject")]
        shown += [f"{name.title()} {value[:MAX_HEADING]}" for name, value in fields if value]
        shown += shown_lines(attached, depth + 1)
    return shown


def letters(text: str) -> str:
    return "".join(re.findall(r"\w+", text))


# ---------------------------------------------------------------- made up mails
@dataclass(frozen=True)
class Written:
    """One piece of text, as plain text and as HTML."""

    plain: str
    markup: str


LANGUAGES = [
    tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((data_folder() / "languages").glob("*.toml"))
]
FILLING = {
    "{name}": "Li Chen",
    "{address}": "li@globex.example",
    "{date}": "02.11.2026 09:14",
    "{time}": "09:14",
    "{subject}": "Pricing",
}
# Letters of each charset, so that decoding it wrongly changes the words.
CHARSETS = {
    "us-ascii": "word",
    "utf-8": "größe日",
    "iso-8859-1": "größe",
    "windows-1252": "œuvre",
    "iso-8859-2": "žluťoučký",
    "windows-1251": "привет",
    "koi8-r": "привет",
    "gb18030": "你好",
    "shift_jis": "こんにちは",
    "iso-2022-jp": "こんにちは",
    "euc-kr": "안녕하세요",
    "utf-16": "größe",
}
TOKEN = re.compile(r"[^\W\d_]+\d+z")
MARK = "\ufffc"  # stands for the words of a line until the charset is known


def attribution_lines() -> list[str]:
    found = []
    for table in LANGUAGES:
        for pattern in table["attribution"].get("patterns", ()):
            for name, value in FILLING.items():
                pattern = pattern.replace(name, value)
            found.append(re.sub(r"\{[^{}]*\}", "", pattern))
    return found


def header_blocks() -> list[str]:
    found = []
    for table in LANGUAGES:
        header = table["header"]
        labels = [next(iter(header.get(key, ())), "") for key in ("from", "sent", "to", "subject")]
        if all(labels):
            values = ("Li Chen <li@globex.example>", "2.11.2026 09:14", "Ana <ana@acme.example>", "Pricing")
            found.append("\n".join(f"{label}: {value}" for label, value in zip(labels, values, strict=True)))
    return found


SPECIAL_LINES = (
    "", "-- ", "--", "________________________________", "-----Original Message-----",
    "---------- Forwarded message ---------", "Sent from my iPhone", "Best regards,", "Ana Ruiz | Acme | +49 89 12345",
    "This e-mail is confidential. If you are not the intended recipient, delete it.", "> ", ">>>", "P.S.", "```",
    "begin 644 x", "From somebody", "* * *", "1. 2. 3.", "<b>no markup</b>", "https://acme.example/?a=b&c=d#e",
    "[cid:image001.png@01D]", "=?utf-8?q?no_header?=", "\t\tx", "a" * 1_500,
)  # fmt: skip
LINES = st.one_of(
    st.just(f"{MARK} {MARK} {MARK}."),
    st.just(f"{MARK}?"),
    st.sampled_from(SPECIAL_LINES),
    st.sampled_from(attribution_lines()),
    st.sampled_from(header_blocks()),
    st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc", "Nd"]), max_size=30),
)


@st.composite
def written(draw: st.DrawFn) -> Written:
    """A body whose lines stand at changing quote depths."""
    plain: list[str] = []
    markup: list[str] = []
    tag = draw(st.sampled_from(["div", "p", "span", "p class=MsoNormal"]))
    for _ in range(draw(st.integers(1, 12))):
        depth = draw(st.sampled_from([0, 0, 0, 1, 1, 2, 5]))
        line = draw(LINES)
        plain += ["> " * depth + piece for piece in line.split("\n")]
        inner = "<br>".join(html.escape(piece) for piece in line.split("\n"))
        markup.append("<blockquote>" * depth + f"<{tag}>{inner}</{tag.split()[0]}><br>" + "</blockquote>" * depth)
    return Written("\n".join(plain), "\n".join(markup))


ENCODINGS = st.sampled_from(["8bit", "quoted-printable", "base64", "BASE64 "])
LINE_ENDS = st.sampled_from(["\n", "\r\n"])


class Writer:
    """Numbers the words, so that each is there once. expected: those that a reader sees."""

    def __init__(self) -> None:
        self.count = 0
        self.expected: Counter[str] = Counter()

    def number_words(self, text: str, stem: str) -> str:
        pieces = text.split(MARK)
        tokens = [f"{stem}{self.count + place}z" for place in range(len(pieces) - 1)]
        self.count += len(tokens)
        self.expected.update(tokens)
        return pieces[0] + "".join(token + piece for token, piece in zip(tokens, pieces[1:], strict=True))


def leaf(kind: str, text: str, charset: str, encoding: str, more: str = "") -> bytes:
    data = text.encode(charset)
    if encoding == "quoted-printable":
        data = quopri.encodestring(data)
    elif encoding.strip().lower() == "base64" or charset == "utf-16":
        encoding, data = "base64", base64.encodebytes(data)
    head = f"Content-Type: {kind}; charset={charset}{more}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + data


@st.composite
def bodies(draw: st.DrawFn, writer: Writer, depth: int = 0) -> bytes:
    """A part with its own header, from a single text to a tree."""
    shape = draw(st.sampled_from(["plain", "html", "alternative", "mixed", "attached"][: 5 if depth < 3 else 3]))
    charset = draw(st.sampled_from(sorted(CHARSETS)))
    encoding, line_end = draw(ENCODINGS), draw(LINE_ENDS)
    if shape in ("plain", "html", "alternative"):
        text = draw(written())
        start = writer.count
        plain = writer.number_words(text.plain, CHARSETS[charset])
        safe = plain.encode(charset, "replace").decode(charset).replace("\n", line_end)
        if shape == "plain":
            flowed = draw(st.sampled_from(["", "; format=flowed", "; format=flowed; delsp=yes"]))
            return leaf("text/plain", safe, charset, encoding, flowed if " \n" not in safe else "")
        seen = Counter(writer.expected)
        writer.count = start
        page = f"<html><body>{writer.number_words(text.markup, CHARSETS[charset])}</body></html>"
        writer.expected = seen
        page = page.encode(charset, "xmlcharrefreplace").decode(charset)
        if shape == "html":
            return leaf("text/html", page, charset, encoding)
        children = [leaf("text/plain", safe, charset, encoding), leaf("text/html", page, charset, encoding)]
        return tree("alternative", children, f"alt-{writer.count}-{depth}", draw(st.booleans()))
    if shape == "attached":
        inner = draw(mails(writer, depth + 1))
        body = leaf("text/plain", writer.number_words(f"{MARK} see attached", "word"), "us-ascii", "7bit")
        return tree("mixed", [body, b"Content-Type: message/rfc822\r\n\r\n" + inner], f"att-{writer.count}", True)
    children = [draw(bodies(writer, depth + 1)) for _ in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        name = draw(st.sampled_from(["a.pdf", "../../etc/x", "=?utf-8?q?x=0D=0AY:z?=", "\u202efdp.exe"]))
        head = f'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\n'
        children.append(head.encode() + b"%PDF")
    return tree("mixed", children, f"mix-{writer.count}-{depth}", draw(st.booleans()))


def tree(kind: str, children: Sequence[bytes], boundary: str, is_closed: bool) -> bytes:
    mark = f"\r\n--{boundary}".encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\nThis is MIME.'.encode()
    return head + b"".join(mark + b"\r\n" + child for child in children) + (mark + b"--\r\n" if is_closed else b"\r\n")


GARBAGE = st.sampled_from(
    [
        b"Subject: =?utf-8?q?x=0D=0ABcc:_evil=40x.example?=",
        b"Subject: Re: =?gb2312?B?1cXPyMn6?= \xff\xfe",
        b"Subject: AW: caf\xe9\r\n folded\r\n\tagain",
        b"To: =?utf-8?b?w4ksIFg=?= <li@globex.example>, \"a, b\" <c@globex.example>, broken <, (((",
        b"Cc: undisclosed-recipients:;, <>, @, \xe9@x.example, a@b@c",
        b"Date: Mon, 99 Foo 2026 25:61:61 +9999",
        b"Date: Mon, 2 Nov 2026 09:14:00 +0100",
        b"Message-ID: <a\x00b@x.example> <second@x.example>",
        b"In-Reply-To: no brackets, <q1@globex.example>",
        b"References: " + b"<r@x.example>\r\n " * 30,
        b"X-Empty:",
        b"X-Long: " + b"x" * 3_000,
        b"From: \"Ana\r\n Ruiz\" <ana@acme.example>",
        b"MIME-Version: 1.0 (comment)",
        b"Auto-Submitted: ?",
    ]
)  # fmt: skip


@st.composite
def mails(draw: st.DrawFn, writer: Writer, depth: int = 0) -> bytes:
    fields = draw(st.lists(GARBAGE, max_size=6))
    return b"".join(field + b"\r\n" for field in (b"From: Ana Ruiz <ana@acme.example>", *fields)) + draw(
        bodies(writer, depth)
    )


@bounded(450)
@given(st.data())
def test_every_word_of_a_made_up_mail_is_in_exactly_one_part(data: st.DataObject) -> None:
    writer = Writer()
    raw = data.draw(mails(writer))
    reading = read_in_time(raw)
    assert reading is not None
    found = Counter(TOKEN.findall(unicodedata.normalize("NFC", "\n".join(part.text for part in reading.parts))))
    assert found == writer.expected
    assert_no_header_breaks_its_line(reading.mail)
    assert_every_line_is_in_one_part(reading.mail, reading.parts)


# ---------------------------------------------------------------- real mails with damaged bytes
SPLINTERS = st.binary(max_size=8) | st.sampled_from(
    [
        b"\r\n", b"\n\n", b"\r", b"\x00", b"\xff\xfe", b"--", b"\r\n--b", b"=", b"=?utf-8?b?", b"?=", b"&#0;",
        b"<blockquote>" * 40, b"</div>" * 40, b"<a href='", b">" * 300, b"> " * 200, b"(" * 200, b'"\\', b",,;;::",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", b"Content-Type: message/rfc822\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\n", b"; charset=utf-7", b"; format=flowed; delsp=yes", b"<!--",
        b"On Mon, 2 Nov 2026 wrote:\r\n", b"From: a\r\nSent: b\r\nTo: c\r\nSubject: d\r\n", b"begin 644 x\r\n",
        b"\x1b$B", b"; charset=utf-16", b"]]>",
    ]
)  # fmt: skip


@st.composite
def damaged_mails(draw: st.DrawFn) -> bytes:
    raw = bytearray(draw(st.sampled_from(MAILS)).read_bytes()[:200_000])
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.sampled_from([0, 1, 2, 10, 100, 2_000])))
        match draw(st.sampled_from(["insert", "cut", "repeat", "flip", "swap"])):
            case "insert":
                raw[start:start] = draw(SPLINTERS)
            case "cut":
                del raw[start:end]
            case "repeat":
                raw[start:start] = bytes(raw[start:end]) * draw(st.sampled_from([1, 2, 20]))
            case "flip":
                raw[start:end] = bytes(byte ^ 0x80 for byte in raw[start:end])
            case _:
                other = draw(st.sampled_from(MAILS)).read_bytes()
                raw[start:] = other[draw(st.integers(0, len(other))) :]
    return bytes(raw)


@bounded(1_000)
@given(damaged_mails())
def test_a_damaged_mail_is_read_without_losing_a_line(raw: bytes) -> None:
    reading = read_in_time(raw)
    if reading is not None:
        assert_no_header_breaks_its_line(reading.mail)
        assert_every_line_is_in_one_part(reading.mail, reading.parts)


def test_there_are_real_mails_to_damage() -> None:
    assert len(MAILS) > 200
