"""Speaks IMAP: read-only, by UID, in batches. Knows nothing of what the mails say or where they are kept."""

import imaplib
import itertools
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import Any

import imapclient
from imapclient.exceptions import IMAPClientError, LoginError

from harvester.config import Imap
from harvester.errors import FetchRefused, ServiceDown, UsageError
from harvester.files import hash_mail
from harvester.records import ImapOrigin, RawMail

BATCH_MAILS = 200
BATCH_BYTES = 16 * 1024 * 1024
# A connection proves itself on little first: one that breaks every few megabytes must get on, too.
FIRST_BATCH_BYTES = 128 * 1024
ASKED_AT_ONCE = 2000  # sizes
MOVED_AT_ONCE = 500  # UIDs stand one by one in the command, and servers limit its length


class Mailbox:
    """One logged-in session with the folder selected read-only. Every failure of the link is a ServiceDown."""

    def __init__(
        self, client: imapclient.IMAPClient, settings: Imap, uidvalidity: int, next_uid: int | None = None
    ) -> None:
        self._client = client
        self._settings = settings
        self.uidvalidity = uidvalidity
        self.next_uid = next_uid

    def list_uids(self) -> tuple[int, ...]:
        """Every UID in the folder, ascending."""
        with _translated(self._settings):
            return tuple(sorted(self._client.search("ALL")))

    def fetch(self, uids: tuple[int, ...], at_once: int = ASKED_AT_ONCE) -> Iterator[tuple[RawMail, ...]]:
        """The mails of these UIDs in batches of at most 200 mails and 16 MB (a larger mail travels alone).

        The first batch is small, each next one twice as large. A mail that vanished meanwhile is left out. Flags are
        not touched (BODY.PEEK). FetchRefused names the mails that the server fails at; no request asks for more than
        `at_once`.
        """
        limits = growing_limits()
        for chunk in _chunks(uids, at_once):
            answer = self._ask(chunk, ["RFC822.SIZE"])
            known = [(uid, int(answer[uid][b"RFC822.SIZE"])) for uid in chunk if b"RFC822.SIZE" in answer.get(uid, {})]
            for batch in plan_batches(known, limits):
                yield self._fetch_batch(batch)

    def move(self, uids: tuple[int, ...], folder: str) -> None:
        """Move mails that are safely stored; the folder is selected for writing for just this."""
        if not uids:
            return
        with _translated(self._settings):
            selected = self._client.select_folder(self._settings.folder, readonly=False)
            if int(selected[b"UIDVALIDITY"]) != self.uidvalidity:
                # Made anew since we looked: the same UIDs are other mails now, which nobody has stored.
                raise IMAPClientError("the folder was made anew meanwhile; nothing was moved")
            for chunk in _chunks(uids, MOVED_AT_ONCE):
                try:
                    self._client.move(list(chunk), folder)
                except IMAPClientError as error:
                    # Somebody else has removed one of them meanwhile; what is left is moved by the next poll.
                    if "EXPUNGEISSUED" not in str(error):
                        raise
            self._client.select_folder(self._settings.folder, readonly=True)

    def can_idle(self) -> bool:
        """Whether the server pushes news (RFC 2177)."""
        with _translated(self._settings):
            return bool(self._client.has_capability("IDLE"))

    def wait_for_news(self, seconds: float) -> bool:
        """Wait in IDLE at most that long; True when the server announced mail. A dead link is a ServiceDown.

        Ends with a question that the server must answer: a link that is half open looks like "no mail".
        """
        with _translated(self._settings):
            self._client.idle()
            started = time.monotonic()
            responses = self._client.idle_check(timeout=seconds)
            waited = time.monotonic() - started
            if any(response[0] == b"BYE" for response in responses) or (not responses and waited < seconds * 0.9):
                # After BYE idle_check() answers [] at once for ever; only leaving tells.
                raise ConnectionResetError("the server ended the connection")
            responses += self._client.idle_done()[1]  # what came in the last moment is said only here
            return any(b"EXISTS" in response for response in responses)

    def _fetch_batch(self, uids: tuple[int, ...]) -> tuple[RawMail, ...]:
        answer = self._ask(uids, ["BODY.PEEK[]", "INTERNALDATE"])
        return tuple(
            RawMail(
                raw=answer[uid][b"BODY[]"],
                sha256=hash_mail(answer[uid][b"BODY[]"]),
                origin=ImapOrigin(self._settings.host, self._settings.folder, self.uidvalidity, uid),
                received_at=answer[uid][b"INTERNALDATE"].astimezone(UTC),
            )
            for uid in uids
            # A server may send unsolicited FETCH data (flags) for others; only whole mails count.
            if answer.get(uid, {}).get(b"BODY[]") is not None
        )

    def _ask(self, uids: tuple[int, ...], items: list[str]) -> dict[int, dict[bytes, Any]]:
        with _translated(self._settings):
            try:
                answer: dict[int, dict[bytes, Any]] = self._client.fetch(list(uids), items)
            except (IMAPClientError, imaplib.IMAP4.error) as error:
                # A link that breaks says nothing; a server that fails at a mail says NO, or BYE and closes (Dovecot).
                if isinstance(error, imaplib.IMAP4.abort) and "BYE" not in self._client._imap.untagged_responses:
                    raise
                raise FetchRefused(
                    f"IMAP {self._settings.host}:{self._settings.port} fails at some mails of"
                    f" {self._settings.folder!r}: {error}; its log tells more",
                    uids,
                ) from error
        return answer


def growing_limits() -> Iterator[int]:
    """How many bytes each batch of a connection may have: 128 kB, then twice as many each time, up to 16 MB."""
    limit = FIRST_BATCH_BYTES
    while True:
        yield limit
        limit = min(2 * limit, BATCH_BYTES)


def plan_batches(sizes: list[tuple[int, int]], limits: Iterator[int] | None = None) -> Iterator[tuple[int, ...]]:
    """Group (uid, bytes) so that no batch exceeds 200 mails or its limit (16 MB), unless one mail alone does."""
    limits = itertools.repeat(BATCH_BYTES) if limits is None else limits
    batch: list[int] = []
    total, limit = 0, next(limits)
    for uid, size in sizes:
        if batch and (len(batch) >= BATCH_MAILS or total + size > limit):
            yield tuple(batch)
            batch, total, limit = [], 0, next(limits)
        batch.append(uid)
        total += size
    if batch:
        yield tuple(batch)


@contextmanager
def open_mailbox(settings: Imap) -> Iterator[Mailbox]:
    """Log in and select the folder read-only; log out at the end."""
    if not settings.host:
        raise UsageError("no mailbox is configured; set [imap] host, username and password_file in answers.toml")
    with _translated(settings):
        client = _connect(settings)
    try:
        with _translated(settings):
            client.login(settings.username, settings.password.get_secret_value() if settings.password else "")
            # Naive local times otherwise.
            client.normalise_times = False
            selected = client.select_folder(settings.folder, readonly=True)
        next_uid = selected.get(b"UIDNEXT")
        yield Mailbox(client, settings, int(selected[b"UIDVALIDITY"]), None if next_uid is None else int(next_uid))
    except BaseException:
        # Not with LOGOUT: on a link that hangs, waiting for its answer would double the time-out.
        with suppress(OSError):
            client.shutdown()
        raise
    _log_out(client)


def _connect(settings: Imap) -> imapclient.IMAPClient:
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    client = imapclient.IMAPClient(
        settings.host,
        port=settings.port,
        ssl=settings.security == "tls",
        ssl_context=context if settings.security == "tls" else None,
        timeout=settings.timeout_seconds,
    )
    if settings.security == "starttls":
        client.starttls(context)
    return client


def _log_out(client: imapclient.IMAPClient) -> None:
    try:
        client.logout()
    except (OSError, IMAPClientError, imaplib.IMAP4.error):
        client.shutdown()


@contextmanager
def _translated(settings: Imap) -> Iterator[None]:
    where = f"IMAP {settings.host}:{settings.port}"
    try:
        yield
    except FetchRefused:
        raise
    except LoginError:
        raise ServiceDown(
            f"{where} refused the login of {settings.username}; check [imap] username and password"
        ) from None  # the server's words may repeat what we sent
    except ssl.SSLCertVerificationError as error:
        raise ServiceDown(
            f"{where}: the certificate is not trusted ({error.verify_message}); set [imap] ca_file for an own CA"
        ) from error
    except TimeoutError as error:
        raise ServiceDown(f"{where} did not answer within {settings.timeout_seconds:g} s; try again later") from error
    except (OSError, imaplib.IMAP4.abort) as error:
        raise ServiceDown(f"{where} cannot be reached or broke off: {error}; check host, port and security") from error
    except (IMAPClientError, imaplib.IMAP4.error) as error:
        raise ServiceDown(f"{where}, folder {settings.folder!r}: the server refused: {error}") from error


def _chunks(uids: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(uids), size):
        yield uids[start : start + size]
