"""Cuts a raw mail down to what any parser can take: few and short header fields, few parts, no endless bodies.

Works on bytes in one pass each, before a parser sees them.
"""

import re

MAX_RAW_BYTES = 32_000_000
MAX_HEADER_FIELDS = 1_000
MAX_FIELD_BYTES = 64_000
MAX_PART_FIELD_BYTES = 8_000
MAX_NESTED = 100
MAX_BOUNDARY_LINES = 5_000

# Fields that we or a parser read; kept even when they stand below a thousand others.
IMPORTANT = re.compile(
    rb"(?i)(from|sender|reply-to|to|cc|subject|date|message-id|in-reply-to|references|content-[a-z-]{1,30}|mime-version"
    rb"|delivered-to|auto-submitted|precedence|list-[a-z-]{1,20}|return-path)[ \t]*:"
)
PART_HEADER_WITH_PARAMETERS = re.compile(
    rb"(?im)^content-(?:type|disposition)[ \t]*:(?:[^\r\n]{8000}|(?:[^\r\n;]{0,200};){60})"
)
BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")


def limit_raw(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The mail with the header fields and the size that parsers can take; the notes say what was left out."""
    notes: list[str] = []
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if len(raw) > MAX_RAW_BYTES:
        notes.append(f"only the first {MAX_RAW_BYTES // 1_000_000} of {len(raw) // 1_000_000} MB were read")
        raw = raw[:MAX_RAW_BYTES]
    header, body = split_header(raw)
    if len(header) > MAX_FIELD_BYTES or header.count(b"\n") > MAX_HEADER_FIELDS:
        header, left_out = _limit_header(header)
        raw = header + b"\n\n" + body
        notes.append(f"{left_out} header fields were left out or cut")
    if PART_HEADER_WITH_PARAMETERS.search(raw):
        raw = PART_HEADER_WITH_PARAMETERS.sub(lambda match: match[0][:200] + b"\nX-Cut: ", raw)
        notes.append("an endless part header was cut")
    return raw, tuple(notes)


def split_header(raw: bytes) -> tuple[bytes, bytes]:
    """The header block and what follows the first blank line; a block that begins with one has no header."""
    if raw[:1] in (b"\r", b"\n"):
        return b"", raw.lstrip(b"\r\n")
    end = BLANK_LINE.search(raw)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")


def is_too_branched(raw: bytes) -> bool:
    """True for a structure that a recursive parser would choke on."""
    if raw.count(b"\n--") > MAX_BOUNDARY_LINES:
        return True
    lowered = raw.lower() if len(raw) < 2_000_000 else raw
    return max(lowered.count(b"multipart/"), lowered.count(b"message/rfc822")) > MAX_NESTED


def _limit_header(header: bytes) -> tuple[bytes, int]:
    fields: list[list[bytes]] = []
    sizes: list[int] = []
    left_out = 0
    for line in header.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        if fields and line[:1] in b" \t":
            # A folded line belongs to the field above it, whether that is kept or already full.
            if sizes[-1] + len(line) <= MAX_FIELD_BYTES:
                fields[-1].append(line)
            elif sizes[-1] <= MAX_FIELD_BYTES:
                left_out += 1
            sizes[-1] += len(line)
            continue
        if len(fields) >= MAX_HEADER_FIELDS and not (len(fields) < 2 * MAX_HEADER_FIELDS and IMPORTANT.match(line)):
            left_out += 1
            continue
        left_out += len(line) > MAX_FIELD_BYTES
        fields.append([line[: _field_limit(line)]])
        sizes.append(len(fields[-1][0]))
    return b"\n".join(line for field in fields for line in field), left_out


def _field_limit(line: bytes) -> int:
    return MAX_PART_FIELD_BYTES if line[:8].lower() == b"content-" else MAX_FIELD_BYTES
