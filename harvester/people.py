"""Who is who: colleague or prospect, which company, and who wrote which part. Pure."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
MAX_NAME_WORDS = 6


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
@dataclass(frozen=True, slots=True)
class Directory:
    """Who is known by which name, indexed once per mail.

    folded: address -> words of the name. by_word, by_local_word: a word of it, or of the address, -> addresses.
    """

    names: dict[str, str]
    folded: dict[str, frozenset[str]]
    by_word: dict[str, set[str]]
    by_local_word: dict[str, set[str]]
    our_names: frozenset[frozenset[str]]


def name_authors(
    parts: tuple[Part, ...], mail: Mail, roster: Roster, known_names: Mapping[str, str] | None = None
) -> tuple[Part, ...]:
    """Say of every part who wrote it, and whether that is one of us or a prospect.

    known_names: address -> name, remembered from earlier mails. A quote that gives only a name gets the address that
    the mail's own headers, the roster or earlier mails know for it. Outside a colleague's mail nobody is a prospect.
    """
    directory = _index({**(known_names or {}), **roster.names, **names_by_address(mail, parts)}, roster)
    from_us = mail.sender is not None and is_colleague(mail.sender.address, roster)
    correspondent = _only_correspondent(mail, roster) if from_us else None
    known: dict[str, str | None] = {}
    named: list[Part] = []
    for part in parts:
        name = part.author_name
        author = (part.author or "").lower() or None
        if author is None and name:
            if name not in known:
                known[name] = _address_of_name(name, directory)
            author = known[name]
        elif author is None:
            author, name = _unnamed_author(part, mail, correspondent)
        name = name or (directory.names.get(author) if author else None) or None
        kind = _kind_of(author, name, roster, directory, from_us)
        named.append(replace(part, author=author, author_name=name, author_kind=kind))
    return tuple(named)


def _index(names: dict[str, str], roster: Roster) -> Directory:
    folded = {address: fold_name(name) for address, name in names.items()}
    by_word: dict[str, set[str]] = {}
    by_local_word: dict[str, set[str]] = {}
    for address, words in folded.items():
        for word in words:
            by_word.setdefault(word, set()).add(address)
        for word in _local_words(address):
            by_local_word.setdefault(word, set()).add(address)
    return Directory(names, folded, by_word, by_local_word, frozenset(map(fold_name, roster.names.values())))


def _unnamed_author(part: Part, mail: Mail, correspondent: str | None) -> tuple[str | None, str | None]:
    """The sender for his own level; for a quote that names nobody the one who can have written it."""
    if part.depth == 0 and part.role is not Role.FORWARDED and mail.sender:
        return mail.sender.address, mail.sender.name or None
    if part.depth == 1 and part.role in (Role.QUOTED, Role.SIGNATURE, Role.DISCLAIMER):
        return correspondent, None
    return None, None


def _only_correspondent(mail: Mail, roster: Roster) -> str | None:
    """The one outside recipient, unless the mail answers one of our own."""
    outside = outside_recipients(mail, roster)
    if len(outside) != 1:
        return None
    answered = mail.in_reply_to[-1].strip("<>") if mail.in_reply_to else ""
    return None if answered and is_colleague(answered, roster) else outside[0].address


def _address_of_name(name: str, directory: Directory) -> str | None:
    """The one address that this name can belong to; None when nobody or several fit."""
    if "@" in name and " " not in name.strip():
        return name.strip("<> ").lower()
    words = fold_name(name)
    similar = {address for word in words for address in directory.by_word.get(word, ())}
    exact = [address for address in similar if directory.folded[address] == words]
    if exact:
        return exact[0] if len(exact) == 1 else None
    partly = [address for address in similar if _is_part_of(words, directory.folded[address])]
    if partly:
        return partly[0] if len(partly) == 1 else None
    by_local = {a for word in _local_forms(words) for a in directory.by_local_word.get(word, ())}
    fitting = [address for address in by_local if _local_words(address) <= _local_forms(words)]
    return fitting[0] if len(fitting) == 1 else None


def _is_part_of(one: frozenset[str], other: frozenset[str]) -> bool:
    """Li and Li Chen, Li Wei Chen and Li Chen; but a single known first name is no proof."""
    return one < other or (other < one and len(other) > 1)


def _local_words(address: str) -> frozenset[str]:
    return fold_name(split_address(address)[0].partition("+")[0])


def _local_forms(words: frozenset[str]) -> frozenset[str]:
    """What stands before the "@" for a person of this name: li.chen, l.chen, lichen, chenli, lchen, li."""
    if len(words) > MAX_NAME_WORDS:
        return words
    pairs = {f"{one}{two}" for one in words for two in words if one != two}
    short = {f"{one[0]}{two}" for one in words for two in words if one != two}
    return words | pairs | short | {word[0] for word in words}


def _kind_of(author: str | None, name: str | None, roster: Roster, directory: Directory, from_us: bool) -> str:
    if author is not None and is_ours(author, roster):
        return US
    if author is None and name and fold_name(name) in directory.our_names:
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
