"""Recognises what somebody asked us to forget: an address, a domain or one mail, in any text and in raw mails. Pure.

Whom it is about is known as salted hashes only, so that the same code keeps forgotten mails out years later.
"""

import binascii
import hmac
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from harvester.errors import UsageError
from harvester.people import without_tag

# address, domain, message: as asked for. copy, bytes: Message-ID and hash of a mail that was erased with it.
Kind = Literal["address", "domain", "message", "copy", "bytes"]

MAX_LOCAL, MAX_DOMAIN, MAX_LABELS = 64, 253, 10
MAX_NESTING = 3  # of encodings inside each other: a forwarded mail in an attachment
MAX_SUFFIXES = 8
MIN_SENTENCE_LETTERS = 30  # a shorter one is written by many
WINDOW_WORDS = 5
MIN_BASE64 = 20

_RUN = re.compile(r"[\w.@+'=/&!#$*?^{|}~-]+")
_SPECIAL = re.compile(r"[='/&!#$*?^{|}~]")
_HOST = re.compile(r"[\w.-]+")
_REFERENCE = re.compile(r"<([^<>\s]{3,250})>")
_OWN_ID = re.compile(rb"^message-id:[ \t\r\n]{0,80}<([^<>\s]{3,250})>", re.IGNORECASE | re.MULTILINE)
_ENCODED_WORD = re.compile(r"=\?[^?\s]{1,40}\?([bq])\?([^?\s]{0,500})\?=", re.IGNORECASE)
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}\Z")
_NO_LETTERS = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[.!?…。？！\n]+")


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be forgotten, in its canonical spelling."""

    kind: Kind
    value: str


def parse_target(text: str, *, is_message_id: bool = False) -> Target:
    """What a person typed. is_message_id: a stored mail bears it, although it looks like an address."""
    cleaned = text.strip().removeprefix("mailto:").strip()
    if is_message_id or (cleaned.startswith("<") and cleaned.endswith(">")):
        return Target("message", cleaned.strip("<>"))
    local, at, domain = cleaned.rpartition("@")
    domain = canonical_domain(domain or cleaned)
    if "." not in domain or not _HOST.fullmatch(domain) or (at and not local) or any(c.isspace() for c in cleaned):
        raise UsageError(
            f"{text!r} is no address, domain or Message-ID; write li@globex.example, globex.example or"
            " '<id@globex.example>'"
        )
    if at:
        return Target("address", without_tag(f"{local.casefold()}@{domain}"))
    return Target("domain", domain)


def canonical_domain(domain: str) -> str:
    """Lower case, without dots at the ends, international names in their ASCII form."""
    cleaned = domain.casefold().strip(".-_")
    if cleaned.isascii():
        return cleaned
    try:
        return cleaned.encode("idna").decode()
    except UnicodeError:
        return cleaned


@dataclass(frozen=True)
class Tombstones:
    """Whom we are to forget. digests: of kind and value, with the salt; kinds: those that occur among them."""

    salt: bytes
    digests: frozenset[str]
    kinds: frozenset[str]
    _seen: dict[str, bool] = field(default_factory=dict, repr=False)

    def digest(self, kind: Kind, value: str) -> str:
        """Without the value nobody can tell from it who is meant."""
        return hmac.digest(self.salt, f"{kind}:{value}".encode("utf-8", "replace"), "sha256").hex()

    def covers(self, kind: Kind, value: str) -> bool:
        """Whether exactly this is meant."""
        return kind in self.kinds and self.digest(kind, value) in self.digests

    def covers_address(self, address: str) -> bool:
        """The address, with or without its tag, or its domain or a domain above that."""
        address = address.strip().casefold()
        known = self._seen.get(address)
        if known is None:
            local, _, domain = address.rpartition("@")
            canonical = f"{local}@{canonical_domain(domain)}"
            known = self._seen[address] = (
                self.covers("address", canonical)
                or self.covers("address", without_tag(canonical))
                or self.covers_domain(domain)
            )
        return known

    def covers_domain(self, domain: str) -> bool:
        """The domain or a domain above it."""
        if "domain" not in self.kinds:
            return False
        return any(self.covers("domain", window) for window in _domain_windows(canonical_domain(domain)))

    def covers_company(self, company: str) -> bool:
        """A company is a domain, or the address of somebody with a personal mailbox."""
        return self.covers_address(company) if "@" in company else self.covers_domain(company)

    def covers_message_id(self, message_id: str) -> bool:
        """A mail that was to be forgotten, or was erased with others."""
        bare = message_id.strip("<> ")
        return self.covers("message", bare) or self.covers("copy", bare)

    def holds(self, text: str) -> bool:
        """Whether an address, host or Message-ID in the text is meant."""
        if "message" in self.kinds and any(self.covers("message", found) for found in _REFERENCE.findall(text)):
            return True
        if not {"address", "domain"} & self.kinds or not ("@" in text or "." in text or "%40" in text):
            return False
        return any(self._holds_run(run) for run in _RUN.findall(text.casefold().replace("%40", "@")))

    def holds_raw(self, raw: bytes) -> bool:
        """Whether a mail as the server gave it mentions what is meant, however it is encoded."""
        return any(self.holds(form) for form in decoded_forms(raw))

    def _holds_run(self, run: str) -> bool:
        if "@" not in run:
            return "domain" in self.kinds and any(self.covers_domain(host) for host in _HOST.findall(run))
        pieces = run.split("@")
        for left, right in pairwise(pieces):
            host = _HOST.match(right[:MAX_DOMAIN])
            if left and host and any(self.covers_address(found) for found in _readings(left[-MAX_LOCAL:], host[0])):
                return True
        return False


def own_message_id(raw: bytes) -> str:
    """The Message-ID of a mail as the server gave it, without brackets; "" when there is none."""
    found = _OWN_ID.search(raw, 0, 100_000)
    return found[1].decode("utf-8", "replace") if found else ""


def decoded_forms(raw: bytes, nesting: int = 0) -> Iterator[str]:
    """The texts that stand in raw bytes, as far as they can be found without taking the mail apart; linear."""
    text = raw.decode("utf-8", "replace")
    yield text
    if b"\x00" in raw[:200]:
        yield raw.decode("utf-16-le", "replace")
        yield raw.decode("utf-16-be", "replace")
    if "=?" in text:
        yield " ".join(_decode_word(kind, word) for kind, word in _ENCODED_WORD.findall(text))
    if "&#" in text or "&commat" in text:
        yield html.unescape(text)
    if nesting >= MAX_NESTING:
        return
    if b"=" in raw and (unquoted := binascii.a2b_qp(raw)) != raw:
        yield unquoted.decode("utf-8", "replace")
        yield unquoted.decode("latin-1")
    for block in _base64_blocks(raw):
        yield from decoded_forms(block, nesting + 1)


@dataclass(frozen=True)
class Traces:
    """What the erased mails leave in the words of others. names: full ones, folded; sentences, windows: letters only.

    windows: short stretches of what was asked, as a digest quotes it.
    """

    tombstones: Tombstones
    names: frozenset[str] = frozenset()
    sentences: frozenset[str] = frozenset()
    windows: frozenset[str] = frozenset()

    def mark(self, text: str) -> bool:
        """Whether a text speaks of the forgotten: names them, or repeats a sentence of theirs."""
        if not text:
            return False
        return self.tombstones.holds(text) or self.names_one(text) or self.repeats(text)

    def names_one(self, text: str) -> bool:
        """Whether one of the names stands in the text."""
        if not self.names:
            return False
        words = f" {fold_words(text)} "
        return any(f" {name} " in words for name in self.names)

    def repeats(self, text: str) -> bool:
        """Whether a whole sentence of theirs stands in the text, wherever its lines are broken."""
        found = letters(text) if self.sentences else ""
        return any(sentence in found for sentence in self.sentences)

    def mark_quote(self, text: str) -> bool:
        """Like `mark`, and also when a few words in a row are theirs: for copies that quote much and can be spared."""
        if self.mark(text):
            return True
        found = letters(text) if self.windows else ""
        return any(window in found for window in self.windows)


def letters(text: str) -> str:
    """Letters and digits only, one after the other, whatever stands between them."""
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKC", text)).casefold()


def fold_words(text: str) -> str:
    """The words, lower case and without accents, with single spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))


def full_names(names: Iterable[str]) -> frozenset[str]:
    """Names of at least two words in both orders, folded; a single word is borne by too many."""
    found = set()
    for name in names:
        words = fold_words(name).split()
        if len(words) >= 2 and "@" not in name:
            found |= {" ".join(words), " ".join((words[-1], *words[:-1]))}
    return frozenset(found)


def sentences_of(text: str) -> frozenset[str]:
    """The sentences that are long enough to be nobody else's, letters only."""
    joined = " ".join(line.strip() for line in text.split("\n"))
    found = {letters(sentence) for form in (text, joined) for sentence in _SENTENCE_END.split(form)}
    return frozenset(sentence for sentence in found if len(sentence) >= MIN_SENTENCE_LETTERS)


def windows_of(text: str) -> frozenset[str]:
    """Every few words in a row, letters only; a shorter text as a whole."""
    words = text.split()
    count = max(1, len(words) - WINDOW_WORDS + 1)
    found = {letters(" ".join(words[start : start + WINDOW_WORDS])) for start in range(count)}
    return frozenset(window for window in found if len(window) >= MIN_SENTENCE_LETTERS // 2)


def _readings(local: str, host: str) -> Iterator[str]:
    """The addresses that a stretch around "@" may mean: glued to what stands before or after it."""
    starts = [local, *(local[match.end() :] for match in _SPECIAL.finditer(local))][-MAX_SUFFIXES:]
    locals_ = dict.fromkeys([*starts, *(start.strip(".+-_") for start in starts)])
    labels = host.strip(".-_").split(".")[:MAX_LABELS]
    for end in range(len(labels), 0, -1):
        for start in locals_:
            if start:
                yield f"{start}@{'.'.join(labels[:end])}"


@lru_cache(maxsize=50_000)
def _domain_windows(domain: str) -> tuple[str, ...]:
    labels = [label for label in domain.split(".") if label]
    if len(labels) > 2 * MAX_LABELS:
        labels = labels[:MAX_LABELS] + labels[-MAX_LABELS:]
    return tuple(
        ".".join(labels[start:end]) for start in range(len(labels)) for end in range(start + 2, len(labels) + 1)
    )


def _decode_word(kind: str, word: str) -> str:
    try:
        raw = binascii.a2b_base64(word) if kind in "bB" else binascii.a2b_qp(word.replace("_", " "))
    except binascii.Error:
        return ""
    return raw.decode("utf-8", "replace")


def _base64_blocks(raw: bytes) -> Iterator[bytes]:
    """What stands in runs of base64 lines."""
    run: list[bytes] = []
    for line in (*raw.split(b"\n"), b""):
        stripped = line.strip()
        if stripped and _BASE64_LINE.match(stripped) and (len(stripped) >= MIN_BASE64 or run):
            run.append(stripped)
            continue
        if run:
            joined = b"".join(run)
            with suppress(binascii.Error):
                yield binascii.a2b_base64(joined[: len(joined) // 4 * 4])
            run = []
