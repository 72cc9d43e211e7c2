"""Prepares the redaction of what a digest shows: whose names must not appear. Reads only."""

from functools import partial

from sqlite_utils import Database

from digest.quotes import Redaction
from harvester.config import Config
from nlp.redaction import is_safe_quote, redact


def load_redaction(database: Database, config: Config) -> Redaction:
    """Redaction that knows everybody who wrote or was written to. A digest is redacted whatever the config says."""
    rows = database.conn.execute("select distinct name from people where name <> ''")
    names = tuple(sorted(name for (name,) in rows))
    heard = database.conn.execute(
        "select company from readings where company is not null union select company from insights"
    )
    companies = tuple(sorted(company for (company,) in heard))
    return Redaction(redact=partial(redact, names=names, companies=companies), is_safe=is_safe_quote)
