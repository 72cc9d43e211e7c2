"""What travels through the house: RawMail -> Mail -> Part -> Reading. Frozen values, next to no behaviour."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox. address: lower case, "" when the header held none. name: decoded, "" when none."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """file_name: decoded, one line, without folders. size: bytes after decoding."""

    file_name: str
    content_type: str
    size: int
    inline: bool = False


@dataclass(frozen=True, slots=True)
class ImapOrigin:
    """The identity of a capture on a server (RFC 3501, 2.3.1.1)."""

    host: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail as it was delivered. received_at: aware; INTERNALDATE or the file's own date."""

    raw: bytes
    sha256: str
    origin: ImapOrigin | Path
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail taken out of MIME; text is decoded and unfolded but not yet understood.

    headers: (lower-case name, decoded value on one line), in order, all of them.
    text: the text/plain body (format=flowed joined), None when there is none. html: the text/html body.
    sent_at: aware; None when the Date header is missing or impossible.
    attached: message/rfc822 parts, outermost first. reports: what a delivery or abuse report says in its fields.
    notes: what was odd and how it was read.
    """

    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    subject: str
    sender: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    sent_at: datetime | None
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...] = ()
    attached: tuple["Mail", ...] = ()
    content_types: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """The first header of that lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    def header_values(self, name: str) -> tuple[str, ...]:
        """All headers of that lower-case name, topmost first."""
        return tuple(value for key, value in self.headers if key == name)


class Role(StrEnum):
    """own: what the sender newly wrote. quoted: the message being answered. history: what is older."""

    OWN = "own"
    QUOTED = "quoted"
    HISTORY = "history"
    FORWARDED = "forwarded"
    SIGNATURE = "signature"
    DISCLAIMER = "disclaimer"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a mail with one author and one role, in reading order.

    depth: 0 for the sender's own level, 1 for the message being answered, and so on.
    author: lower-case address or None. sent_at: naive when the quote named no zone.
    label: what a notice is: "attribution" (the line or header block that introduces a quote), "banner", "mobile",
    "report" (fields of a delivery report), "image" (what pictures say of themselves); "" for every other role.
    answers: index of the quoted part that this own part answers inline or from above, None when it answers nothing.
    """

    role: Role
    text: str
    author: str | None = None
    author_name: str | None = None
    sent_at: datetime | None = None
    depth: int = 0
    label: str = ""
    answers: int | None = None
    author_kind: str = "unknown"


class Status(StrEnum):
    """What the gate decided."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"
    EXCLUDED = "excluded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's decision. reason: the deciding header or rule, None when accepted.

    colleague: address of the contributing sender. company: registrable domain, or the whole address for freemail.
    kind: "answer" (the usual BCC), "heard" (a plain note to the answers address), "broadcast" (very many recipients).
    """

    status: Status
    reason: str | None = None
    colleague: str | None = None
    prospects: tuple[str, ...] = ()
    company: str | None = None
    kind: str = "answer"


@dataclass(frozen=True, slots=True)
class Link:
    """A web address that the sender put into the own text. text: what was shown, "" when only the address."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything one mail says about itself, without looking at any other mail. Made in workers, stored by the parent.

    links: from the sender's own text only. team: the plus-tag of the answers address that it came in under, "" if none.
    """

    mail: Mail
    parts: tuple[Part, ...]
    verdict: Verdict
    links: tuple[Link, ...] = ()
    team: str = ""


@dataclass(frozen=True, slots=True)
class FailedReading:
    """A mail that could not be read; it stays stored. reason: one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Roster:
    """Who belongs to us. domains: lower case. aliases: alias address -> main address. names: main address -> name."""

    domains: tuple[str, ...]
    aliases: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    answers_address: str = ""


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """All that a worker needs to know to read a mail.

    authserv_id: "" trusts every mail; else only mail that this server calls dmarc=pass.
    excluded_subjects: case-insensitive phrases; a mail whose subject holds one is stored by Message-ID only.
    """

    roster: Roster
    authserv_id: str = ""
    excluded_subjects: tuple[str, ...] = ()
