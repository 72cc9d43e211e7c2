"""Whether our own server vouches for the sender (RFC 8601). Trusts nothing that a sender could have written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harvester.headers import parse_addresses
from harvester.journal import OUTER_AUTHENTICATION, OUTER_FROM
from harvester.people import registrable_domain, split_address
from harvester.records import Mail

# These write their results below their own Received line; everybody else is believed only above the first line
# that tells of a delivery from outside.
WRITES_BELOW_RECEIVED = ("google.com", "outlook.com")
MAX_RESULTS = 50

_HOST = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10}")
_PRIVATE_IP = re.compile(r"(?:(?:10|127)\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}")


@dataclass(frozen=True, slots=True)
class Result:
    """One method's outcome, e.g. dmarc=pass. properties: "header.from" -> "acme.example"."""

    method: str
    outcome: str
    properties: dict[str, str]


def doubt_sender(mail: Mail, authserv_id: str) -> str | None:
    """Why the sender cannot be believed, as one phrase; None when our server says dmarc=pass for the From domain."""
    senders = mail.header_values("from")
    if len(senders) > 1 or any(len(_domains(value)) > 1 for value in senders):
        return "more than one From"
    if not authserv_id:
        return None
    journal_from = mail.header(OUTER_FROM)
    if journal_from is not None:
        # Everything inside a journal report was written by its sender, so the envelope has to be trusted, and be ours.
        domain = split_address(journal_from)[1]
        if not mail.sender or not _same_house(domain, split_address(mail.sender.address)[1]):
            return "a journal report from another domain"
        values = tuple(v for v in mail.header_values(OUTER_AUTHENTICATION))
    else:
        domain = split_address(mail.sender.address)[1] if mail.sender else ""
        values = tuple(_trusted_values(mail.headers, authserv_id.lower()))
    results = [
        result
        for value in values
        for server, parsed in (parse_results(value),)
        if is_server(server, authserv_id)
        for result in parsed
        if result.method == "dmarc"
    ]
    if not results:
        return f"no dmarc result of {authserv_id}"
    for result in results:
        if result.outcome != "pass":
            return f"dmarc={result.outcome} says {authserv_id}"
        if not _is_aligned(domain, result.properties.get("header.from", domain)):
            return f"dmarc=pass of {authserv_id} is for another domain"
    return None


def parse_results(value: str) -> tuple[str, tuple[Result, ...]]:
    """(server, results) of one Authentication-Results value; comments removed, quoted strings taken as text."""
    clauses = _split_clauses(value)
    first = clauses[0].split() if clauses else []
    # Microsoft writes no server name at all; the header starts with the first result.
    server = "" if not first or "=" in first[0] else first[0].lower()
    results: list[Result] = []
    for clause in clauses[0 if not server else 1 :][:MAX_RESULTS]:
        words = clause.replace(" =", "=").replace("= ", "=").split()
        method, equals, outcome = (words[0] if words else "").partition("=")
        if equals:
            properties = dict(word.lower().split("=", 1) for word in words[1:] if "=" in word)
            results.append(Result(method.partition("/")[0].lower(), outcome.lower(), properties))
    return server, tuple(results)


def is_server(server: str, authserv_id: str) -> bool:
    """Whether a result names the server we trust; Microsoft's nameless results count when an outlook.com id is set."""
    if not server:
        return authserv_id.lower().endswith("outlook.com")
    return server == authserv_id.lower()


def _trusted_values(headers: tuple[tuple[str, str], ...], authserv_id: str) -> Iterator[str]:
    """The results that stand where a sender cannot put them."""
    has_boundary = False
    for name, value in headers:
        if name == "received":
            if has_boundary or not _is_by(value, authserv_id):
                return
            has_boundary = not _is_internal(value, authserv_id)
            if has_boundary and not authserv_id.endswith(WRITES_BELOW_RECEIVED):
                return
        elif name == "authentication-results":
            yield value


def _is_by(received: str, authserv_id: str) -> bool:
    """The hop ended at one of our hosts."""
    if received.lower().startswith("by ") and authserv_id.endswith(WRITES_BELOW_RECEIVED):
        return True  # handed over inside Google, by an address without a name
    hosts = _HOST.findall(received.lower().partition(" by ")[2][:300] or received.lower()[:300].partition("by ")[2])
    return bool(hosts) and _same_house(hosts[0], authserv_id)


def _is_internal(received: str, authserv_id: str) -> bool:
    """The hop began at one of our hosts too; a sender can lie in the name, but not in the address in brackets."""
    origin = received.lower()[:600].partition(" by ")[0]
    if origin.startswith("by "):
        return True  # handed over inside one host
    hosts = [host for host in _HOST.findall(origin.replace("from ", " ")) if not host.replace(".", "").isdigit()]
    addresses = re.findall(r"\[([0-9a-f.:]{3,45})\]", origin)
    if any(not _PRIVATE_IP.fullmatch(address) and address != "::1" for address in addresses):
        return False
    return bool(hosts) and all(_same_house(host, authserv_id) or host.startswith("localhost") for host in hosts)


def _same_house(host: str, authserv_id: str) -> bool:
    return host == authserv_id or registrable_domain(host) == registrable_domain(authserv_id)


def _is_aligned(domain: str, authenticated: str) -> bool:
    authenticated = authenticated.strip("\"'<>").rpartition("@")[2]
    return bool(domain) and (domain == authenticated or domain.endswith("." + authenticated))


def _domains(value: str) -> set[str]:
    return {address.address for address in parse_addresses((value,))}


def _split_clauses(value: str) -> list[str]:
    """Cut at ";" outside comments and quotes; one pass."""
    clauses: list[str] = []
    current: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
            if not depth:
                current.append(letter)
        elif letter == "\\" and (depth or quoted):
            escaped = True
        elif quoted:
            if letter == '"':
                quoted = False
            else:
                # What is quoted is one word, whatever it says.
                current.append("_" if letter in " ;=" else letter)
        elif depth:
            depth += (letter == "(") - (letter == ")")
        elif letter == "(":
            depth = 1
            current.append(" ")
        elif letter == '"':
            quoted = True
        elif letter == ";":
            clauses.append("".join(current).strip())
            current = []
        else:
            current.append(letter)
    clauses.append("".join(current).strip())
    return clauses


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
