"""Prepares the redaction of what is shown: whose names must not appear. Reads only."""

import re

from sqlite_utils import Database

from digest.quotes import Redaction
from harvester.config import Config
from nlp.redaction import is_safe_quote, make_redactor

LINK = "[link]"
_WEB_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]{1,2000}", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def load_redaction(database: Database, config: Config) -> Redaction:
    """Redaction that knows everybody who wrote or was written to, and every company that asked.

    Web addresses go too: a mail program would make links of them. A digest is redacted whatever the config says.
    """
    names = _column(
        database, "select name from people union select author_name from parts where author_name is not null"
    )
    companies = _column(database, "select distinct company from insights")
    redact = make_redactor(without_own_words(names, config.company.name, config.company.domains), companies)

    def redact_all(text: str) -> str:
        may_link = "://" in text or "www." in text.casefold()
        return redact(_WEB_ADDRESS.sub(LINK, text) if may_link else text)

    return Redaction(redact=redact_all, is_safe=is_safe_quote)


def without_own_words(names: tuple[str, ...], company: str, domains: tuple[str, ...]) -> tuple[str, ...]:
    """The names without what we are called ourselves: "Ana Ruiz (Acme)" must not hide "Acme" in every quote."""
    own = {word.casefold() for word in _WORD.findall(company)} | {domain.split(".")[0] for domain in domains}
    return tuple(" ".join(word for word in _WORD.findall(name) if word.casefold() not in own) for name in names)


def _column(database: Database, query: str) -> tuple[str, ...]:
    return tuple(sorted(value for (value,) in database.conn.execute(query) if value))
