"""Speaks SMTP. The one place where a mail leaves the house; refuses every recipient who is not ours.

Knows nothing of what the mails say, nor of what has been sent before.
"""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from digest.quotes import one_line
from digest.records import OutgoingMail
from harvester.config import LOOPBACK, Config, Smtp
from harvester.errors import AnswersError, ConfigurationError, DeliveryRefused, DeliveryUnknown, ServiceDown, TryLater

# "%", "!" and ":" let old servers pass a mail on to somebody else; quotes and brackets hide a second address.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.+_'=&/~#$*?^`{|}-]{1,64}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the server said about each recipient. deferred: not now, perhaps later. refused: never."""

    accepted: tuple[str, ...]
    deferred: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def sender_address(config: Config) -> str:
    """The From address: [smtp] from, else the answers address, else answers@ our first domain."""
    if config.smtp.sender:
        return config.smtp.sender
    return config.imap.username if "@" in config.imap.username else f"answers@{config.company.domains[0]}"


def deliver(
    config: Config, mail: OutgoingMail, recipients: tuple[str, ...], before_commit: Callable[[Delivery], None]
) -> Delivery:
    """Send one mail to these recipients in one transaction.

    before_commit: called when everything but the final dot has been sent, with what the server said of each recipient.
    Until then nothing can have gone out; after it the mail may have, so that a break is DeliveryUnknown. ServiceDown
    and TryLater: surely not sent, try again.
    DeliveryRefused: surely not sent, and trying again would not help.
    """
    _refuse_strangers(config, (mail.sender, *recipients))
    with _connected(config.smtp, mail.sender) as client:
        delivery = _name_recipients(client, mail.sender, recipients)
        _send_body(client, mail.raw)
        before_commit(delivery)
        _send_final_dot(client)
    return delivery


def check_login(settings: Smtp) -> None:
    """Connect, secure the line, log in, leave. Raises ServiceDown with what to do."""
    with _connected(settings, settings.username):
        pass


def _refuse_strangers(config: Config, addresses: tuple[str, ...]) -> None:
    named = (*config.digest.to, *config.digest.executives, config.digest.owner, config.imap.username)
    known = {address.lower() for address in named if address}
    known.add(sender_address(config).lower())
    for address in addresses:
        domain = address.rpartition("@")[2].lower()
        is_ours = any(domain == own or domain.endswith(f".{own}") for own in config.company.domains)
        if not (is_ours or address.lower() in known):
            raise DeliveryRefused(
                f"{one_line(address)} is neither in [company] domains nor a configured recipient; nothing was sent"
            )
        if not _PLAIN_ADDRESS.fullmatch(address):
            raise DeliveryRefused(f"{one_line(address)!r} is not an address that every mail server takes")


@contextmanager
def _connected(settings: Smtp, sender: str) -> Iterator[smtplib.SMTP]:
    if not settings.host:
        raise ConfigurationError(("answers.toml: [smtp] host: is required to send mail; --dry-run works without",))
    where = f"SMTP {settings.host}:{settings.port}"
    with _translated(where, settings):
        client = _connect(settings, sender)
        try:
            if settings.username:
                client.login(settings.username, settings.password.get_secret_value() if settings.password else "")
            yield client
            _leave(client)
        finally:
            # After a fault without QUIT: the server must not take a half-sent mail for a whole one.
            client.close()


def _connect(settings: Smtp, sender: str) -> smtplib.SMTP:
    # Naming ourselves by the sender's domain avoids a look-up of this machine's own name.
    name = sender.rpartition("@")[2] or "localhost"
    if settings.security == "none":
        if settings.host not in LOOPBACK:
            raise ConfigurationError(('answers.toml: [smtp] security = "none": allowed for loopback hosts only',))
        return smtplib.SMTP(settings.host, settings.port, local_hostname=name, timeout=settings.timeout_seconds)
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.security == "tls":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, local_hostname=name, timeout=settings.timeout_seconds, context=context
        )
    client = smtplib.SMTP(settings.host, settings.port, local_hostname=name, timeout=settings.timeout_seconds)
    try:
        client.starttls(context=context)
    except BaseException:
        client.close()
        raise
    return client


def _leave(client: smtplib.SMTP) -> None:
    with suppress(smtplib.SMTPException, OSError):
        client.quit()


def _name_recipients(client: smtplib.SMTP, sender: str, recipients: tuple[str, ...]) -> Delivery:
    client.ehlo_or_helo_if_needed()
    code, reply = client.mail(sender)
    _expect_success(code, reply, "the sender")
    accepted: list[str] = []
    deferred: dict[str, str] = {}
    refused: dict[str, str] = {}
    for recipient in recipients:
        code, reply = client.rcpt(recipient)
        if code in (250, 251):
            accepted.append(recipient)
        elif code == 421:
            raise TryLater(f"the mail server closes the connection: {_shown(code, reply)}")
        else:
            (deferred if code < 500 else refused)[recipient] = _shown(code, reply)
    if not accepted:
        first = next(iter({**refused, **deferred}.values()), "")
        if deferred:
            raise TryLater(f"the mail server takes the mail for nobody at the moment: {first}")
        raise DeliveryRefused(f"the mail server refuses every recipient: {first}")
    return Delivery(tuple(accepted), deferred, refused)


def _send_body(client: smtplib.SMTP, raw: bytes) -> None:
    code, reply = client.docmd("DATA")
    if code != 354:
        _expect_success(code, reply, "the mail")
    lines = raw.removesuffix(b"\r\n").split(b"\r\n")
    # A line that starts with a dot gets a second one (RFC 5321, 4.5.2).
    client.send(b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines))


def _send_final_dot(client: smtplib.SMTP) -> None:
    try:
        client.send(b"\r\n.\r\n")
        code, reply = client.getreply()
    except (OSError, smtplib.SMTPException) as error:
        client.close()
        raise DeliveryUnknown(
            "the connection broke while the mail server was taking the mail; whether it goes out cannot be told"
        ) from error
    _expect_success(code, reply, "the mail")


def _expect_success(code: int, reply: bytes, what: str) -> None:
    if 200 <= code < 300:
        return
    if code < 500:
        raise TryLater(f"the mail server does not take {what} at the moment: {_shown(code, reply)}")
    raise DeliveryRefused(f"the mail server refuses {what}: {_shown(code, reply)}")


def _shown(code: int, reply: bytes) -> str:
    return f"{code} {one_line(reply.decode('ascii', 'replace'))[:200]}"


@contextmanager
def _translated(where: str, settings: Smtp) -> Iterator[None]:
    try:
        yield
    except AnswersError:
        raise
    except smtplib.SMTPAuthenticationError as error:
        # Not the server's words: they may repeat what we sent.
        raise ServiceDown(
            f"{where} refused the login of {settings.username} ({error.smtp_code}); check [smtp] username and password"
        ) from None
    except smtplib.SMTPNotSupportedError as error:
        raise ServiceDown(
            f"{where} does not offer what [smtp] security = {settings.security!r} needs ({error}); check the port"
        ) from error
    except smtplib.SMTPServerDisconnected as error:
        raise ServiceDown(f"{where} broke off; nothing was sent, try again later") from error
    except smtplib.SMTPException as error:
        raise ServiceDown(f"{where} answers in an unexpected way ({type(error).__name__}); try again later") from error
    except ssl.SSLCertVerificationError as error:
        raise ServiceDown(
            f"{where}: the certificate is not trusted ({error.verify_message}); set [smtp] ca_file for an own CA"
        ) from error
    except TimeoutError as error:
        raise ServiceDown(f"{where} did not answer within {settings.timeout_seconds:g} s; try again later") from error
    except OSError as error:
        raise ServiceDown(f"{where} cannot be reached: {error}; check host, port and security") from error
