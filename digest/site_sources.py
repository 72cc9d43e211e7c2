"""Reads from the database what the pages show beside insights and topics, and how people and companies appear."""

import hashlib
import platform
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from importlib import metadata

from sqlite_utils import Database

from digest.page_records import Facts
from digest.quotes import one_line
from digest.records import Windows
from digest.redacting import load_redaction
from digest.site_answers import Sources
from digest.site_content import Showing, show_day
from harvester.config import Config
from harvester.database import transaction
from nlp.records import StoredInsight
from nlp.vector_store import load_blob, load_setting, save_blob

MARKETING = "marketing"  # the audience of the weekly digest
PACKAGES = ("spacy", "scikit-learn", "onnxruntime", "imapclient", "mail-parser", "jinja2")
SALT_KEY = "pseudonym_salt"
PSEUDONYM_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def make_showing(config: Config, database: Database, *, build: str) -> Showing:
    """internal: companies by name, private persons under a pseudonym; people in quotes masked as [privacy] says.

    shareable: everything masked whatever [privacy] says, companies under a pseudonym that stays the same for ever,
    colleagues nameless, links to our own pages only.
    """
    redaction = load_redaction(database, config)
    salt = _salt(database)
    alias = lru_cache(maxsize=None)(lambda name: pseudonym(name, salt))
    if build == "shareable":
        return Showing(redaction, alias, with_people=False, hosts=config.company.domains, with_slugs=False)
    if not config.privacy.redact:
        return Showing(replace(redaction, redact=one_line_keeping_breaks, is_safe=lambda text: True), str)
    return Showing(redaction, lambda name: alias(name) if "@" in name else name)


def hide_companies(showing: Showing, database: Database) -> Showing:
    """The same with every company under its pseudonym."""
    salt = _salt(database)
    return replace(showing, company=lambda name: pseudonym(name, salt))


def one_line_keeping_breaks(text: str) -> str:
    """Unredacted text without control characters; line breaks stay."""
    return "\n".join(one_line(line) for line in text.splitlines())


def pseudonym(company: str, salt: bytes) -> str:
    """ "company KXTB": the same letters for the same company, and no way back without the salt."""
    digest = hashlib.blake2b(company.encode(), key=salt, digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    letters = ""
    for _ in range(4):
        number, place = divmod(number, len(PSEUDONYM_LETTERS))
        letters += PSEUDONYM_LETTERS[place]
    return f"{'private person' if '@' in company else 'company'} {letters}"


def load_sources(database: Database, *, with_people: bool = True) -> Sources:
    """Who answered and what was sent along, by message; in which part an insight stood."""
    names = dict(
        database.conn.execute(
            "select address, max(name) from people where is_colleague and name <> '' group by address"
        )
    )
    colleagues = database.conn.execute("select message, colleague from readings where colleague is not null")
    called: dict[str, str] = {}
    authors = {}
    for message, address in colleagues if with_people else ():
        if address not in called:
            called[address] = one_line(names.get(address) or address.split("@")[0])
        authors[message] = called[address]
    links = _group(database.conn.execute("select distinct message, url from links order by message, rowid"))
    files = _group(
        database.conn.execute(
            "select distinct message, file_name from attachments where file_name <> '' order by message"
        )
    )
    roles = database.conn.execute(
        "select i.id, p.role from insights i join parts p on p.message = i.message and p.position = i.part"
        " where p.role <> 'quoted'"
    )
    return Sources(authors, links, files, dict(roles.fetchall()))


def describe_facts(
    config: Config,
    database: Database,
    windows: Windows,
    insights: Iterable[StoredInsight],
    unplaced: int,
    now: datetime,
) -> Facts:
    """The small print."""
    first, last = windows.recent.first, windows.recent.last
    local = now.astimezone(config.company.zone)
    everything = list(insights)
    return Facts(
        company=config.company.name,
        built_at=f"{show_day(local.date())}, {local:%H:%M}",
        built=now.isoformat(timespec="seconds"),
        window=f"{show_day(first)} to {show_day(last)}",
        zone=config.company.timezone,
        companies=len({insight.company for insight in everything}),
        insights=len(everything),
        unplaced=unplaced,
        encoder=load_setting(database, "model") or "",
        build=config.site.build,
    )


def load_last_digest(database: Database) -> tuple[datetime | None, str]:
    """Until when the last digest that went out tells, and its week; (None, "") before the first."""
    row = database.conn.execute(
        "select covers_until, week from outbox where audience = ? and state in ('sent', 'unknown')"
        " order by covers_until desc limit 1",
        (MARKETING,),
    ).fetchone()
    return (datetime.fromisoformat(row[0]), row[1]) if row else (None, "")


def load_versions(database: Database) -> dict[str, str]:
    """What runs in which version, and what the stored mails were read and compared by."""
    versions = {"answers-harvester": _version("answers-harvester"), "Python": platform.python_version()}
    versions |= {package: _version(package) for package in PACKAGES}
    versions["SQLite"] = sqlite3.sqlite_version
    query = "select group_concat(distinct version) from readings"
    versions["Mails read by rules of"] = database.conn.execute(query).fetchone()[0] or "no mail yet"
    versions["Insights compared by"] = load_setting(database, "model") or "none yet"
    return versions


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "from a checkout" if package == "answers-harvester" else "not installed"


def _group(rows: Iterable[tuple[int, str]]) -> dict[int, tuple[str, ...]]:
    groups: dict[int, tuple[str, ...]] = {}
    for message, value in rows:
        groups[message] = (*groups[message], value) if message in groups else (value,)
    return groups


def _salt(database: Database) -> bytes:
    salt = load_blob(database, SALT_KEY)
    if salt is None:
        with transaction(database) as connection:
            salt = load_blob(database, SALT_KEY) or secrets.token_bytes(32)
            save_blob(connection, SALT_KEY, salt)
    return salt
