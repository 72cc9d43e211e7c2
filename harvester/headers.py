"""Header fields to plain values: decoded, on one line, without characters that steer a terminal or a second parser.

Knows nothing of bodies.
"""

import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from harvester.charsets import clean_text, decode_bytes
from harvester.records import Address

MAX_FILE_NAME = 150
MAX_ADDRESS = 320  # RFC 5321, 4.5.3.1: 64 + "@" + 255

_ENCODED_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_ENCODED_GAP = re.compile(r"\?=\s+(?==\?)")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,990})>")
_SPACES = re.compile(r"\s+")
_INVISIBLE = dict.fromkeys((8203, 8288, 173))


def decode_value(value: str) -> str:
    """One header value as a person should see it: encoded words decoded, raw 8-bit bytes guessed, one line."""
    return one_line(_decode_words(_readable(value)))


def plain_value(value: str) -> str:
    """One value of a structured header on one line. Not decoded: an encoded word could hide a ";" or a ")" in it."""
    return one_line(_readable(value))


def one_line(text: str) -> str:
    """The text with every run of white space, line breaks included, as one space."""
    text = clean_text(text)
    return _SPACES.sub(" ", text if text.isascii() else text.translate(_INVISIBLE)).strip()


def decode_file_name(value: str) -> str:
    """A file name without folders; "" when nothing is left of it."""
    name = decode_value(value).replace("\\", "/").rsplit("/", 1)[-1].strip(" .")
    return name[:MAX_FILE_NAME]


def parse_addresses(values: Iterable[str]) -> tuple[Address, ...]:
    """All mailboxes of raw address headers, forgiving: unquoted commas in names, groups, comments, missing brackets."""
    found: list[Address] = []
    for value in values:
        pending = ""
        for item in _split_list(_readable(value)):
            address = _read_mailbox(item if not pending else f"{pending}, {item}")
            if address.address:
                found.append(address)
                pending = ""
            else:
                pending = f"{pending}, {item}" if pending and len(pending) < MAX_ADDRESS else item
    return tuple(found)


def make_address(name: str, address: str) -> Address:
    """A mailbox from a decoded name and an address, both cleaned; the name is "" when it only repeats the address."""
    address = one_line(address).strip("<>'\"").lower()[:MAX_ADDRESS]
    name = one_line(name)
    if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    return Address("" if name.lower() == address else name, address if " " not in address else "")


def parse_message_ids(values: Iterable[str]) -> tuple[str, ...]:
    """Message-IDs with their angle brackets, in order, each once."""
    found: dict[str, None] = {}
    for value in values:
        for identifier in _MESSAGE_ID.findall(_readable(value)):
            found[f"<{one_line(identifier)}>"] = None
    return tuple(found)


def parse_date(value: str) -> datetime | None:
    """The aware moment of a Date header; UTC when it names no zone; None when it is no date of e-mail's age."""
    try:
        moment = parsedate_to_datetime(value[:200])
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment if 1980 <= moment.year <= 2100 else None


def _readable(value: str) -> str:
    # The standard library hands raw 8-bit header bytes over as lone surrogates.
    if value.isascii():
        return value
    return decode_bytes(value.encode("utf-8", "surrogateescape"), None)[0]


def _decode_words(value: str) -> str:
    if "=?" not in value:
        return value
    value = _ENCODED_GAP.sub("?=", value)
    pieces: list[str] = []
    waiting, waiting_charset, position = b"", "", 0
    for match in _ENCODED_WORD.finditer(value):
        if waiting and (match.start() > position or match[1].lower() != waiting_charset):
            pieces.append(decode_bytes(waiting, waiting_charset)[0])
            waiting = b""
        pieces.append(value[position : match.start()])
        # Senders cut multi-byte characters between two words, so the bytes of neighbours are joined before decoding.
        waiting += _word_bytes(match[2], match[3])
        waiting_charset, position = match[1].lower(), match.end()
    if waiting:
        pieces.append(decode_bytes(waiting, waiting_charset)[0])
    pieces.append(value[position:])
    return "".join(pieces)


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data.replace(b"_", b" "))
    data = data.replace(b" ", b"").rstrip(b"=")
    try:
        return binascii.a2b_base64(data[: len(data) - (len(data) % 4 == 1)] + b"==")
    except binascii.Error:
        return data


def _split_list(value: str) -> list[str]:
    """The items of an address list: cut at "," and ";" outside quotes, brackets and comments."""
    items: list[str] = []
    current: list[str] = []
    quoted = bracketed = escaped = has_at = False
    comment = 0
    for letter in value:
        if escaped:
            escaped = False
        elif letter == "\\" and (quoted or comment):
            escaped = True
        elif quoted:
            quoted = letter != '"'
        elif comment:
            comment += (letter == "(") - (letter == ")")
        elif letter == '"':
            quoted = True
        elif letter == "(":
            comment = 1
        elif letter == "<":
            bracketed = True
        elif letter == ">":
            bracketed = False
        elif letter in ",;" and not bracketed:
            items.append("".join(current))
            current, has_at = [], False
            continue
        elif letter == ":" and not bracketed and not has_at:
            current = []  # the name of a group
            continue
        has_at = has_at or letter == "@"
        current.append(letter)
    items.append("".join(current))
    return [item.strip() for item in items if item.strip()]


def _read_mailbox(item: str) -> Address:
    start = item.rfind("<")
    if start >= 0 and "@" in item[start:]:
        end = item.find(">", start)
        address = item[start + 1 : end if end >= 0 else len(item)]
        return make_address(_decode_words(_plain_phrase(item[:start])), address)
    bare, _, comment = item.partition("(")
    words = [word for word in bare.split() if "@" in word.strip("@")]
    if len(words) != 1:
        return Address("", "")
    name = comment.rstrip(") ") or bare.replace(words[0], "")
    return make_address(_decode_words(_plain_phrase(name)), words[0].strip("\"',;<>"))


def _plain_phrase(text: str) -> str:
    if '"' not in text and "\\" not in text:
        return text
    return re.sub(r"\\(.)", r"\1", text.replace('\\"', "\x00")).replace('"', "").replace("\x00", '"')
