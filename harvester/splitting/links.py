"""The web addresses that a sender put into the own text, as typed or behind a word of an HTML link."""

import re
from collections.abc import Iterator, Sequence

from harvester.records import Link, Mail, Part, Role
from harvester.splitting.html_lines import read_html_links

URL = re.compile(r"https?://[^\s<>\"'\[\]{}|\\^`]{3,2000}", re.IGNORECASE)
WWW = re.compile(
    r"(?<![\w./@-])www\.[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?:/[^\s<>\"'\[\]{}|\\^`]{0,2000})?", re.IGNORECASE
)
SPACE = re.compile(r"\s+")
MAX_LINKS = 200


def own_links(mail: Mail, parts: Sequence[Part]) -> tuple[Link, ...]:
    """Links of the own parts, each address once, in order. text: what the reader saw, "" when only the address."""
    own = [part.text for part in parts if part.role is Role.OWN]
    found: dict[str, str] = {}
    if mail.html and own:
        squashed = [SPACE.sub("", text) for text in own]
        is_own: dict[str, bool] = {}
        for url, text, line in read_html_links(mail.html):
            if line not in is_own:
                wanted = SPACE.sub("", line)
                is_own[line] = bool(wanted) and any(wanted in stretch for stretch in squashed)
            if is_own[line] and url not in found:
                found[url] = "" if SPACE.sub("", text).rstrip("/") in (url.rstrip("/"), "") else text
    for text in own:
        for url in _typed_addresses(text):
            if not any(url.rstrip("/") == known.rstrip("/") for known in found):
                found[url] = ""
    return tuple(Link(url, text) for url, text in list(found.items())[:MAX_LINKS])


def _typed_addresses(text: str) -> Iterator[str]:
    for match in URL.finditer(text):
        yield _trim(match.group())
    for match in WWW.finditer(text):
        yield "https://" + _trim(match.group())


def _trim(url: str) -> str:
    """Punctuation behind an address belongs to the sentence; a bracket only if it was not opened inside."""
    while url and (url[-1] in ".,;:!?*_'\"»”" or (url[-1] == ")" and url.count("(") < url.count(")"))):
        url = url[:-1]
    return url
