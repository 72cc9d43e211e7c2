"""Who is who: colleague or prospect, which company, and who wrote which part. Pure."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

from harvester.headers import parse_addresses
from harvester.journal import RECIPIENT
from harvester.records import Address, Mail, Part, Role, Roster
from harvester.resources import data_folder

US, PROSPECT, UNKNOWN = "us", "prospect", "unknown"

# Where servers note the address that a blind copy was delivered to; the BCC itself leaves no trace in To or Cc.
DELIVERY_HEADERS = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-gm-original-to",
    "x-forwarded-to",
    "x-rcpt-to",
    RECIPIENT,
)
MAX_INTRODUCTION = 2_000
MAX_LABEL = 25


# ---------------------------------------------------------------- addresses
def split_address(address: str) -> tuple[str, str]:
    """(local part, domain), lower case; the domain is "" when there is none."""
    local, _, domain = address.strip().lower().rpartition("@")
    return (local, domain.rstrip(".")) if local else (domain, "")


def without_tag(address: str) -> str:
    """The mailbox without its plus-tag: answers+emea@acme.example -> answers@acme.example."""
    local, domain = split_address(address)
    return f"{local.split('+', 1)[0] or local}@{domain}"


def is_colleague(address: str, roster: Roster) -> bool:
    """True for our own domains and their sub-domains, and for everybody in the roster, whatever the address."""
    address = address.lower()
    domain = split_address(address)[1]
    if any(domain == own or domain.endswith("." + own) for own in roster.domains):
        return True
    return bool(domain) and any(
        known in roster.aliases or known in roster.names for known in (address, without_tag(address))
    )


def main_address(address: str, roster: Roster) -> str:
    """A colleague's address as the roster spells it: aliases resolved, plus-tags removed."""
    address = address.lower()
    bare = without_tag(address)
    return roster.aliases.get(address) or roster.aliases.get(bare) or bare


def is_answers_address(address: str, roster: Roster) -> bool:
    """True for the address that we read, plus-tags included."""
    return bool(roster.answers_address) and without_tag(address) == without_tag(roster.answers_address)


def delivered_to(mail: Mail) -> tuple[str, ...]:
    """The addresses that servers noted as recipients of this copy, topmost first."""
    found = (value.strip("<> ").lower() for name in DELIVERY_HEADERS for value in mail.header_values(name))
    return tuple(dict.fromkeys(value for value in found if "@" in value))


def team_of(mail: Mail, roster: Roster) -> str:
    """The plus-tag under which the mail came in: "emea" for answers+emea@; "" without one."""
    for address in (*delivered_to(mail), *(a.address for a in (*mail.to, *mail.cc))):
        if is_answers_address(address, roster):
            tag = split_address(address)[0].partition("+")[2]
            if tag:
                return tag
    return ""


def company_of(address: str) -> str:
    """The registrable domain (sales.acme.co.uk -> acme.co.uk); for personal mailboxes the whole address without tag."""
    local, domain = split_address(address)
    if not local or not domain:
        return address.lower()
    registrable = registrable_domain(domain)
    families, domains = _freemail()
    if domain in domains or registrable in domains or registrable.partition(".")[0] in families:
        return without_tag(address)
    return registrable


def registrable_domain(domain: str) -> str:
    """The part of a domain that somebody can own: sales.acme.co.uk -> acme.co.uk."""
    registrable: str | None = _public_suffixes().privatesuffix(domain)
    return registrable or domain


# ---------------------------------------------------------------- recipients
def recipients(mail: Mail) -> tuple[Address, ...]:
    """Everybody the mail was sent to, visibly or by a journal's envelope, each address once."""
    found: dict[str, Address] = {}
    for person in (*mail.to, *mail.cc, *(Address("", value) for value in mail.header_values(RECIPIENT))):
        known = found.get(person.address)
        if known is None or (person.name and not known.name):
            found[person.address] = person
    return tuple(found.values())


def outside_recipients(mail: Mail, roster: Roster) -> tuple[Address, ...]:
    """The recipients who are neither colleagues nor our own mailbox, in order."""
    return tuple(a for a in recipients(mail) if not is_ours(a.address, roster))


def is_ours(address: str, roster: Roster) -> bool:
    """A colleague or the answers address itself."""
    return is_colleague(address, roster) or is_answers_address(address, roster)


# ---------------------------------------------------------------- names
def fold_name(name: str) -> frozenset[str]:
    """The words of a name without accents, order, titles and punctuation: "Müller, Jörg" = "Jorg Muller"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = re.findall(r"[^\W_]+", plain)
    return frozenset(word for word in words if word not in TITLES) or frozenset(words)


TITLES = frozenset({"dr", "prof", "mr", "mrs", "ms", "herr", "frau", "dipl", "ing", "mag", "msc", "mba", "phd", "via"})


def names_by_address(mail: Mail, parts: Iterable[Part] = ()) -> dict[str, str]:
    """The personal names that this mail tells, by address; the fullest name wins."""
    found: dict[str, str] = {}
    people = [*((mail.sender,) if mail.sender else ()), *mail.reply_to, *mail.to, *mail.cc]
    people += [Address(p.author_name or "", p.author) for p in parts if p.author]
    people += [person for part in parts if part.label == "attribution" for person in _introduced(part.text)]
    for person in people:
        known = found.get(person.address, "")
        if "@" not in person.name and len(fold_name(person.name)) > len(fold_name(known)):
            found[person.address] = person.name
        else:
            found.setdefault(person.address, known)
    return found


def _introduced(text: str) -> list[Address]:
    """The people whom the lines of a header block ("To: Li Chen <li@globex.example>") name with their addresses."""
    found: list[Address] = []
    for line in text[:MAX_INTRODUCTION].split("\n"):
        label, colon, rest = line.partition(":")
        if colon and len(label) <= MAX_LABEL and not any(letter.isdigit() for letter in label):
            found.extend(parse_addresses((rest,)))
    return found


# ---------------------------------------------------------------- authors
def name_authors(
    parts: tuple[Part, ...], mail: Mail, roster: Roster, known_names: Mapping[str, str] | None = None
) -> tuple[Part, ...]:
    """Say of every part who wrote it, and whether that is one of us or a prospect.

    known_names: address -> name, remembered from earlier mails. A quote that gives only a name gets the address that
    the mail's own headers, the roster or earlier mails know for it. Outside a colleague's mail nobody is a prospect.
    """
    directory = {**(known_names or {}), **roster.names, **names_by_address(mail, parts)}
    sender = mail.sender.address if mail.sender else None
    from_us = sender is not None and is_colleague(sender, roster)
    outside = outside_recipients(mail, roster)
    named: list[Part] = []
    for part in parts:
        author, name = _author_of(part, mail, roster, directory, outside if from_us else ())
        kind = _kind_of(author, name, roster, directory, from_us)
        named.append(replace(part, author=author, author_name=name, author_kind=kind))
    return tuple(named)


def _author_of(
    part: Part, mail: Mail, roster: Roster, directory: Mapping[str, str], outside: tuple[Address, ...]
) -> tuple[str | None, str | None]:
    author, name = (part.author or "").lower() or None, part.author_name
    if author is None and name and "@" in name and " " not in name.strip():
        author = name.strip("<> ").lower()
    if author is None and name:
        author = _address_of_name(name, directory)
    if author is None and not name and part.depth == 0 and part.role is not Role.FORWARDED and mail.sender:
        author, name = mail.sender.address, mail.sender.name or None
    if author is None and not name and part.depth == 1 and part.role in (Role.QUOTED, Role.SIGNATURE, Role.DISCLAIMER):
        author = _only_correspondent(mail, roster, outside)
    if author is not None:
        name = name or directory.get(author) or None
    return author, name


def _only_correspondent(mail: Mail, roster: Roster, outside: tuple[Address, ...]) -> str | None:
    """Who must have written an unsigned quote: the one outside recipient, unless the mail answers one of our own."""
    if len(outside) != 1:
        return None
    answered = mail.in_reply_to[-1].strip("<>") if mail.in_reply_to else ""
    return None if answered and is_colleague(answered, roster) else outside[0].address


def _address_of_name(name: str, directory: Mapping[str, str]) -> str | None:
    """The one address that this name can belong to; None when nobody or several fit."""
    words = fold_name(name)
    if not words:
        return None
    exact = {address for address, known in directory.items() if known and fold_name(known) == words}
    if len(exact) == 1:
        return exact.pop()
    partly = {
        address
        for address, known in directory.items()
        if known and (words < fold_name(known) or (fold_name(known) < words and len(fold_name(known)) > 1))
    }
    if len(partly) == 1 and not exact:
        return partly.pop()
    by_local = {address for address in directory if _local_matches(address, words)}
    return by_local.pop() if len(by_local) == 1 and not exact and not partly else None


def _local_matches(address: str, words: frozenset[str]) -> bool:
    """li.chen@, chenli@, lchen@ and li@ all can be Li Chen's."""
    local = fold_name(split_address(address)[0].partition("+")[0])
    if local & words and all(word in words or len(word) == 1 for word in local):
        return True
    joined = "".join(sorted(local))
    long_words = [word for word in words if len(word) > 2]
    return len(local) == 1 and len(long_words) >= 2 and all(word in joined for word in long_words)


def _kind_of(author: str | None, name: str | None, roster: Roster, directory: Mapping[str, str], from_us: bool) -> str:
    if author is not None and is_ours(author, roster):
        return US
    if author is None and name and any(fold_name(known) == fold_name(name) for known in roster.names.values()):
        return US
    return PROSPECT if from_us and (author is not None or name) else UNKNOWN


# ---------------------------------------------------------------- tables
@lru_cache(maxsize=1)
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_encoded_idn=False)


@lru_cache(maxsize=1)
def _freemail() -> tuple[frozenset[str], frozenset[str]]:
    table = tomllib.loads((data_folder() / "gate" / "freemail.toml").read_text(encoding="utf-8"))
    return frozenset(table["families"]), frozenset(table["domains"])
