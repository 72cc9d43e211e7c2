"""What the outbox says of a week, and what a test server took of it."""

import email
from email import policy
from email.message import EmailMessage

from smtp_server import SmtpServer
from sqlite_utils import Database

from digest.dispatch import MARKETING
from digest.store import find_entry

WEEK = "2026-W47"


def state(database: Database, week: str = WEEK) -> str | None:
    """The state of the digest of that week, None when there is none."""
    entry = find_entry(database, MARKETING, week)
    return entry.state if entry else None


def digests(server: SmtpServer) -> list[tuple[set[str], bytes]]:
    """Recipients and bytes of each digest."""
    return [(set(to), raw) for to, raw in server.took if b"X-Answers-Harvester: digest" in raw]


def notices(server: SmtpServer) -> list[tuple[tuple[str, ...], EmailMessage]]:
    """Recipients of each note to the owner, and the note."""
    return [(to, email.message_from_bytes(raw, policy=policy.default)) for to, raw in server.took if b": notice" in raw]
