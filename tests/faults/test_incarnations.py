"""A mailbox that was made anew, restored or renumbered brings no mail twice, no insight twice, and hides none."""

import shutil
import subprocess
from pathlib import Path

import mailroom
import pytest
from promises import Promise
from servers import USER, ImapServer

from harvester.capture import poll
from harvester.errors import ServiceDown
from harvester.imap import open_mailbox
from harvester.workspace import find_workspace

NAME = "another incarnation of the mailbox brings nothing twice"
ASKED = b"""From: Ana <ana@marrowby.example>\r
To: Li <li@globex%(number)d.example>\r
Subject: Re: offer %(number)d\r
Message-ID: <r%(number)d@marrowby.example>\r
Date: Mon, 16 Nov 2026 09:00:00 +0100\r
\r
Yes, it does.\r
\r
On Mon, 16 Nov 2026 at 08:00, Li <li@globex%(number)d.example> wrote:\r
> Does your tool number %(number)d work with our SAP system?\r
"""


def asked(number: int) -> bytes:
    return ASKED % {b"number": number}


def doveadm(server: ImapServer, *arguments: str) -> None:
    command = ["doveadm", "-c", str(server.folder / "dovecot.conf"), *arguments[:-1], "-u", USER, arguments[-1]]
    subprocess.run(command, check=True, capture_output=True)


def renumber(server: ImapServer, uidvalidity: int) -> None:
    doveadm(server, "mailbox", "update", "--uid-validity", str(uidvalidity), "INBOX")


def make_anew(server: ImapServer) -> None:
    """Delete the mailbox with its mails and its numbers; UIDs begin at 1 again."""
    shutil.rmtree(server.folder / "mail" / USER)


def poll_now(folder: Path) -> tuple[int, int]:
    workspace = find_workspace(folder / "answers.toml")
    database = workspace.open_database()
    captured = poll(database, workspace.config.imap, workspace.now(), lambda count: None)
    database.conn.close()
    return captured.seen, captured.new


def count_insights(folder: Path) -> int:
    assert mailroom.answers(folder, "analyze").returncode == 0
    database = find_workspace(folder / "answers.toml").open_database()
    count: int = database.conn.execute("select count(*) from insights").fetchone()[0]
    database.conn.close()
    return count


def test_a_new_uidvalidity_brings_no_mail_and_no_insight_again(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    mails = [asked(number) for number in range(40)]
    mailroom.deliver(dovecot, mails)
    folder = mailroom.make_workspace(tmp_path / "work", dovecot)
    assert poll_now(folder) == (40, 40)
    before = count_insights(folder)
    assert before >= 40
    changes = 20 if full else 3
    for change in range(changes):
        renumber(dovecot, 70_000 + change)
        if change % 3 == 1:
            mails.append(asked(100 + change))
            mailroom.deliver(dovecot, mails[-1:])
        assert poll_now(folder) == (len(mails), 1 if change % 3 == 1 else 0)
        assert poll_now(folder) == (0, 0)
    assert count_insights(folder) == before + len(mails) - 40
    found = mailroom.compare(folder, mails)
    assert found.is_whole, found
    promise(
        NAME,
        "`doveadm mailbox update --uid-validity`, mails arriving in between",
        f"{changes} changes, 40 mails",
        "0 new mails, 0 new insights, 0 missed",
    )


@pytest.mark.parametrize("has_old_number", [False, True])
def test_another_mail_under_an_old_uid_is_captured(
    dovecot: ImapServer, tmp_path: Path, promise: Promise, has_old_number: bool
):
    mails = [asked(number) for number in range(9)]
    mailroom.deliver(dovecot, mails)
    renumber(dovecot, 4711)
    folder = mailroom.make_workspace(tmp_path / "work", dovecot)
    assert poll_now(folder) == (9, 9)
    make_anew(dovecot)
    others = [asked(number) for number in (50, 51, 3)]  # two others and one that we know, under the UIDs 1 to 3
    mailroom.deliver(dovecot, others)
    renumber(dovecot, 4711 if has_old_number else 4712)
    assert poll_now(folder) == (3, 2)
    assert poll_now(folder) == (0, 0)
    mailroom.deliver(dovecot, [asked(52)])
    assert poll_now(folder) == (1, 1)  # UID 4, which was another mail before
    found = mailroom.compare(folder, [*mails, *others, asked(52)])
    assert found.is_whole, found
    promise(
        NAME,
        "the mailbox is deleted and made anew, the same UIDs are other mails"
        + (", even with the old UIDVALIDITY (restored, broken server)" if has_old_number else ""),
        1,
        "the different mails are captured, 0 missed, 0 twice",
    )


def test_nothing_is_moved_out_of_a_mailbox_that_was_made_anew_during_a_poll(
    dovecot: ImapServer, tmp_path: Path, promise: Promise
):
    mailroom.deliver(dovecot, [asked(1), asked(2)])
    mailroom.deliver(dovecot, [], folder="Done")
    folder = mailroom.make_workspace(tmp_path / "work", dovecot, after="move:Done")
    with open_mailbox(find_workspace(folder / "answers.toml").config.imap) as mailbox:
        uids = mailbox.list_uids()
        renumber(dovecot, 99_999)
        with pytest.raises(ServiceDown, match="made anew"):
            mailbox.move(uids, "Done")
    with dovecot.connect() as client:
        assert client.select_folder("INBOX", readonly=True)[b"EXISTS"] == 2
        assert client.select_folder("Done", readonly=True)[b"EXISTS"] == 0
    assert poll_now(folder) == (2, 2)
    with dovecot.connect() as client:
        assert client.select_folder("Done", readonly=True)[b"EXISTS"] == 2
    promise(NAME, "made anew between reading and `after = move:Done`", 1, "nothing moved that was not stored")
