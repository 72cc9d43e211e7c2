"""What the stored mails tell about another one: its conversation, a copy of it, names of people, known texts.

Writes nothing but which conversation an identifier belongs to. Only earlier mails are asked, so that reading everything
again comes to the same results.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from harvester.database import utc_text
from harvester.known_texts import KnownText
from harvester.people import fold_name
from harvester.records import Mail, Part, Reading, Role, Status
from harvester.threads import find_threads, linked_ids, quote_hashes, start_thread, subject_key, text_hash

MAX_ANCESTORS = 50  # Message-IDs or quotes looked up for one mail


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail stands among the others. duplicate_of: the message that is the same mail captured before."""

    thread: str
    duplicate_of: int | None = None


def place_in_thread(connection: sqlite3.Connection, message: int, reading: Reading) -> Place:
    """Find the conversation by Message-IDs, by what is quoted and by subject; remember the mail's identifiers for it.

    A mail that links conversations which were taken for different ones makes them one.
    """
    if reading.verdict.status is Status.EXCLUDED:
        return Place("")
    identifiers = _identifiers(reading.mail)
    known_ids = _look_up(connection, "select identifier, thread from thread_ids where identifier in", identifiers)
    threads = find_threads(reading.mail, known_ids=known_ids, known_texts=_known_texts(connection, message, reading))
    thread = threads[0] if threads else start_thread(reading.mail)
    for other in threads[1:]:
        _merge_threads(connection, thread, other)
    connection.executemany(
        "insert into thread_ids values (?, ?) on conflict (identifier) do nothing",
        [(identifier, thread) for identifier in identifiers],
    )
    return Place(thread, _find_duplicate(connection, message, reading))


def known_names(connection: sqlite3.Connection, company: str, before: int) -> dict[str, str]:
    """Address -> the fullest name that mails captured before the message `before` gave it, in talks with a company."""
    rows = connection.execute(
        "select p.address, p.name from people p join readings r on r.message = p.message"
        " where r.company = ?1 and r.message < ?2 and p.name <> ''"
        " union select p.author, p.author_name from parts p join readings r on r.message = p.message"
        " where r.company = ?1 and r.message < ?2 and p.author <> '' and p.author_name <> ''",
        (company, before),
    )
    names: dict[str, str] = {}
    for address, name in sorted(rows.fetchall()):
        if len(fold_name(name)) > len(fold_name(names.get(address, ""))):
            names[address] = name
    return names


def known_texts_of(connection: sqlite3.Connection, message_ids: tuple[str, ...], before: int) -> tuple[KnownText, ...]:
    """What mails captured before the message `before` say under these Message-IDs, the nearest mail first."""
    found: list[KnownText] = []
    for message_id in message_ids[:MAX_ANCESTORS]:
        rows = connection.execute(
            "select p.text, p.author, p.author_name from parts p where p.message ="
            " (select min(message) from readings where message_id = ? and message < ?) order by p.position",
            (message_id, before),
        )
        found.extend(KnownText(*row) for row in rows)
    return tuple(found)


def _identifiers(mail: Mail) -> tuple[str, ...]:
    subject = subject_key(mail)
    own = (mail.message_id,) if mail.message_id else ()
    return (*linked_ids(mail)[:MAX_ANCESTORS], *own, *((subject,) if subject else ()))


def _known_texts(connection: sqlite3.Connection, message: int, reading: Reading) -> dict[str, str]:
    """Hash of a quote -> conversation, among the mails about the same company; the earliest mail decides."""
    parts: Iterable[Part] = reading.parts
    if linked_ids(reading.mail):
        # Where the headers tell the conversation, our own words (sent to many) must not join it to another one.
        parts = (part for part in parts if part.author_kind != "us")
    hashes = quote_hashes(parts)[:MAX_ANCESTORS]
    marks = ", ".join("?" * len(hashes))
    rows = connection.execute(
        "select p.text_hash, r.thread from parts p join readings r on r.message = p.message"
        f" where r.thread is not null and r.company is ? and r.message < ? and p.text_hash in ({marks})"
        " order by r.message desc",
        (reading.verdict.company, message, *hashes),
    )
    found: dict[str, str] = dict(rows.fetchall())
    return {digest: found[digest] for digest in hashes if digest in found}


def _merge_threads(connection: sqlite3.Connection, thread: str, other: str) -> None:
    """Two conversations turn out to be one; what their mails said is compared anew."""
    connection.execute("update thread_ids set thread = ? where thread = ?", (thread, other))
    connection.execute("update readings set thread = ? where thread = ?", (thread, other))
    connection.execute("update readings set harvested = 0 where thread = ?", (thread,))


def _find_duplicate(connection: sqlite3.Connection, message: int, reading: Reading) -> int | None:
    """The same mail captured and accepted before: same Message-ID, or same sender, second, company and own words."""
    mail, verdict = reading.mail, reading.verdict
    if mail.message_id:
        row = connection.execute(
            "select min(message) from readings where message_id = ? and message < ? and status = ?",
            (mail.message_id, message, Status.ACCEPTED),
        ).fetchone()
        if row[0] is not None:
            return int(row[0])
    own = next((part for part in reading.parts if part.role is Role.OWN and text_hash(part.text)), None)
    if own is None or mail.sent_at is None or verdict.colleague is None:
        return None
    row = connection.execute(
        "select min(r.message) from readings r join parts p on p.message = r.message"
        " where p.text_hash = ? and p.role = ? and r.colleague = ? and r.company is ? and r.sent_at = ?"
        " and r.message < ? and r.status = ?",
        (
            text_hash(own.text),
            Role.OWN,
            verdict.colleague,
            verdict.company,
            utc_text(mail.sent_at),
            message,
            Status.ACCEPTED,
        ),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def _look_up(connection: sqlite3.Connection, query: str, keys: tuple[str, ...]) -> dict[str, str]:
    marks = ", ".join("?" * len(keys))
    return dict(connection.execute(f"{query} ({marks})", keys).fetchall()) if keys else {}
