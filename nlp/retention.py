"""Reduces old mails to redacted insights once their days are over: [privacy] keep_raw_days.

Running it again changes nothing. What waits in quarantine or could not be read is left for a person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from sqlite_utils import Database

from harvester.config import Config
from harvester.database import transaction
from harvester.store import end_run, reduce_old_mails, start_run
from nlp.extraction import fingerprint
from nlp.redaction import load_redactor

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Reduced:
    """mails: that lost their bytes and words. insights: of them, now redacted for good."""

    mails: int
    insights: int

    @property
    def sentence(self) -> str:
        """For `status`."""
        return f"{self.mails} old mails reduced to their {self.insights} insights"


def apply_retention(database: Database, config: Config, now: datetime) -> Reduced:
    """Reduce what is older than [privacy] keep_raw_days; noted as a run when there was anything.

    With redact = false the insights stay in the prospects' own words.
    """
    with transaction(database) as connection:
        old = reduce_old_mails(connection, config.privacy.keep_raw_days, now)
        if not old:
            return Reduced(0, 0)
        company = config.company
        redact = load_redactor(database, company.name, company.domains) if config.privacy.redact else _as_it_is
        reduced = Reduced(len(old), sum(_redact_insights(connection, message, redact) for message in old))
        _redact_names(connection, old, redact)
        connection.execute("insert into insights_search (insights_search) values ('optimize')")
    # Out of the log beside the database, too; when somebody is reading just now, with the next one.
    database.conn.execute("pragma wal_checkpoint(truncate)").fetchall()
    end_run(database, start_run(database, "retention", now), "done", reduced.sentence, now)
    return reduced


def _as_it_is(text: str) -> str:
    return text


def _redact_insights(connection: Connection, message: int, redact: Redact) -> int:
    rows = connection.execute("select id, text, context, answer from insights where message = ?", (message,)).fetchall()
    for number, text, context, answer in rows:
        redacted = redact(text)
        connection.execute(
            "update insights set text = ?, context = ?, answer = ? where id = ?",
            (redacted, redact(context), redact(answer) if answer else answer, number),
        )
        if redacted != text:
            # Its letters would still tell the name; where somebody else said the same, the number tells them apart.
            connection.execute("update or ignore insights set fingerprint = ? where id = ?", (f"{number}", number))
            connection.execute(
                "update or ignore insights set fingerprint = ? where id = ?", (fingerprint(redacted), number)
            )
    return len(rows)


def _redact_names(connection: Connection, messages: Sequence[int], redact: Redact) -> None:
    """Names of topics that the machine cut out of such an insight."""
    topics = {
        topic
        for message in messages
        for (topic,) in connection.execute(
            "select a.topic from assignments a join insights i on i.id = a.insight where i.message = ?", (message,)
        )
    }
    for topic in topics:
        connection.execute(
            "update topics set name = ? where id = ? and named_by = 'machine'",
            (
                redact(connection.execute("select name from topics where id = ?", (topic,)).fetchone()[0]),
                topic,
            ),
        )
