"""Finds the mails of somebody, and what the mails of others say about them. Reads only.

Works from salted hashes alone, so that an erasure that was cut off, or an older backup, is gone over the same way.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from harvester.forgetting import Tombstones, Traces, decoded_forms, full_names, sentences_of
from harvester.tombstone_store import REASON, VERSION

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be erased. gone: mails as a whole. touched: mails of others -> the parts that speak of it.

    traces: how to recognise it elsewhere. thread_keys: Message-IDs of what goes, which may name conversations.
    """

    gone: frozenset[int]
    touched: Mapping[int, frozenset[int]]
    traces: Traces
    thread_keys: frozenset[str]


def is_own_message_id(connection: sqlite3.Connection, text: str) -> bool:
    """Whether a stored mail bears this Message-ID."""
    bare = text.strip().strip("<>")
    row = connection.execute(
        "select 1 from readings where message_id in (?, ?) limit 1", (bare, f"<{bare}>")
    ).fetchone()
    return row is not None


def count_mails(connection: sqlite3.Connection) -> int:
    """How many mails `find_traces` looks at."""
    count: int = connection.execute("select count(*) from messages").fetchone()[0]
    return count


def find_traces(connection: sqlite3.Connection, tombstones: Tombstones, progress: Progress) -> Finding:
    """Look through everything that is stored. progress: gets the number of mails just looked at."""
    addresses = frozenset(
        address
        for (address,) in connection.execute(
            "select address from people union select author from parts union select colleague from readings"
        )
        if address and tombstones.covers_address(address)
    )
    gone = _mails_of(connection, tombstones, addresses)
    said = _said_in(connection, gone, None if "message" in tombstones.kinds else addresses)
    traces = Traces(tombstones, _names_of(connection, addresses), said)
    keys = _message_ids(connection, gone)
    related = _related(connection, gone, keys) if "message" in tombstones.kinds else None
    touched: dict[int, frozenset[int]] = {}
    for message, raw in _others(connection, gone):
        progress(1)
        marked = _marked_parts(connection, message, traces, related is None or message in related)
        if raw is not None and tombstones.holds_raw(raw):
            if not _is_understood(connection, message):
                gone.add(message)
                continue
            touched[message] = marked
        elif marked or _is_mentioned(connection, message, traces):
            touched[message] = marked
    return Finding(frozenset(gone), touched, traces, keys | _message_ids(connection, gone))


def find_quotes(connection: sqlite3.Connection, finding: Finding, traces: Traces) -> Finding:
    """Add what quotes a few words only: our own digests that came back into the mailbox, and what else was ignored.

    traces: with the windows of what was asked. Nothing is lost with such passages: no insight comes from these mails.
    """
    touched = dict(finding.touched)
    rows = connection.execute(
        "select r.message, coalesce(r.subject, ''), m.raw from readings r join messages m on m.id = r.message"
        " where r.status = 'ignored' order by r.message"
    )
    for message, subject, raw in rows:
        parts = connection.execute("select position, text from parts where message = ?", (message,)).fetchall()
        marked = frozenset(position for position, text in parts if traces.mark_quote(text))
        is_quoted = traces.mark_quote(subject) or any(traces.mark_quote(form) for form in decoded_forms(raw or b""))
        if message not in finding.gone and (marked or is_quoted):
            touched[message] = touched.get(message, frozenset()) | marked
    return replace(finding, touched=touched, traces=traces)


def _mails_of(connection: sqlite3.Connection, tombstones: Tombstones, addresses: frozenset[str]) -> set[int]:
    gone: set[int] = set()
    for query in (
        "select message, address from people",
        "select message, colleague from readings where colleague is not null",
    ):
        gone |= {message for message, address in connection.execute(query) if address in addresses}
    theirs: set[int] = set()
    others: set[int] = set()
    for message, author in connection.execute(
        "select distinct message, author from parts where author is not null and author_kind <> 'us'"
    ):
        (theirs if author in addresses else others).add(message)
    gone |= theirs - others  # nobody else from outside is quoted in them
    for message, message_id, company in connection.execute("select message, message_id, company from readings"):
        is_meant = message_id is not None and tombstones.covers_message_id(message_id)
        if is_meant or (company is not None and tombstones.covers_company(company)):
            gone.add(message)
    for message, sha256 in connection.execute("select id, sha256 from messages where raw is not null"):
        if tombstones.covers("bytes", sha256):
            gone.add(message)
    # The same mail captured twice goes twice.
    for message, original in connection.execute(
        "select message, duplicate_of from readings where duplicate_of is not null"
    ).fetchall():
        if message in gone or original in gone:
            gone |= {message, original}
    forgotten = connection.execute("select message from readings where reason = ? and version = ?", (REASON, VERSION))
    return gone - {message for (message,) in forgotten}


def _said_in(connection: sqlite3.Connection, gone: set[int], authors: frozenset[str] | None) -> frozenset[str]:
    """What the forgotten wrote in whatever mail; authors: None for what a single mail newly said."""
    sentences: set[str] = set()
    for message, role, kind, author, text in connection.execute(
        "select message, role, author_kind, author, text from parts"
        " where role not in ('signature', 'disclaimer', 'notice')"
    ):
        is_newly_said = message in gone and role in ("own", "forwarded")
        if is_newly_said if authors is None else author in authors and kind != "us":
            sentences |= sentences_of(text)
    return frozenset(sentences)


def _names_of(connection: sqlite3.Connection, addresses: frozenset[str]) -> frozenset[str]:
    """Their full names, unless somebody else bears the same."""
    query = (
        "select address, name from people union"
        " select author, author_name from parts where author is not null and author_name is not null"
    )
    theirs: set[str] = set()
    others: set[str] = set()
    for address, name in connection.execute(query):
        (theirs if address in addresses else others).add(name)
    return full_names(theirs) - full_names(others)


def _message_ids(connection: sqlite3.Connection, messages: set[int]) -> frozenset[str]:
    rows = connection.execute("select message, message_id from readings where message_id is not null")
    return frozenset(message_id for message, message_id in rows if message in messages)


def _related(connection: sqlite3.Connection, gone: set[int], keys: frozenset[str]) -> frozenset[int]:
    """The mails of the same conversations; only they are searched for what a single mail said."""
    rows = connection.execute(
        "select message, thread, coalesce(refs, '') || coalesce(in_reply_to, '') from readings"
    ).fetchall()
    threads = {thread for message, thread, _ in rows if message in gone and thread}
    return frozenset(
        message for message, thread, links in rows if thread in threads or any(key in links for key in keys)
    )


def _others(connection: sqlite3.Connection, gone: set[int]) -> Iterator[tuple[int, bytes | None]]:
    after = 0
    while rows := connection.execute(
        "select id, raw from messages where id > ? order by id limit 200", (after,)
    ).fetchall():
        after = rows[-1][0]
        yield from ((message, raw) for message, raw in rows if message not in gone)


def _is_understood(connection: sqlite3.Connection, message: int) -> bool:
    """Whether it was taken apart, so that what is said about somebody can be told from the rest."""
    row = connection.execute(
        "select exists (select 1 from readings where message = ?1 and status not in ('failed', 'excluded'))"
        " and exists (select 1 from parts where message = ?1)",
        (message,),
    ).fetchone()
    return bool(row[0])


def _marked_parts(connection: sqlite3.Connection, message: int, traces: Traces, may_repeat: bool) -> frozenset[int]:
    marked = set()
    for position, text, author, name, label in connection.execute(
        "select position, text, coalesce(author, ''), coalesce(author_name, ''), label from parts where message = ?",
        (message,),
    ):
        about = f"{text}\n{author}\n{name}\n{label}"
        if traces.tombstones.holds(about) or traces.names_one(about) or (may_repeat and traces.repeats(text)):
            marked.add(position)
    return frozenset(marked)


def _is_mentioned(connection: sqlite3.Connection, message: int, traces: Traces) -> bool:
    """In anything but a part: subject, names, links, files, Message-IDs."""
    return any(
        traces.tombstones.holds(text) or traces.names_one(text)
        for query in (
            "select coalesce(subject, '') || ' ' || coalesce(message_id, '') || ' ' || coalesce(in_reply_to, '')"
            " || ' ' || coalesce(refs, '') from readings where message = ?",
            "select name from people where message = ?",
            "select url || ' ' || text from links where message = ?",
            "select file_name from attachments where message = ?",
        )
        for (text,) in connection.execute(query, (message,)).fetchall()
    )
