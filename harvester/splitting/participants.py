"""Finds the address of somebody whom a quote only names, among the people that the mail itself lists."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harvester.records import Mail
from harvester.splitting.authors import Author
from harvester.splitting.openers import Opener
from harvester.splitting.phrases import fold

WORDS = re.compile(r"[^\W\d_]+")


def resolve_addresses(openers: Sequence[Opener], mail: Mail) -> list[Opener]:
    """Openers whose author has a name but no address get the address of the one participant of that name."""
    if all(opener.author.address or not opener.author.name for opener in openers):
        return list(openers)
    known = _known_people(openers, mail)
    return [_resolve(opener, known) for opener in openers]


def _known_people(openers: Iterable[Opener], mail: Mail) -> list[tuple[frozenset[str], str]]:
    """(words of the name and of the address, address) of everybody in the headers and quotes."""
    people = [(person.name, person.address) for person in (*mail.to, *mail.cc, *mail.reply_to)]
    if mail.sender:
        people.append((mail.sender.name, mail.sender.address))
    people += [(opener.author.name or "", opener.author.address or "") for opener in openers]
    return [(_words(name), address) for name, address in people[:500] if address]


def _resolve(opener: Opener, known: Sequence[tuple[frozenset[str], str]]) -> Opener:
    name = opener.author.name
    if opener.author.address or not name:
        return opener
    wanted = _words(name)
    if not wanted:
        return opener
    exact = {address for words, address in known if words and words == wanted}
    close = exact or {address for words, address in known if _is_like(wanted, words, address)}
    if len(close) != 1:
        return opener
    return replace(opener, author=Author(name, close.pop()))


def _is_like(wanted: frozenset[str], words: frozenset[str], address: str) -> bool:
    """All words of the shorter name occur in the other, or the address spells the name."""
    if words and (wanted <= words or (len(words) > 1 and words <= wanted)):
        return True
    local = address.partition("@")[0]
    spelled = set(WORDS.findall(local))
    return len(wanted) > 1 and (wanted <= spelled or any(len(word) > 3 and word in local for word in wanted))


def _words(name: str) -> frozenset[str]:
    return frozenset(WORDS.findall(fold(name)))
