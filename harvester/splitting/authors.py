"""Reads a name and an address out of a header value or what is left of an attribution line."""

import re
from dataclasses import dataclass

ADDRESS = re.compile(r"[\w.+%&'-]{1,128}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
MAILTO = re.compile(r"mailto:\s*", re.IGNORECASE)
BRACKETED = re.compile(r"[<\[(«][^<>\[\]()«»]{0,300}[>\])»]")
# Exchange's "a@x On Behalf Of B": the second one wrote it.
ON_BEHALF = re.compile(
    r"\b(?:on behalf of|im auftrag von|de la part de|namens|per conto di|en nombre de)\b", re.IGNORECASE
)
QUOTES = "\"'“”„‟‘’‚«»‹›`"
EDGES = " \t,;:：|*_-–—·>" + QUOTES
MAX_VALUE = 600


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote something, as far as the quote says; both may be None."""

    name: str | None
    address: str | None


NOBODY = Author(None, None)


def find_address(text: str) -> re.Match[str] | None:
    """The first mail address in a short text."""
    return ADDRESS.search(text[:MAX_VALUE]) if "@" in text else None


def read_author(value: str) -> Author:
    """The author in a From value: `Li Chen <li@x>`, `"Chen, Li" [mailto:li@x]`, `li@x`, `Li Chen/ACME`."""
    value = value[:MAX_VALUE].replace("&lt;", "<").replace("&gt;", ">").strip()
    behalf = ON_BEHALF.search(value)
    if behalf is not None:
        return Author(clean_name(value[behalf.end() :]), read_author(value[: behalf.start()]).address)
    match = find_address(value)
    if match is None:
        return Author(clean_name(BRACKETED.sub(" ", value).rstrip("<>[( ")), None)
    address = match.group().strip(".'").lower()
    name = value[: match.start()]
    name = MAILTO.sub(" ", name).rstrip()
    cleaned = clean_name(name.rstrip("<[(« "))
    if not cleaned:
        cleaned = clean_name(BRACKETED.sub(" ", value[match.end() :]).lstrip(">])» "))
        trailing = re.match(r"\s*\(([^()@]{2,80})\)", value[match.end() :])
        cleaned = clean_name(trailing[1]) if trailing else None
    if cleaned and "@" in cleaned:
        cleaned = None
    return Author(cleaned, address)


def clean_name(text: str) -> str | None:
    """A display name without quotes, marks and double spaces; None when nothing is left."""
    text = " ".join(text.replace("\u200f", "").replace("\u200e", "").split())
    previous = None
    while previous != text:
        previous = text
        text = text.strip(EDGES)
        if text.endswith("(") or text.startswith(")"):
            text = text.strip("()")
    if text.count("(") != text.count(")"):
        text = text.strip("() ")
    return text or None
