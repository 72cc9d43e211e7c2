"""The SQL of how far a mailbox was read, and of a mailbox whose UIDs are no longer what they were."""

from datetime import datetime

import sqlite_utils

from harvester.database import transaction, utc_text


def known_uids(database: sqlite_utils.Database, host: str, folder: str, uidvalidity: int) -> frozenset[int]:
    """The UIDs of this incarnation of the folder that are safely stored."""
    rows = database.conn.execute(
        "select uid from captures where host = ? and folder = ? and uidvalidity = ?", (host, folder, uidvalidity)
    )
    return frozenset(uid for (uid,) in rows)


def last_seen_uid(database: sqlite_utils.Database, host: str, folder: str, uidvalidity: int) -> int:
    """The highest UID that the last poll of this incarnation of the folder saw; 0 before the first."""
    row = database.conn.execute(
        "select last_uid from mailboxes where host = ? and folder = ? and uidvalidity = ?", (host, folder, uidvalidity)
    ).fetchone()
    return int(row[0]) if row else 0


def store_poll(
    database: sqlite_utils.Database, host: str, folder: str, uidvalidity: int, last_uid: int, now: datetime
) -> None:
    """Remember when the folder was last seen, and in which incarnation."""
    with transaction(database) as connection:
        connection.execute(
            "insert into mailboxes values (?, ?, ?, ?, ?) on conflict (host, folder) do update set"
            " uidvalidity = excluded.uidvalidity, last_uid = excluded.last_uid, polled_at = excluded.polled_at",
            (host, folder, uidvalidity, last_uid, utc_text(now)),
        )


def retire_captures(database: sqlite_utils.Database, host: str, folder: str, uidvalidity: int) -> None:
    """Note that the UIDs of this folder mean other mails now.

    The mails stay, and are known by their bytes when they come again; where they were found stays, too, under the
    negative UIDVALIDITY, which no server gives out.
    """
    with transaction(database) as connection:
        connection.execute(
            "update or replace captures set uidvalidity = -uidvalidity"
            " where host = ? and folder = ? and uidvalidity = ?",
            (host, folder, uidvalidity),
        )
