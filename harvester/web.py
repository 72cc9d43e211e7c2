"""Fetches addresses that the user named, and what they lead to. Speaks HTTPS; knows nothing of what it gets.

https only, plain http on loopback alone; redirects obey the same rules; nothing leads from a public address to an
inner one; bounded in time, bytes and pace; does what robots.txt says.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import urllib3

from harvester.config import LOOPBACK
from harvester.errors import NotFetched, ServiceDown, UsageError

AGENT = "answers-harvester"
CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 10.0, 20.0, 60.0
MOST_REDIRECTS = 5
MOST_ADDRESSES = 3  # of one host that are tried
MOST_BYTES = 50_000_000  # what sitemaps.org allows for one file
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 10.0
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave. url: where it was found in the end. content_type: as the server says, lower case."""

    url: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SplitAddress:
    """An address that may be fetched."""

    scheme: str
    hostname: str
    port: int | None
    netloc: str
    path: str
    query: str


@dataclass(slots=True)
class Fetcher:
    """One conversation with the web for one command. allowed: hosts that the user named himself, inner ones, too.

    sleep and clock are arguments so that the pace can be tested.
    """

    allowed: frozenset[str]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _robots: dict[str, RobotFileParser] = field(default_factory=dict)
    _last: float | None = None

    def fetch(self, url: str, most_bytes: int = MOST_BYTES) -> Fetched:
        """Get it. Raises UsageError for an address we do not fetch, ServiceDown for a host that does not answer,
        NotFetched for anything else that is not a page.
        """
        for _ in range(MOST_REDIRECTS + 1):
            self._wait()
            response = self._open(url)
            try:
                location = response.headers.get("Location")
                if response.status in (301, 302, 303, 307, 308) and location:
                    url = urljoin(url, location)
                    continue
                if response.status != 200:
                    raise NotFetched(f"{url} answers {response.status} {response.reason or ''}".rstrip())
                body = self._read(response, url, most_bytes)
            finally:
                response.release_conn()
                response.close()
            return Fetched(url, str(response.headers.get("Content-Type", "")).lower(), body)
        raise NotFetched(f"{url} redirects more than {MOST_REDIRECTS} times")

    def is_allowed(self, url: str) -> bool:
        """Whether robots.txt of the host lets us; a host without one allows everything."""
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        if root not in self._robots:
            rules = RobotFileParser()
            try:
                lines = self.fetch(f"{root}/robots.txt", 500_000).body.decode("utf-8", "replace").splitlines()
            except NotFetched:
                lines = []
            rules.parse(lines)
            self._robots[root] = rules
        return self._robots[root].can_fetch(AGENT, url)

    def _wait(self) -> None:
        """A pause between two requests: a quarter of a second, or what robots.txt asks for, up to ten seconds."""
        wanted = [PAUSE_SECONDS, *(float(rules.crawl_delay(AGENT) or 0) for rules in self._robots.values())]
        now = self.clock()
        if self._last is not None:
            self.sleep(max(0.0, self._last + min(max(wanted), LONGEST_PAUSE_SECONDS) - now))
        self._last = self.clock()

    def _open(self, url: str) -> urllib3.BaseHTTPResponse:
        parts = check_address(url)
        failure: Exception | None = None
        for address in self._resolve(url, parts)[:MOST_ADDRESSES]:
            try:
                return _ask(parts, address)
            except urllib3.exceptions.HTTPError as error:
                failure = error
        reason = _reason(failure) if failure else "no address"
        raise ServiceDown(f"{parts.hostname} does not answer ({reason}); nothing was changed") from failure

    def _resolve(self, url: str, parts: SplitAddress) -> list[str]:
        host = parts.hostname
        try:
            found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ServiceDown(f"{host} is not known (the name does not resolve); nothing was changed") from error
        addresses = [str(one[4][0]) for one in found]
        inner = [one for one in addresses if not ipaddress.ip_address(one.partition("%")[0]).is_global]
        if inner and host not in self.allowed:
            raise NotFetched(f"{url} leads to an inner address ({inner[0]}); name it yourself if it is meant")
        return addresses

    def _read(self, response: urllib3.BaseHTTPResponse, url: str, most_bytes: int) -> bytes:
        deadline = self.clock() + WHOLE_SECONDS
        body = bytearray()
        try:
            for chunk in response.stream(CHUNK, decode_content=False):
                body += chunk
                if len(body) > most_bytes:
                    raise NotFetched(f"{url} is larger than {most_bytes // 1_000_000} MB")
                if self.clock() > deadline:
                    raise NotFetched(f"{url} takes longer than {WHOLE_SECONDS:.0f} seconds")
        except urllib3.exceptions.HTTPError as error:
            raise ServiceDown(f"{urlsplit(url).hostname} broke off ({_reason(error)}); nothing was changed") from error
        return bytes(body)


def is_address(source: str) -> bool:
    """Whether it is meant as an address rather than as a path."""
    return "://" in source


def check_address(url: str) -> SplitAddress:
    """The parts of an address that we fetch; UsageError says why not."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is not an address") from error
    host = (parts.hostname or "").lower()
    if parts.scheme == "file":
        raise UsageError(f"{url}: give the path of a file, not a file:// address")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise UsageError(f"{url}: only https is fetched; plain http is for this machine alone")
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{url}: only https addresses are fetched")
    if parts.username or parts.password:
        raise UsageError("an address with a user name or password in it is not fetched; download the file instead")
    return SplitAddress(parts.scheme, host, port, parts.netloc, parts.path, parts.query)


def _ask(parts: SplitAddress, address: str) -> urllib3.BaseHTTPResponse:
    """Connect to the very address that was checked: a name that resolves anew could lead elsewhere."""
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "http":
        pool = urllib3.HTTPConnectionPool(address, parts.port or 80, timeout=timeout)
    else:
        pool = urllib3.HTTPSConnectionPool(
            address,
            parts.port or 443,
            timeout=timeout,
            server_hostname=parts.hostname,
            assert_hostname=parts.hostname,
            ssl_context=ssl.create_default_context(),
        )
    target = parts.path or "/"
    return pool.request(
        "GET",
        f"{target}?{parts.query}" if parts.query else target,
        headers={"Host": parts.netloc, "User-Agent": AGENT, "Accept-Encoding": "identity"},
        redirect=False,
        retries=False,
        preload_content=False,
    )


def _reason(error: Exception) -> str:
    """The kind of failure, without the library's object names."""
    names = {
        "ConnectTimeoutError": "it takes too long",
        "ReadTimeoutError": "it takes too long",
        "NewConnectionError": "the connection was refused",
        "SSLError": "its certificate is not valid",
        "ProtocolError": "it broke off",
        "IncompleteRead": "it broke off",
    }
    return names.get(type(error).__name__, type(error).__name__)
