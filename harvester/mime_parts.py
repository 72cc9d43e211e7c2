"""Walks the parts of a mail: what is body, what is attachment, what is another mail. Decodes; never raises.

Knows nothing of header fields beyond those of a part.
"""

import html
import re
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import Message
from email.utils import collapse_rfc2231_value

from mailparser.exceptions import MailParserError

from harvester.charsets import charset_of_html, clean_text, decode_text
from harvester.flowed import join_flowed
from harvester.headers import decode_file_name, decode_value, one_line
from harvester.records import Attachment
from harvester.uuencode import cut_uuencoded

MAX_TEXT = 2_000_000
MAX_PARTS = 1_000
MAX_ATTACHED = 20
MAX_CONTENT_TYPES = 200
MAX_REPORT = 20_000
REPORTS = frozenset(
    {"message/delivery-status", "message/disposition-notification", "message/feedback-report"}
    | {"message/global-delivery-status", "message/global-disposition-notification", "message/tracking-status"}
)
MAX_REPORT_FIELDS = 200

# What a hostile mail makes the parsers raise; each of these was seen, none of them means that the mail holds no text.
PARSER_FAILURES = (
    MailParserError,
    MessageError,
    RecursionError,
    AttributeError,
    AssertionError,
    LookupError,
    TypeError,
    ValueError,
    Base64Error,
)


@dataclass
class Body:
    """What the walk has found so far.

    blocks: (plain, html) of each stretch of the body, in order. named_texts: texts that came as files.
    attached: other mails, parsed or raw. reports: fields of reports about mails. room: how many characters may still
    come.
    """

    blocks: list[tuple[str | None, str | None]] = field(default_factory=list)
    named_texts: list[tuple[str | None, str | None]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    attached: list[Message | bytes] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    room: int = MAX_TEXT
    parts: int = 0


def read_part(part: Message, body: Body) -> None:
    """Read a part and everything inside it."""
    body.parts += 1
    content_type = content_type_of(part)
    if len(body.content_types) < MAX_CONTENT_TYPES:
        body.content_types.append(_described_type(part, content_type))
    if body.parts > MAX_PARTS:
        if body.parts == MAX_PARTS + 1:
            body.notes.append(f"only the first {MAX_PARTS} parts were read")
        return
    children = _children(part)
    if children is not None:
        if content_type in ("message/rfc822", "message/global", "message/news"):
            _keep_attached(children[0] if children else None, body)
        elif content_type in REPORTS:
            _keep_report(children, body)
        elif content_type == "multipart/alternative":
            _read_alternative(children, body)
        else:
            if content_type == "message/partial":
                body.notes.append("message/partial: a piece of a mail that was sent in several")
            for child in children:
                read_part(child, body)
        return
    if content_type.startswith("multipart/"):
        # No boundary was found in it; what stands there is all the text there is.
        body.notes.append(f"{content_type} without parts; read as text")
        content_type = "text/plain"
    read_leaf(part, content_type, body)


def _read_alternative(children: list[Message], body: Body) -> None:
    """One block: the plain and the HTML way of saying the same; everything else in it counts as usual."""
    inner = Body(room=body.room, parts=body.parts, notes=body.notes, content_types=body.content_types)
    inner.attachments, inner.attached, inner.named_texts = body.attachments, body.attached, body.named_texts
    inner.reports = body.reports
    for child in children:
        read_part(child, inner)
    body.room, body.parts = inner.room, inner.parts
    plains = [plain for plain, _ in inner.blocks if plain is not None]
    htmls = [markup for _, markup in inner.blocks if markup is not None]
    if plains or htmls:
        body.blocks.append(("\n".join(plains) if plains else None, "\n".join(htmls) if htmls else None))


def _keep_attached(attached: Message | bytes | None, body: Body) -> None:
    if attached is None:
        return
    if len(body.attached) >= MAX_ATTACHED:
        body.notes.append(f"only the first {MAX_ATTACHED} attached mails were opened")
        return
    body.attached.append(attached)


def _keep_report(groups: list[Message], body: Body) -> None:
    """The fields of a delivery status, a read receipt or an abuse report; mail programs show them as text."""
    lines: list[str] = []
    for group in groups[:MAX_REPORT_FIELDS]:
        lines += [f"{name}: {decode_value(str(value))}" for name, value in group.raw_items()]
        payload = group.get_payload()
        lines += ([payload.strip()] if isinstance(payload, str) else []) + [""]
    text = clean_text("\n".join(lines[:MAX_REPORT_FIELDS])).strip()[: min(MAX_REPORT, max(0, body.room))]
    if text:
        body.room -= len(text)
        body.reports.append(text)


def read_leaf(part: Message, content_type: str, body: Body) -> None:
    """Read a part without children: body text, attachment, attached mail, or something for machines."""
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
    elif file_name.lower().endswith(".eml") or content_type == "message/rfc822":
        data = _payload_bytes(part)
        if re.match(rb"(?i)[\r\n]*(from |[a-z][a-z0-9-]{0,60}:)", data[:200]):
            _keep_attached(data, body)
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


def _read_text(part: Message, content_type: str, body: Body) -> tuple[str | None, str | None]:
    data = _payload_bytes(part)
    declared = _parameter(part, "charset") or (charset_of_html(data) if content_type == "text/html" else None)
    text, note = decode_text(data[: 4 * MAX_TEXT], declared)
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


def rescue_text(body: Body, plains: list[str], htmls: list[str]) -> None:
    """Text that stands only in a named part, or that only mail-parser dug out (behind the last boundary)."""
    if any(has_words(text) for block in body.named_texts for text in block):
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
def content_type_of(part: Message) -> str:
    """The content type, lower case; text/plain when the header cannot be read."""
    try:
        return one_line(part.get_content_type())
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
    return content_type[:120]


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


def join_blocks(blocks: list[tuple[str | None, str | None]]) -> tuple[str | None, str | None]:
    """The whole body as text (None unless all of it exists as text) and as HTML (None unless some of it does)."""
    blocks = [block for block in blocks if block != (None, None)]
    filled = [block for block in blocks if any(has_words(text) for text in block)] or blocks[:1]
    plains = [plain for plain, _ in filled if plain is not None]
    text = "\n".join(plains) if plains and len(plains) == len(filled) else None
    if all(markup is None for _, markup in filled):
        return text, None
    return text, "\n".join(markup if markup is not None else _as_html(plain or "") for plain, markup in filled)


def _as_html(text: str) -> str:
    return "<div>" + html.escape(text.strip("\n"), quote=False).replace("\n", "<br>\n") + "</div>"


def has_words(text: str | None) -> bool:
    """True when there is more than white space."""
    return bool(text) and not (text or "").isspace()
