"""Takes a mail out of MIME: mail-parser's tree, read by our own walk; a flat reading when no parser can take it.

Decides what is body and what is attachment. Knows nothing of quotes, people or threads.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes, policy
from email.message import Message
from email.parser import BytesHeaderParser

import mailparser

from harvester.headers import (
    decode_value,
    one_line,
    parse_addresses,
    parse_date,
    parse_message_ids,
    plain_value,
)
from harvester.journal import unwrap_journal
from harvester.limits import BLANK_LINE, is_too_branched, limit_raw, split_header
from harvester.mime_parts import (
    MAX_CONTENT_TYPES,
    MAX_PARTS,
    PARSER_FAILURES,
    Body,
    content_type_of,
    has_words,
    join_blocks,
    read_leaf,
    read_part,
    rescue_text,
)
from harvester.records import Mail

MAX_ATTACHED_DEPTH = 4
RESERVED_HEADERS = "x-answers-journal-"
# Written by servers in a grammar of their own; parts of them, such as the envelope's sender, are a sender's words.
TRACE_HEADERS = frozenset({"authentication-results", "received", "return-path"})

# mail-parser logs whole headers when it cannot decode them; what mails say stays out of logs.
logging.getLogger("mailparser").setLevel(logging.CRITICAL + 1)


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
    body = Body(notes=list(notes))
    read_part(message, body)
    if not body.attached and not body.reports and not any(has_words(text) for block in body.blocks for text in block):
        rescue_text(body, *rescued)
    return _make_mail(message, body, depth)


def _parse_flat(raw: bytes, notes: tuple[str, ...], depth: int) -> Mail:
    """Cut at every declared boundary, read each piece by itself; linear in the size whatever the nesting."""
    header, rest = split_header(raw)
    body = Body(notes=list(notes))
    message = _parse_header(header)
    for piece in _flat_pieces(header, rest):
        if body.parts >= MAX_PARTS:
            body.notes.append(f"only the first {MAX_PARTS} parts were read")
            break
        piece_header, piece_body = split_header(piece)
        branch = _IS_BRANCH.search(piece_header)
        if branch:
            if len(body.content_types) < MAX_CONTENT_TYPES:
                body.content_types.append(branch[1].decode("ascii").lower())
            continue
        leaf = _parse_header(piece_header)
        content_type = content_type_of(leaf)
        body.parts += 1
        leaf.set_payload(piece_body.decode("ascii", "surrogateescape"))
        read_leaf(leaf, content_type, body)
    return _make_mail(message, body, depth)


def _parse_header(header: bytes) -> Message:
    return BytesHeaderParser(policy=policy.compat32).parsebytes(header + b"\n\n")


_IS_BRANCH = re.compile(rb"(?im)^content-type[ \t]*:[ \t]*((?:multipart|message)/[a-z0-9.-]{1,40})")
_IS_MAIL = re.compile(rb"(?im)^content-type[ \t]*:[ \t]*message/rfc822")
_BOUNDARY = re.compile(rb"(?i)boundary[ \t]*=[ \t]*\"?([^\"\r\n;]{1,200})")
_DASHED_LINE = re.compile(rb"(?m)^--([^\r\n]{1,210})\r?\n?")


def _flat_pieces(header: bytes, rest: bytes) -> Iterator[bytes]:
    boundaries = {boundary.strip() for boundary in _BOUNDARY.findall(header + b"\n" + rest)}
    at = 0
    while at < len(rest) and _IS_MAIL.search(header):
        # Thousands of mails in mails: peel one header after the other until something else comes.
        end = BLANK_LINE.search(rest, at)
        header = rest[at : end.start() if end else len(rest)]
        at = end.end() if end else len(rest)
    rest = rest[at:]
    start = 0
    head = header + b"\n\n"
    for match in _DASHED_LINE.finditer(rest):
        name = match[1].strip()
        if name in boundaries or (name.endswith(b"--") and name[:-2] in boundaries):
            if head or rest[start : match.start()].strip():
                yield head + rest[start : match.start()]
            head, start = b"", match.end()
    yield head + rest[start:]


# ---------------------------------------------------------------- the result
def _make_mail(message: Message, body: Body, depth: int) -> Mail:
    fields = tuple(_raw_fields(message))

    def raw_values(name: str) -> Iterable[str]:
        return (value for key, value in fields if key == name)

    headers = tuple((key, (plain_value if key in TRACE_HEADERS else decode_value)(value)) for key, value in fields)
    decoded = dict(reversed(headers))
    text, markup = join_blocks(body.blocks)
    attached = _parse_attached(body, depth)
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
        attached=attached,
        content_types=tuple(body.content_types[:MAX_CONTENT_TYPES]),
        notes=tuple(dict.fromkeys(body.notes)),
        reports=tuple(body.reports),
    )


def _parse_attached(body: Body, depth: int) -> tuple[Mail, ...]:
    if body.attached and depth >= MAX_ATTACHED_DEPTH:
        body.notes.append("an attached mail was not opened: too deep")
        return ()
    mails: list[Mail] = []
    for attached in body.attached:
        if isinstance(attached, bytes):
            raw, notes = limit_raw(attached)
            mails.append(_parse(raw, notes, depth=depth + 1))
        else:
            inner = Body()
            read_part(attached, inner)
            mails.append(_make_mail(attached, inner, depth + 1))
    return tuple(mails)


def _raw_fields(message: Message) -> Iterator[tuple[str, str]]:
    for name, value in message.raw_items():
        key = one_line(str(name)).lower()
        if not key.startswith(RESERVED_HEADERS):
            yield key, str(value)
