"""Prepares the redaction of what is shown: whose names must not appear. Reads only."""

import re

from sqlite_utils import Database

from digest.quotes import Redaction
from harvester.config import Config
from nlp.redaction import is_safe_quote, make_redactor

LINK = "[link]"
_WEB_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]{1,2000}", re.IGNORECASE)


def load_redaction(database: Database, config: Config) -> Redaction:
    """Redaction that knows everybody who wrote or was written to, and every company that asked.

    Web addresses go too: a mail program would make links of them. A digest is redacted whatever the config says.
    """
    names = _column(
        database, "select name from people union select author_name from parts where author_name is not null"
    )
    companies = _column(database, "select distinct company from insights")
    redact = make_redactor(names, companies)

    def redact_all(text: str) -> str:
        return redact(_WEB_ADDRESS.sub(LINK, text))

    return Redaction(redact=redact_all, is_safe=is_safe_quote)


def _column(database: Database, query: str) -> tuple[str, ...]:
    return tuple(sorted(value for (value,) in database.conn.execute(query) if value))
