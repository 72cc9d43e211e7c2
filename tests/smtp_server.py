"""A real SMTP server on loopback that misbehaves on request; keeps what it took."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import servers
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class SmtpServer:
    """faults: one per connection, the last one repeats; see `_Handler`. took: (recipients, bytes) of accepted mails."""

    port: int
    faults: list[str] = field(default_factory=list)
    took: list[tuple[tuple[str, ...], bytes]] = field(default_factory=list)
    connections: int = 0


class _Handler:
    """ok; drop_at_data (cut when DATA is asked for); drop_untaken (cut after the final dot, the mail is thrown away);
    drop_after_data and stall_after_data (the mail is taken, the 250 never comes); busy (451 after the mail);
    refuse (550 after the mail); refuse_bad and defer_bad (RCPT of bad@ only)."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        self.server.connections += 1
        faults = self.server.faults
        session.fault = faults.pop(0) if len(faults) > 1 else (faults[0] if faults else "ok")
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("bad@") and session.fault in ("refuse_bad", "defer_bad"):
            return "550 5.1.1 no such user" if session.fault == "refuse_bad" else "450 4.2.0 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if session.fault == "drop_untaken":
            server.transport.abort()
            return "421 gone"
        if session.fault == "busy":
            return "451 4.3.0 try later"
        if session.fault == "refuse":
            return "550 5.7.1 not from you"
        self.server.took.append((tuple(envelope.rcpt_tos), envelope.original_content))
        if session.fault == "drop_after_data":
            server.transport.abort()
        if session.fault == "stall_after_data":
            await asyncio.sleep(3600)
        return "250 2.0.0 queued"


class _Smtp(SMTP):
    async def smtp_DATA(self, arg):  # noqa: N802
        if self.session.fault == "drop_at_data":
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


@contextmanager
def run_smtp(
    *faults: str,
    user: str = "",
    password: str = "",
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
) -> Iterator[SmtpServer]:
    """Serve until the block ends. user: when given, a login is offered and checked."""
    state = SmtpServer(servers.free_port(), list(faults))

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (user.encode(), password.encode()), handled=False)

    class Server(Controller):
        def factory(self):
            login = {"authenticator": authenticate, "auth_require_tls": False} if user else {}
            return _Smtp(
                self.handler, tls_context=starttls, require_starttls=starttls is not None, loop=self.loop, **login
            )

    controller = Server(_Handler(state), hostname="127.0.0.1", port=state.port, ssl_context=tls)
    controller.start()
    try:
        yield state
    finally:
        controller.stop(no_assert=True)
