"""Takes a mail out of MIME: mail-parser's tree, read by our own walk; a flat reading when no parser can take it.

Decides what is body and what is attachment. Knows nothing of quotes, people or threads.
"""

import html
import logging
import re
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message
from email.utils import collapse_rfc2231_value

import mailparser
from mailparser.exceptions import MailParserError

from harvester.charsets import charset_of_html, decode_text
from harvester.flowed import join_flowed
from harvester.headers import decode_file_name, decode_value, one_line, parse_addresses, parse_date, parse_message_ids
from harvester.journal import unwrap_journal
from harvester.limits import is_too_branched, limit_raw, split_header
from harvester.records import Attachment, Mail
from harvester.uuencode import cut_uuencoded

MAX_TEXT = 2_000_000
MAX_PARTS = 1_000
MAX_ATTACHED = 20
MAX_ATTACHED_DEPTH = 4
MAX_CONTENT_TYPES = 200
RESERVED_HEADERS = "x-answers-journal-"

# What a hostile mail makes the parsers raise; each of these was seen, none of them means that the mail holds no text.
PARSER_FAILURES = (
    MailParserError,
    RecursionError,
    AttributeError,
    AssertionError,
    LookupError,
    TypeError,
    ValueError,
    Base64Error,
)

# mail-parser logs whole headers when it cannot decode them; what mails say stays out of logs.
logging.getLogger("mailparser").setLevel(logging.CRITICAL + 1)


@dataclass
class _Body:
    """What the walk has found so far. blocks: (plain, html) of each stretch of the body, in order."""

    blocks: list[tuple[str | None, str | None]] = field(default_factory=list)
    named_texts: list[tuple[str | None, str | None]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    attached: list[Mail] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    room: int = MAX_TEXT
    parts: int = 0


def parse_mail(raw: bytes) -> Mail:
    """Take a mail apart. Never raises on what a mail says; what was odd stands in `notes`.

    A Microsoft journal report is unwrapped: the result is the enclosed mail.
    """
    raw, notes = limit_raw(raw)
    return unwrap_journal(_parse(raw, notes, depth=0))


def _parse(raw: bytes, notes: tuple[str, ...], *, depth: int) -> Mail:
    if is_too_branched(raw):
        return _parse_flat(raw, (*notes, "too many nested or repeated parts; read without their structure"), depth)
    try:
        library = mailparser.parse_from_bytes(raw)
        message: Message = library.message
        notes += tuple(sorted(library.defects_categories - {"AddressHeaderDefect", "ReceivedHeaderDefect"}))
        rescued = library.text_plain, library.text_html
    except PARSER_FAILURES as error:
        notes += (f"mail-parser failed ({type(error).__name__})",)
        rescued = [], []
        try:
            message = message_from_bytes(raw, policy=policy.compat32)
        except PARSER_FAILURES:
            return _parse_flat(raw, (*notes, "read without its structure"), depth)
    body = _Body(notes=list(notes))
    _read_part(message, body, depth)
    if not any(_has_words(text) for block in body.blocks for text in block):
        _rescue_text(body, *rescued)
    return _make_mail(message, body)


def _parse_flat(raw: bytes, notes: tuple[str, ...], depth: int) -> Mail:
    """Cut at every declared boundary, read each piece by itself; linear in the size whatever the nesting."""
    header, rest = split_header(raw)
    body = _Body(notes=list(notes))
    message = message_from_bytes(header + b"\n\n", policy=policy.compat32)
    for piece in _flat_pieces(header, rest):
        if body.parts >= MAX_PARTS:
            body.notes.append(f"only the first {MAX_PARTS} parts were read")
            break
        piece_header, piece_body = split_header(piece)
        leaf = message_from_bytes(piece_header + b"\n\n", policy=policy.compat32)
        content_type = _content_type(leaf)
        if content_type.startswith(("multipart/", "message/")):
            body.content_types.append(content_type)
            continue
        body.parts += 1
        leaf.set_payload(piece_body.decode("ascii", "surrogateescape"))
        _read_leaf(leaf, content_type, body, depth)
    return _make_mail(message, body)


_BOUNDARY = re.compile(rb"(?i)boundary[ \t]*=[ \t]*\"?([^\"\r\n;]{1,200})")
_DASHED_LINE = re.compile(rb"(?m)^--([^\r\n]{1,210})\r?\n?")


def _flat_pieces(header: bytes, rest: bytes) -> Iterator[bytes]:
    boundaries = {boundary.strip() for boundary in _BOUNDARY.findall(header + b"\n" + rest)}
    while True:
        leaf = message_from_bytes(header + b"\n\n", policy=policy.compat32)
        if _content_type(leaf) != "message/rfc822":
            break
        # Thousands of mails in mails: peel one header after the other until something else comes.
        header, rest = split_header(rest)
        if not rest:
            break
    start = 0
    head = header + b"\n\n"
    for match in _DASHED_LINE.finditer(rest):
        name = match[1].strip()
        if name in boundaries or (name.endswith(b"--") and name[:-2] in boundaries):
            if head or rest[start : match.start()].strip():
                yield head + rest[start : match.start()]
            head, start = b"", match.end()
    yield head + rest[start:]


# ---------------------------------------------------------------- the walk
def _read_part(part: Message, body: _Body, depth: int) -> None:
    body.parts += 1
    content_type = _content_type(part)
    if len(body.content_types) < MAX_CONTENT_TYPES:
        body.content_types.append(_described_type(part, content_type))
    if body.parts > MAX_PARTS:
        if body.parts == MAX_PARTS + 1:
            body.notes.append(f"only the first {MAX_PARTS} parts were read")
        return
    children = _children(part)
    if children is not None:
        if content_type in ("message/rfc822", "message/global", "message/news"):
            _read_attached(children[0] if children else None, body, depth)
        elif content_type.startswith("message/"):
            return  # delivery-status and its like: fields for machines
        elif content_type == "multipart/alternative":
            _read_alternative(children, body, depth)
        else:
            for child in children:
                _read_part(child, body, depth)
        return
    if content_type.startswith("multipart/"):
        # No boundary was found in it; what stands there is all the text there is.
        body.notes.append(f"{content_type} without parts; read as text")
        content_type = "text/plain"
    _read_leaf(part, content_type, body, depth)


def _read_alternative(children: list[Message], body: _Body, depth: int) -> None:
    """One block: the plain and the HTML way of saying the same; everything else in it counts as usual."""
    inner = _Body(room=body.room, parts=body.parts, notes=body.notes, content_types=body.content_types)
    inner.attachments, inner.attached, inner.named_texts = body.attachments, body.attached, body.named_texts
    for child in children:
        _read_part(child, inner, depth)
    body.room, body.parts = inner.room, inner.parts
    plains = [plain for plain, _ in inner.blocks if plain is not None]
    htmls = [markup for _, markup in inner.blocks if markup is not None]
    if plains or htmls:
        body.blocks.append(("\n".join(plains) if plains else None, "\n".join(htmls) if htmls else None))


def _read_attached(message: Message | None, body: _Body, depth: int) -> None:
    if message is None:
        return
    if depth >= MAX_ATTACHED_DEPTH or len(body.attached) >= MAX_ATTACHED:
        body.notes.append("an attached mail was not opened: too many or too deep")
        return
    inner = _Body()
    _read_part(message, inner, depth + 1)
    body.attached.append(_make_mail(message, inner))


def _read_leaf(part: Message, content_type: str, body: _Body, depth: int) -> None:
    file_name = _file_name(part)
    disposition = _disposition(part)
    if content_type in ("text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html", "text"):
        if content_type == "text/x-amp-html":
            return  # the same text a third time
        block = _read_text(part, content_type, body)
        if disposition != "attachment" and not file_name:
            body.blocks.append(block)
            return
        body.named_texts.append(block)
    elif content_type in OPAQUE:
        body.notes.append(OPAQUE[content_type])
    elif (file_name.lower().endswith(".eml") or content_type == "message/rfc822") and depth < MAX_ATTACHED_DEPTH:
        data = _payload_bytes(part)
        if len(body.attached) < MAX_ATTACHED and re.match(rb"(?i)[\r\n]*(from |[a-z][a-z0-9-]{0,60}:)", data[:200]):
            raw, notes = limit_raw(data)
            body.attached.append(_parse(raw, notes, depth=depth + 1))
    elif file_name.lower() == "winmail.dat":
        body.notes.append(OPAQUE["application/ms-tnef"])
    elif (
        not file_name and content_type.startswith("text/") and content_type not in MACHINE_TEXT and disposition is None
    ):
        body.blocks.append(_read_text(part, "text/plain", body))
        return
    elif not file_name and content_type in MACHINE_TEXT:
        return
    body.attachments.append(Attachment(file_name, content_type, _decoded_size(part), inline=disposition == "inline"))


OPAQUE = {
    "application/ms-tnef": "TNEF (winmail.dat): what is inside was not opened",
    "application/vnd.ms-tnef": "TNEF (winmail.dat): what is inside was not opened",
    "application/pkcs7-mime": "S/MIME: encrypted or opaquely signed, the body cannot be read",
    "application/x-pkcs7-mime": "S/MIME: encrypted or opaquely signed, the body cannot be read",
    "application/pgp-encrypted": "PGP: encrypted, the body cannot be read",
}
MACHINE_TEXT = frozenset(
    {"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/css", "text/csv", "text/xml"}
    | {"text/rfc822-headers", "text/rtf", "text/javascript", "text/x-moz-deleted", "text/watch-html"}
)


def _read_text(part: Message, content_type: str, body: _Body) -> tuple[str | None, str | None]:
    data = _payload_bytes(part)
    declared = _parameter(part, "charset") or (charset_of_html(data) if content_type == "text/html" else None)
    text, note = decode_text(data, declared)
    if note and note not in body.notes:
        body.notes.append(note)
    if len(text) > body.room:
        text = text[: body.room]
        body.notes.append(f"only the first {MAX_TEXT:,} characters of the body were read")
    body.room -= len(text)
    if content_type == "text/html":
        return None, text
    if content_type in ("text/enriched", "text/richtext"):
        return re.sub(r"<[^<>\n]{0,60}>", "", text.replace("<<", "<")), None
    if _parameter(part, "format").lower() == "flowed":
        text = join_flowed(text, delete_space=_parameter(part, "delsp").lower() == "yes")
    text, files = cut_uuencoded(text)
    body.attachments.extend(files)
    return text, None


def _rescue_text(body: _Body, plains: list[str], htmls: list[str]) -> None:
    """Text that stands only in a named part, or that only mail-parser dug out (behind the last boundary)."""
    if any(_has_words(text) for block in body.named_texts for text in block):
        body.blocks.extend(body.named_texts)
        body.notes.append("the only text is in a part with a file name")
    elif plains or htmls:
        body.blocks.extend(
            (decode_text(text.encode("utf-8", "replace"), "utf-8")[0][:MAX_TEXT], None) for text in plains
        )
        body.blocks.extend(
            (None, decode_text(text.encode("utf-8", "replace"), "utf-8")[0][:MAX_TEXT]) for text in htmls
        )
        body.notes.append("text found outside the declared parts")


# ---------------------------------------------------------------- fields of a part
def _content_type(part: Message) -> str:
    try:
        return part.get_content_type()
    except PARSER_FAILURES:
        return "text/plain"


def _described_type(part: Message, content_type: str) -> str:
    """The content type, with the parameter that tells an invitation or a bounce: "text/calendar; method=REQUEST"."""
    for name, shown in (("text/calendar", "method"), ("multipart/report", "report-type")):
        value = one_line(_parameter(part, shown)) if content_type == name else ""
        if name == "text/calendar" and (_disposition(part) == "attachment" or _file_name(part)):
            continue  # a file that somebody attached; the mail itself is no invitation
        if value:
            return f"{name}; {shown}={value[:60]}"
    return one_line(content_type)[:120]


def _children(part: Message) -> list[Message] | None:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else None


def _parameter(part: Message, name: str) -> str:
    try:
        value = part.get_param(name)
        return collapse_rfc2231_value(value)[:1_000] if value else ""
    except PARSER_FAILURES:
        return ""


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename()
    except PARSER_FAILURES:
        return "unnamed"
    return decode_file_name(name[:2_000]) if name else ""


def _disposition(part: Message) -> str | None:
    try:
        return part.get_content_disposition()
    except PARSER_FAILURES:
        return None


def _payload_bytes(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except PARSER_FAILURES:
        payload = part.get_payload()
    if isinstance(payload, str):
        return payload.encode("utf-8", "surrogateescape")
    return payload if isinstance(payload, bytes) else b""


def _decoded_size(part: Message) -> int:
    """Bytes of an attachment, computed from the length of its base64 without decoding it."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return 0
    if str(part.get("content-transfer-encoding", "")).strip().lower() != "base64":
        return len(payload)
    letters = len(payload) - payload.count("\n") - payload.count("\r") - payload[-10:].count("=")
    return letters * 3 // 4


# ---------------------------------------------------------------- the result
def _make_mail(message: Message, body: _Body) -> Mail:
    fields = tuple(_raw_fields(message))

    def raw_values(name: str) -> Iterable[str]:
        return (value for key, value in fields if key == name)

    headers = tuple((key, decode_value(value)) for key, value in fields)
    decoded = dict(reversed(headers))
    text, markup = _join_blocks(body.blocks)
    senders = parse_addresses(raw_values("from")) or parse_addresses(raw_values("sender"))
    message_ids = parse_message_ids((decoded.get("message-id", ""),))
    return Mail(
        message_id=message_ids[0] if message_ids else decoded.get("message-id") or None,
        in_reply_to=parse_message_ids(raw_values("in-reply-to")),
        references=parse_message_ids(raw_values("references")),
        subject=decoded.get("subject", ""),
        sender=senders[0] if senders else None,
        reply_to=parse_addresses(raw_values("reply-to")),
        to=parse_addresses(raw_values("to")),
        cc=parse_addresses(raw_values("cc")),
        sent_at=parse_date(decoded.get("date", "")),
        headers=headers,
        text=text,
        html=markup,
        attachments=tuple(body.attachments),
        attached=tuple(body.attached),
        content_types=tuple(body.content_types[:MAX_CONTENT_TYPES]),
        notes=tuple(dict.fromkeys(body.notes)),
    )


def _raw_fields(message: Message) -> Iterator[tuple[str, str]]:
    for name, value in message.raw_items():
        key = one_line(str(name)).lower()
        if not key.startswith(RESERVED_HEADERS):
            yield key, str(value)


def _join_blocks(blocks: list[tuple[str | None, str | None]]) -> tuple[str | None, str | None]:
    """The whole body as text (None unless all of it exists as text) and as HTML (None unless some of it does)."""
    blocks = [block for block in blocks if block != (None, None)]
    filled = [block for block in blocks if any(_has_words(text) for text in block)] or blocks[:1]
    plains = [plain for plain, _ in filled if plain is not None]
    text = "\n".join(plains) if plains and len(plains) == len(filled) else None
    if all(markup is None for _, markup in filled):
        return text, None
    return text, "\n".join(markup if markup is not None else _as_html(plain or "") for plain, markup in filled)


def _as_html(text: str) -> str:
    return "<div>" + html.escape(text.strip("\n"), quote=False).replace("\n", "<br>\n") + "</div>"


def _has_words(text: str | None) -> bool:
    return bool(text) and not (text or "").isspace()
