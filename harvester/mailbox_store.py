"""The SQL of how far a mailbox was read, and of a mailbox whose UIDs are no longer what they were."""

import sqlite_utils

from harvester.database import transaction


def last_seen_uid(database: sqlite_utils.Database, host: str, folder: str, uidvalidity: int) -> int:
    """The highest UID that the last poll of this incarnation of the folder saw; 0 before the first."""
    row = database.conn.execute(
        "select last_uid from mailboxes where host = ? and folder = ? and uidvalidity = ?", (host, folder, uidvalidity)
    ).fetchone()
    return int(row[0]) if row else 0


def forget_captures(database: sqlite_utils.Database, host: str, folder: str, uidvalidity: int) -> None:
    """Forget which UIDs of a folder are stored; the mails stay, and are known by their bytes when they come again."""
    with transaction(database) as connection:
        connection.execute(
            "delete from captures where host = ? and folder = ? and uidvalidity = ?", (host, folder, uidvalidity)
        )
