"""Whether our own server vouches for the sender (RFC 8601). Trusts nothing that a sender could have written."""

import re
from collections.abc import Iterator

from harvester.authentication_results import Result, parse_results
from harvester.headers import parse_addresses
from harvester.journal import OUTER_AUTHENTICATION, OUTER_FROM, OUTER_RECEIVED
from harvester.people import registrable_domain, split_address
from harvester.records import Mail

# These write their results below their own Received lines, one header for all methods; with them the topmost counts.
# Everybody else is believed only above the first line that tells of a delivery from outside.
WRITES_BELOW_RECEIVED = (("google.com",), ("outlook.com", "office365.com", "exchangelabs.com"))
Headers = tuple[tuple[str, str], ...]

_HOST = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10}")
_ORIGIN_ADDRESS = re.compile(r"[\[(](?:ipv6:)?([0-9a-f.:]{3,45})[\])]")
_PRIVATE_ADDRESS = re.compile(
    r"(?:(?:10|127)(?:\.\d{1,3}){3}|192\.168\.\d{1,3}\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3}"
    r"|::1|fe80:[0-9a-f:]*|f[cd][0-9a-f]{2}:[0-9a-f:]*)"
)
# Spoken only between a server's own parts; who speaks SMTP chooses his name himself.
_HANDED_OVER = re.compile(r"\bwith (?:lmtp|lmtps|local)\b")
_ADDRESS_DOMAIN = re.compile(r"@([^\s<>()\[\],;:\"@]{1,255})")


def doubt_sender(mail: Mail, authserv_id: str) -> str | None:
    """Why the sender cannot be believed, as one phrase; None when our server says dmarc=pass for the From domain."""
    server = authserv_id.strip().lower()
    doubt = _doubt_from(mail, is_strict=bool(server))
    if doubt or not server:
        return doubt
    journal_from = mail.header(OUTER_FROM)
    headers, domain = mail.headers, split_address(mail.sender.address)[1] if mail.sender else ""
    if journal_from is not None:
        # Everything inside a journal report was written by its sender, so the envelope has to be trusted, and be ours.
        outer_domain = split_address(journal_from)[1]
        if not _same_house(outer_domain, domain):
            return "a journal report from another domain"
        headers, domain = _outer_headers(mail), outer_domain
    return _doubt_results(tuple(trusted_results(headers, server)), domain, authserv_id)


def trusted_results(headers: Headers, authserv_id: str) -> Iterator[Result]:
    """The results of that server which stand where a sender cannot put them."""
    house = next((house for house in WRITES_BELOW_RECEIVED if _is_in(authserv_id, house)), None)
    for value in _trusted_values(headers, authserv_id) if house is None else _values_above_others(headers, house):
        read = parse_results(value)
        if read is not None and is_server(read.server, authserv_id):
            yield from read.results
            if house is not None:
                return


def is_server(server: str, authserv_id: str) -> bool:
    """Whether a result names the server we trust; Microsoft's nameless results count when an outlook.com id is set."""
    if not server:
        return _is_in(authserv_id.lower(), ("outlook.com",))
    return server == authserv_id.lower()


def _doubt_from(mail: Mail, *, is_strict: bool) -> str | None:
    """A From that two programs could read differently."""
    values = mail.header_values("from")
    if len(values) > 1 or any(len(_addresses(value)) > 1 for value in values):
        return "more than one From"
    if not is_strict:
        return None
    if not values or not mail.sender:
        return "no From"
    if mail.sender.address.count("@") != 1:
        return "a From that is no address"
    if _has_group(values[0]):
        return "a group in From"
    if len({domain.lower().rstrip(".") for domain in _ADDRESS_DOMAIN.findall(values[0])}) > 1:
        return "a From that names two domains"
    return None


def _doubt_results(results: tuple[Result, ...], domain: str, authserv_id: str) -> str | None:
    spoken = [result for result in results if result.method == "dmarc"]
    if not spoken:
        return f"no dmarc result of {authserv_id}"
    for result in spoken:
        if result.outcome != "pass":
            return f"dmarc={result.outcome} says {authserv_id}"
        if not _is_aligned(domain, result.properties.get("header.from", domain)):
            return f"dmarc=pass of {authserv_id} is for another domain"
    return None


def _outer_headers(mail: Mail) -> Headers:
    names = {OUTER_RECEIVED: "received", OUTER_AUTHENTICATION: "authentication-results"}
    return tuple((names[name], value) for name, value in mail.headers if name in names)


def _trusted_values(headers: Headers, authserv_id: str) -> Iterator[str]:
    """Down to the line that tells of a delivery from outside; what came in with the mail stands below it."""
    for name, value in headers:
        if name == "received" and not _is_internal(value, authserv_id):
            return
        if name == "authentication-results":
            yield value


def _values_above_others(headers: Headers, house: tuple[str, ...]) -> Iterator[str]:
    """Down to the first line of somebody else's server."""
    for name, value in headers:
        if name == "received" and not value.lower().startswith("by ") and not _is_in(_arrival(value), house):
            return
        if name == "authentication-results":
            yield value


def _arrival(received: str) -> str:
    """The host that wrote the line: what stands behind "by"."""
    lower = received.lower()
    hosts = _HOST.findall(lower.partition(" by ")[2][:300] or lower[:300].partition("by ")[2])
    return hosts[0] if hosts else ""


def _is_internal(received: str, authserv_id: str) -> bool:
    """Both ends of the hop are ours; a sender can lie in the name, but not in the address that our server noted."""
    if not _same_house(_arrival(received), authserv_id):
        return False
    origin, _, rest = received.lower()[:600].partition(" by ")
    if origin.startswith("by "):
        return True  # handed over inside one host
    addresses = _ORIGIN_ADDRESS.findall(origin)
    if any(not _PRIVATE_ADDRESS.fullmatch(address) for address in addresses):
        return False
    hosts = [host for host in _HOST.findall(origin.replace("from ", " ")) if not host.replace(".", "").isdigit()]
    ours = bool(hosts) and all(_same_house(host, authserv_id) or host == "localhost.localdomain" for host in hosts)
    return (ours or (not hosts and "localhost" in origin)) and (bool(addresses) or bool(_HANDED_OVER.search(rest)))


def _same_house(host: str, other: str) -> bool:
    return bool(host) and (host == other or registrable_domain(host) == registrable_domain(other))


def _is_in(host: str, house: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in house)


def _is_aligned(domain: str, authenticated: str) -> bool:
    authenticated = authenticated.strip("\"'<>").rpartition("@")[2].rstrip(".")
    is_same = domain == authenticated
    return bool(domain) and (is_same or (domain.endswith("." + authenticated) and _same_house(domain, authenticated)))


def _addresses(value: str) -> set[str]:
    return {address.address for address in parse_addresses((value,))}


def _has_group(value: str) -> bool:
    """A colon or semicolon outside quotes, comments and brackets: "Sales: ana@acme.example;"."""
    depth, quoted, escaped, bracketed = 0, False, False, False
    for letter in value:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = quoted or depth > 0
        elif quoted:
            quoted = letter != '"'
        elif depth:
            depth += (letter == "(") - (letter == ")")
        elif letter == '"':
            quoted = True
        elif letter == "(":
            depth = 1
        elif letter in "<>":
            bracketed = letter == "<"
        elif letter in ":;" and not bracketed:
            return True
    return False


def looks_like(domain: str, own: str) -> bool:
    """brightf0ld.example for brightfold.example: same after undoing the usual swaps, or one letter away."""
    if domain == own or not domain:
        return False
    plain, ours = _unswap(domain), _unswap(own)
    if plain == ours:
        return True
    if abs(len(plain) - len(ours)) > 1 or len(ours) < 8:
        return False
    start = next((i for i, (a, b) in enumerate(zip(plain, ours, strict=False)) if a != b), min(len(plain), len(ours)))
    return plain[start + 1 :] in (ours[start:], ours[start + 1 :]) or plain[start:] == ours[start + 1 :]


def _unswap(domain: str) -> str:
    return domain.translate(str.maketrans("0135", "oies")).replace("rn", "m").replace("vv", "w").replace("-", "")
