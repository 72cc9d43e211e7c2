"""Reads Authentication-Results (RFC 8601): by the library authres, and by a reading of our own.

Knows nothing of which server is to be believed, nor where in a mail its results must stand.
"""

from dataclasses import dataclass, field

import authres

MAX_RESULTS = 50
# The library copies the rest of the text at every token; what servers write is far shorter.
MAX_LIBRARY_LETTERS = 4_000


@dataclass(frozen=True, slots=True)
class Result:
    """One method's outcome, e.g. dmarc=pass. properties: "header.from" -> "acme.example"."""

    method: str
    outcome: str
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """What one header says. server: lower case, "" when it names none, as Microsoft's."""

    server: str
    results: tuple[Result, ...]


def parse_results(value: str) -> Results | None:
    """What one value says; None when two readings of it name different servers: nobody should believe it then.

    authres takes what follows the standard. Quoted server names, Microsoft's form without a server, what is very long
    and what is broken is left to our own reading, which takes everything. Where both can read, the results of both are
    given: a sender who fools one of them has to fool the other in the same way.
    """
    own, library = read_loosely(value), read_strictly(value)
    if library is None:
        return own
    if library.server != own.server:
        return None
    return Results(own.server, (*library.results, *(result for result in own.results if result not in library.results)))


def read_strictly(value: str) -> Results | None:
    """By the grammar of the standard; None for what does not follow it."""
    if len(value) > MAX_LIBRARY_LETTERS:
        return None
    try:
        header = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {value}")
    except (authres.AuthResError, RecursionError):
        return None
    if "=" in header.authserv_id:
        return None  # Microsoft's form: the library takes its first result for a name
    results = (
        Result(
            str(result.method).lower(),
            str(result.result).lower(),
            {f"{p.type}.{p.name}".lower(): str(p.value).lower() for p in result.properties},
        )
        for result in header.results[:MAX_RESULTS]
    )
    return Results(str(header.authserv_id).lower(), tuple(results))


def read_loosely(value: str) -> Results:
    """Cut at ";" and "="; comments removed, quoted strings taken as one word."""
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
    return Results(server, tuple(results))


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
