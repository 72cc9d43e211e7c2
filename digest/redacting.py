"""Prepares the redaction of what is shown: whose names must not appear. Reads only."""

import re

from sqlite_utils import Database

from digest.quotes import Redaction
from harvester.config import Config
from nlp.redaction import drop_invisible, is_safe_quote, load_redactor

LINK = "[link]"
_WEB_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]{1,2000}", re.IGNORECASE)


def load_redaction(database: Database, config: Config) -> Redaction:
    """Redaction that knows everybody who wrote or was written to, and every company that asked.

    Web addresses go too: a mail program would make links of them. A digest is redacted whatever the config says.
    """
    redact = load_redactor(database, config.company.name, config.company.domains)

    def redact_all(text: str) -> str:
        seen = drop_invisible(text)
        may_link = "://" in seen or "www." in seen.casefold()
        return redact(_WEB_ADDRESS.sub(LINK, seen) if may_link else seen)

    return Redaction(redact=redact_all, is_safe=is_safe_quote)
