"""Writes the bytes of a mail. Its own small MIME writer, so that every Python version writes the same bytes."""

import base64
import binascii
import hashlib
import re
from datetime import datetime
from email.utils import format_datetime

from bench.sample.letters import Letter, answer_letter, plain_lines
from bench.sample.pages import write_html
from bench.sample.sources import Item, Person, SourceError, Sources

MAILERS = {
    "outlook": "X-Mailer: Microsoft Outlook 16.0",
    "apple": "X-Mailer: Apple Mail (2.3826.200.121)",
    "ios": "X-Mailer: iPhone Mail (23A341)",
    "thunderbird": "User-Agent: Mozilla Thunderbird",
    "inline": "User-Agent: Mozilla Thunderbird",
    "notes": "X-Mailer: HCL Notes Release 14.0",
    "plain": "User-Agent: Mutt/2.2.13",
    "plain-bottom": "User-Agent: Mutt/2.2.13",
}
# the BCC leaves no trace but the name of the mailbox that it was delivered to, and servers write that differently
DELIVERIES = ("Delivered-To", "Delivered-To", "Delivered-To", "X-Original-To", "Envelope-To")


def write_mail(item: Item, sources: Sources) -> bytes:
    """The whole .eml file of an item, lines ended by CR LF."""
    if item.kind == "raw":
        return write_raw(item, sources)
    letter = answer_letter(item, sources)
    kind, body = write_body(item, letter)
    headers = [*envelope(item, sources, "pass"), *addresses(item, letter, sources), *threading(item, sources)]
    if item.client in MAILERS:
        headers.append(MAILERS[item.client])
    return "\r\n".join([*headers, "MIME-Version: 1.0", kind, ""]).encode("ascii") + b"\r\n" + body


def digest_of(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def envelope(item: Item, sources: Sources, dmarc: str) -> list[str]:
    """The lines that the receiving server puts on top."""
    domain, server = sources.company["domains"][0], sources.company["authserv_id"]
    token = digest_of(item.id, "queue")
    verdict = [f"Authentication-Results: {server};\r\n dmarc={dmarc} header.from={domain}"] if dmarc != "none" else []
    delivery = DELIVERIES[int(token[:4], 16) % len(DELIVERIES)]
    return [
        *verdict,
        f"Received: from relay.{domain} (relay.{domain} [203.0.113.{int(token[4:6], 16) % 250 + 1}])\r\n"
        f" by {server} with ESMTPS id {token[:10]}\r\n for <{sources.company['answers_address']}>;"
        f" {format_datetime(item.sent_at)}",
        f"{delivery}: {sources.company['answers_address']}",
    ]


def addresses(item: Item, letter: Letter, sources: Sources) -> list[str]:
    assert item.rep is not None
    to = list(item.to)
    if item.kind in {"forward", "note"}:
        to = [Person("", sources.company["answers_address"], "")]
    lines = [f"From: {address_field(item.rep)}", f"To: {fold([address_field(person) for person in to])}"]
    if item.cc:
        lines.append(f"Cc: {fold([address_field(person) for person in item.cc])}")
    return [*lines, f"Subject: {encode_words(letter.subject)}", f"Date: {format_datetime(item.sent_at)}"]


def fold(values: list[str]) -> str:
    return ",\r\n ".join(values)


def address_field(person: Person) -> str:
    if not person.name:
        return person.address
    plain = re.fullmatch(r"[\w '-]+", person.name, re.ASCII)
    return f"{person.name if plain else encode_words(person.name, always=True)} <{person.address}>"


def encode_words(text: str, always: bool = False) -> str:
    """The text of a header, as encoded words (RFC 2047) when it needs them."""
    if text.isascii() and not always:
        return text
    words, rest = [], text
    while rest:
        size = min(len(rest), 30)
        while len(rest[:size].encode()) > 42:
            size -= 1
        words.append(f"=?utf-8?B?{base64.b64encode(rest[:size].encode()).decode()}?=")
        rest = rest[size:]
    return "\r\n ".join(words)


def threading(item: Item, sources: Sources) -> list[str]:
    """Message-ID, In-Reply-To and References as they are when the prospect's mails are not in the mailbox."""
    lines = [f"Message-ID: {own_id(item)}"]
    if not item.asked_by or item.kind == "forward":
        return lines
    chain = [asked_id(item)]
    earlier = item.history
    while earlier:
        before = sources.item(earlier)
        chain = [*([asked_id(before)] if before.asked_by else []), own_id(before), *chain]
        earlier = before.history
    references = "\r\n ".join(chain)
    return [*lines, f"In-Reply-To: {chain[-1]}", f"References: {references}"]


def own_id(item: Item) -> str:
    token = digest_of(item.id, "own")
    domain = item.rep.address.partition("@")[2] if item.rep else "mail.example"
    return f"<{token[:8]}-{token[8:12]}-{token[12:24]}@{domain}>"


def asked_id(item: Item) -> str:
    assert item.asked_by is not None
    token = digest_of(item.duplicate_of or item.id, "asked")
    return f"<{token[:20].upper()}@{item.asked_by.address.partition('@')[2]}>"


def write_body(item: Item, letter: Letter) -> tuple[str, bytes]:
    """The Content-Type line with what belongs to it, and the encoded body."""
    plain = "\n".join(plain_lines(letter)) + "\n"
    if item.body == "plain":
        return with_attachments(item, *text_part(item, "plain", plain))
    if item.body == "html":
        return with_attachments(item, *text_part(item, "html", write_html(letter)))
    parts = [text_part(item, "plain", plain), text_part(item, "html", write_html(letter))]
    return with_attachments(item, *multipart(item, "alternative", parts))


def text_part(item: Item, kind: str, text: str) -> tuple[str, bytes]:
    try:
        raw = text.encode(item.charset)
    except UnicodeEncodeError as error:
        raise SourceError(f"{item.file.name}, {item.id}: {error}") from error
    if item.cte == "base64":
        encoded = lined(raw.replace(b"\n", b"\r\n"))
    elif item.cte == "quoted-printable":
        encoded = binascii.b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")
    else:
        encoded = raw.replace(b"\n", b"\r\n")
    return (
        f'Content-Type: text/{kind}; charset="{item.charset}"\r\nContent-Transfer-Encoding: {item.cte}',
        encoded,
    )


def lined(raw: bytes) -> bytes:
    text = base64.b64encode(raw)
    return b"".join(text[at : at + 76] + b"\r\n" for at in range(0, len(text), 76))


def multipart(item: Item, kind: str, parts: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    boundary = f"_{digest_of(item.id, kind)[:24]}_"
    body = b"".join(
        f"--{boundary}\r\n{header}\r\n\r\n".encode("ascii") + content.rstrip(b"\r\n") + b"\r\n\r\n"
        for header, content in parts
    )
    return f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"', body + f"--{boundary}--\r\n".encode("ascii")


def with_attachments(item: Item, header: str, body: bytes) -> tuple[str, bytes]:
    """The body as it is, or inside multipart/mixed together with small stand-ins for the files."""
    if not item.attachments:
        return header, body
    return multipart(item, "mixed", [(header, body), *(attachment(name) for name in item.attachments)])


def attachment(name: str) -> tuple[str, bytes]:
    kind = {"pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    media = kind.get(name.rpartition(".")[2], "application/octet-stream")
    stand_in = f"%PDF-1.4\n% {name}\n%%EOF\n".encode()
    return (
        f'Content-Type: {media}; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64",
        lined(stand_in),
    )


def write_raw(item: Item, sources: Sources) -> bytes:
    """A mail whose source gives headers and body word for word; the missing transport headers are added."""
    given = item.raw["headers"].strip()
    present = {line.partition(":")[0].lower() for line in given.splitlines() if not line[:1].isspace()}
    added = [line for line in envelope(item, sources, item.raw.get("dmarc", "pass")) if name_of(line) not in present]
    usual = [f"Date: {sent(item.sent_at)}", f"Message-ID: {own_id(item)}", "MIME-Version: 1.0"]
    added += [line for line in usual if name_of(line) not in present]
    head = "\r\n".join([*added[:-3], *given.splitlines(), *added[-3:]]) if len(added) >= 3 else given
    charset = item.raw.get("charset", "utf-8")
    body = item.raw.get("body_text", "").strip("\n").replace("\n", "\r\n")
    if "content-type" not in present:
        head += f"\r\nContent-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit"
    return f"{head}\r\n\r\n".encode() + f"{body}\r\n".encode(charset)


def sent(when: datetime) -> str:
    return format_datetime(when)


def name_of(line: str) -> str:
    return line.partition(":")[0].lower()
