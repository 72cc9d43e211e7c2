"""Which servers' findings about senders stand in the mails at hand: tells the owner what `authserv_id` could be.

Decides nothing: what it counts, any sender may have written.
"""

from collections import Counter
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser

from sqlite_utils import Database

from harvester.authentication import trusted_results
from harvester.authentication_results import parse_results
from harvester.headers import plain_value

LOOKED_AT = 50
HEAD_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class TrustSurvey:
    """mails: how many were looked at. servers: name -> mails whose topmost results it wrote. vouched: with a dmarc
    result of the configured server where no sender can put it.
    """

    mails: int
    servers: dict[str, int]
    vouched: int


def survey_trust(database: Database, authserv_id: str) -> TrustSurvey:
    """Look at the heads of the newest mails."""
    rows = database.conn.execute(
        "select substr(raw, 1, ?) from messages where raw is not null order by id desc limit ?", (HEAD_BYTES, LOOKED_AT)
    ).fetchall()
    servers: Counter[str] = Counter()
    vouched = 0
    for (head,) in rows:
        headers = read_head(bytes(head))
        topmost = next((value for name, value in headers if name == "authentication-results"), None)
        read = parse_results(topmost) if topmost else None
        if read is not None:
            servers[read.server or "outlook.com"] += 1
        if authserv_id:
            vouched += any(result.method == "dmarc" for result in trusted_results(headers, authserv_id.lower()))
    return TrustSurvey(len(rows), dict(servers.most_common()), vouched)


def read_head(head: bytes) -> tuple[tuple[str, str], ...]:
    """(lower-case name, value on one line) of the fields that tell of the way of a mail."""
    message = BytesHeaderParser(policy=policy.compat32).parsebytes(head)
    return tuple((name.lower(), plain_value(str(value))) for name, value in message.raw_items())
