"""A workspace with understood mails in a real database, without reading any mail."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from digest_material import MONDAY
from sqlite_utils import Database

from harvester.database import utc_text
from harvester.workspace import Workspace, find_workspace

CONFIG = """
[company]
name = "Acme"
domains = ["acme.example"]
timezone = "Europe/Berlin"
[imap]
username = "answers@acme.example"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
from = "answers@acme.example"
timeout_seconds = {timeout}
[digest]
to = {to}
owner = "owner@acme.example"
{digest}
"""


def make_workspace(
    folder: Path,
    port: int,
    *,
    to: Iterable[str] = ("marketing@acme.example",),
    digest: str = "",
    timeout: float = 10,
) -> Workspace:
    """A workspace whose digests go to a server on that port."""
    folder.mkdir(exist_ok=True)
    path = folder / "answers.toml"
    addresses = "[" + ", ".join(f'"{address}"' for address in to) + "]"
    path.write_text(CONFIG.format(port=port, to=addresses, digest=digest, timeout=timeout))
    return find_workspace(path)


def ask(
    database: Database,
    text: str,
    *,
    company: str = "globex.example",
    at: datetime = MONDAY - timedelta(days=1),
    captured_at: datetime | None = None,
    topic: int | None = None,
) -> int:
    """Store one understood mail with one insight; returns the message's id."""
    connection = database.conn
    message = connection.execute("select coalesce(max(id), 0) + 1 from messages").fetchone()[0]
    asked, captured = utc_text(at), utc_text(captured_at or at)
    connection.execute(
        "insert into messages values (?, ?, null, 0, ?, ?)", (message, f"hash-{message}", asked, captured)
    )
    connection.execute(
        "insert into readings (message, version, status, message_id, thread, sent_at, colleague, company)"
        " values (?, '1', 'accepted', ?, ?, ?, 'ana@acme.example', ?)",
        (message, f"<{message}@acme.example>", f"thread-{message}", asked, company),
    )
    insight = connection.execute(
        "insert into insights (message, part, kind, text, fingerprint, thread, company, asked_at, language, category,"
        " stage, confidence, rule) values (?, 1, 'question', ?, ?, ?, ?, ?, 'en', 'fit', 'consideration', 1, 'test')",
        (message, text, text.lower(), f"thread-{message}", company, asked),
    ).lastrowid
    if topic is not None:
        connection.execute(
            "insert or ignore into topics (id, name, slug, category, stage, born_at) values (?, ?, ?, 'fit',"
            " 'consideration', ?)",
            (topic, f"Topic {topic}?", f"topic-{topic}", asked),
        )
        connection.execute(
            "insert into assignments (insight, topic, decided_at) values (?, ?, ?)", (insight, topic, asked)
        )
    return int(message)


def receive(database: Database, message_id: str, at: datetime) -> None:
    """The poller captured a mail with that Message-ID and the gate ignored it, as it does with our own."""
    message = ask(database, f"copy {message_id}", at=at)
    database.conn.execute("delete from insights where message = ?", (message,))
    database.conn.execute(
        "update readings set message_id = ?, status = 'ignored', reason = 'our own digest' where message = ?",
        (message_id, message),
    )
