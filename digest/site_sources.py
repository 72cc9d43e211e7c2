"""Reads from the database what the pages show beside insights and topics, and how people and companies appear."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

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
from nlp.vector_store import load_blob, save_blob

SALT_KEY = "pseudonym_salt"
PSEUDONYM_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def make_showing(config: Config, database: Database) -> Showing:
    """With [privacy] redact: names and numbers masked, companies under a pseudonym that stays the same for ever."""
    redaction = load_redaction(database, config)
    if not config.privacy.redact:
        return Showing(replace(redaction, redact=one_line_keeping_breaks, is_safe=lambda text: True), lambda name: name)
    salt = _salt(database)
    return Showing(redaction, lru_cache(maxsize=None)(lambda name: pseudonym(name, salt)))


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
    return f"company {letters}"


def load_sources(database: Database) -> Sources:
    """Who answered and what was sent along, by message."""
    names = dict(
        database.conn.execute(
            "select address, max(name) from people where is_colleague and name <> '' group by address"
        )
    )
    colleagues = database.conn.execute("select message, colleague from readings where colleague is not null")
    authors = {message: one_line(names.get(address) or address.split("@")[0]) for message, address in colleagues}
    links = _group(database, "select distinct message, url from links order by message, rowid")
    files = _group(
        database, "select distinct message, file_name from attachments where file_name <> '' order by message"
    )
    return Sources(authors, links, files)


def describe_facts(
    config: Config,
    database: Database,
    windows: Windows,
    insights: Mapping[int, tuple[StoredInsight, ...]],
    unplaced: tuple[StoredInsight, ...],
    now: datetime,
) -> Facts:
    """The small print."""
    everything = [*unplaced, *(insight for group in insights.values() for insight in group)]
    models = database.conn.execute("select group_concat(distinct model) from vectors").fetchone()[0]
    first, last = windows.recent.first, windows.recent.last
    local = now.astimezone(config.company.zone)
    return Facts(
        company=config.company.name,
        built_at=f"{show_day(local.date())}, {local:%H:%M}",
        window=f"{show_day(first)} to {show_day(last)}",
        zone=config.company.timezone,
        companies=len({insight.company for insight in everything}),
        insights=len(everything),
        unplaced=len(unplaced),
        encoder=models or "",
    )


def _group(database: Database, query: str) -> dict[int, tuple[str, ...]]:
    groups: dict[int, list[str]] = {}
    for message, value in database.conn.execute(query):
        groups.setdefault(message, []).append(value)
    return {message: tuple(values) for message, values in groups.items()}


def _salt(database: Database) -> bytes:
    salt = load_blob(database, SALT_KEY)
    if salt is None:
        with transaction(database) as connection:
            salt = load_blob(database, SALT_KEY) or secrets.token_bytes(32)
            save_blob(connection, SALT_KEY, salt)
    return salt
