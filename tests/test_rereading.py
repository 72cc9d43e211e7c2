"""What only the archive can tell: conversations, copies, names and known texts; and reading everything again."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
import sqlite_utils

from digest.status import read_state
from harvester.database import open_database, transaction
from harvester.files import hash_mail
from harvester.records import FailedReading, Part, RawMail, ReadingSettings, Role, Roster
from harvester.rereading import read_all_mails, read_new_mails
from harvester.store import (
    load_parts,
    quarantined_mails,
    reduce_old_mails,
    release_mail,
    store_captures,
    store_failure,
)
from nlp.harvest import harvest_mails

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
SETTINGS = ReadingSettings(
    Roster(("acme.example",), answers_address="answers@acme.example"), excluded_subjects=("salary",)
)
QUESTION = "What does a seat cost when we take more than two hundred of them?"
OTHER_QUESTION = "How many weeks does a delivery of spare parts to Norway take?"
CANARY = "xylophone-quagmire-canary"


class Archive:
    """A database and what is put into it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "answers.db"
        self.database: sqlite_utils.Database = open_database(self.path)

    def read(self, *raws: bytes, settings: ReadingSettings = SETTINGS) -> None:
        """Capture the mails and understand them, in this order."""
        store_captures(self.database, [RawMail(raw, hash_mail(raw), Path("x.eml"), NOW) for raw in raws], NOW)
        read_new_mails(self.database, settings, 1, lambda count: None)

    def harvest(self) -> list[tuple[str, str]]:
        """(text, company) of all insights after harvesting what was read."""
        harvest_mails(self.database, None, None, UTC)
        return self.rows("select text, company from insights order by id")

    def rows(self, query: str) -> list[tuple[str, ...]]:
        return self.database.conn.execute(query).fetchall()

    def column(self, name: str) -> list[object]:
        return [row[0] for row in self.rows(f"select {name} from readings order by message")]

    def parts(self, message: int) -> tuple[Part, ...]:
        return load_parts(self.database, message)

    def everything(self) -> dict[str, list[tuple[str, ...]]]:
        """All that was understood, for comparing."""
        tables = ("readings", "people", "parts", "links", "attachments", "thread_ids")
        return {table: sorted(self.rows(f"select * from {table}"), key=repr) for table in tables}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def answer(
    identifier: str,
    *fields: str,
    own: str = "Five euros.",
    quote: str = QUESTION,
    sender: str = "Ana Ruiz <ana@acme.example>",
    introduction: str = "On Sun, Nov 1, 2026 at 9:00 AM Li Chen <li@globex.example> wrote:",
) -> bytes:
    """A colleague's mail to Li Chen. quote: "" for none."""
    head = [f"From: {sender}", "To: Li Chen <li@globex.example>", "Date: Mon, 2 Nov 2026 09:00:00 +0100"]
    if not any(field.startswith("Subject:") for field in fields):
        head.append("Subject: Re: Pricing")
    if identifier:
        head.append(f"Message-ID: <{identifier}>")
    body = [own, *((("", introduction, *(f"> {line}" for line in quote.split("\n")))) if quote else ())]
    return "\r\n".join([*head, *fields, "", *body, ""]).encode()


CHAIN = (
    answer("r1@acme.example", "In-Reply-To: <q1@globex.example>", quote=""),
    answer("r2@acme.example", "In-Reply-To: <r1@acme.example>", "Subject: other", quote="", own="And three."),
    answer("r3@acme.example", "In-Reply-To: <r2@acme.example>", "Subject: more", quote="", own="And four."),
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_conversation_is_found_by_its_references_in_any_order_of_arrival(
    order: Sequence[int], archive: Archive
) -> None:
    archive.read(*(CHAIN[place] for place in order), answer("x@acme.example", "Subject: New", quote=""))
    *chain, other = archive.column("thread")
    assert len(set(chain)) == 1
    assert other not in chain


@pytest.mark.parametrize("is_first", [True, False])
def test_a_conversation_is_found_by_what_is_quoted(is_first: bool, archive: Archive) -> None:
    linked = answer("r1@acme.example", "In-Reply-To: <q1@globex.example>")
    lost = answer("r2@acme.example", "Subject: costs", own="Kim will call you about this.")
    archive.read(*((linked, lost) if is_first else (lost, linked)))
    assert len(set(archive.column("thread"))) == 1
    assert archive.harvest() == [(QUESTION, "globex.example")]


def test_the_same_quote_from_two_companies_stays_two_conversations(archive: Archive) -> None:
    other = answer("r2@acme.example").replace(b"globex", b"initech")
    archive.read(answer("r1@acme.example"), other)
    assert len(set(archive.column("thread"))) == 2
    assert archive.harvest() == [(QUESTION, "globex.example"), (QUESTION, "initech.example")]


def test_a_conversation_is_found_by_its_subject_when_clients_drop_the_references(archive: Archive) -> None:
    first = answer("r1@acme.example", "Subject: Pricing", quote="", own="Here is our offer.")
    second = answer("r2@acme.example", "Subject: AW: Pricing", quote="", own="A reminder.")
    others = answer("r3@acme.example", "Subject: Re: Pricing", "Cc: kim@initech.example", quote="")
    archive.read(first, second, others)
    threads = archive.column("thread")
    assert threads[0] == threads[1] != threads[2]


def test_the_same_quote_again_in_a_conversation_is_no_new_insight(archive: Archive) -> None:
    again = answer(
        "r2@acme.example",
        "References: <q1@globex.example> <r1@acme.example>",
        own="As I said.",
        quote=f"{OTHER_QUESTION}\n\nOn Sat, Oct 31, 2026 at 9:00 AM Li Chen <li@globex.example> wrote:\n> {QUESTION}",
    )
    archive.read(answer("r1@acme.example", "In-Reply-To: <q1@globex.example>"), again)
    assert archive.harvest() == [(QUESTION, "globex.example"), (OTHER_QUESTION, "globex.example")]
    archive.read(answer("r3@acme.example", "In-Reply-To: <r2@acme.example>", own="Once more."))
    assert len(archive.harvest()) == 2


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(answer("r1@acme.example", "X-Copy: 2"), id="delivered-twice"),
        pytest.param(answer("other@gateway.example"), id="with-another-message-id"),
        pytest.param(
            answer(
                "f1@acme.example",
                "Subject: Fwd: Re: Pricing",
                sender="Bo Lind <bo@acme.example>",
                own="fyi",
                introduction="---------- Forwarded message ---------\r\nFrom: Ana Ruiz <ana@acme.example>\r\n"
                "Date: Mon, 2 Nov 2026 09:00\r\nSubject: Re: Pricing\r\nTo: Li Chen <li@globex.example>\r\n\r\n"
                "Five euros.\r\n\r\nOn Sun, Nov 1, 2026 at 9:00 AM Li Chen <li@globex.example> wrote:",
            ),
            id="forwarded-by-another-colleague",
        ),
    ],
)
def test_the_same_mail_captured_twice_counts_once(copy: bytes, archive: Archive) -> None:
    archive.read(answer("r1@acme.example"), copy)
    assert archive.harvest() == [(QUESTION, "globex.example")]
    assert len(set(archive.column("thread"))) == 1


def test_a_copy_of_a_mail_that_does_not_count_is_no_copy(archive: Archive) -> None:
    flagged = answer("r1@acme.example", "X-Spam-Flag: YES")
    archive.read(flagged, answer("r1@acme.example"))
    assert archive.column("status") == ["quarantined", "accepted"]
    assert archive.column("duplicate_of") == [None, None]
    assert archive.harvest() == [(QUESTION, "globex.example")]


def test_an_unmarked_quote_is_told_by_the_archived_original(archive: Archive) -> None:
    original = (
        "From: Li Chen <li@globex.example>\r\nTo: answers@acme.example\r\nSubject: Pricing\r\n"
        f"Message-ID: <q1@globex.example>\r\n\r\nDear Ana,\r\n\r\n{QUESTION}\r\n\r\n{OTHER_QUESTION}\r\n"
    ).encode()
    own = f"Five euros, and it does.\r\n\r\nDear Ana,\r\n\r\n{QUESTION}\r\n\r\n{OTHER_QUESTION}"
    reply = answer("r1@acme.example", "In-Reply-To: <q1@globex.example>", quote="", own=own)
    archive.read(original, reply)
    ours, theirs = archive.parts(2)
    assert (ours.role, ours.text, ours.answers) == (Role.OWN, "Five euros, and it does.", 1)
    assert (theirs.role, theirs.author, theirs.author_kind) == (Role.QUOTED, "li@globex.example", "prospect")
    assert theirs.text.split() == f"Dear Ana, {QUESTION} {OTHER_QUESTION}".split()
    assert archive.harvest() == [(QUESTION, "globex.example"), (OTHER_QUESTION, "globex.example")]


def test_an_unmarked_quote_above_the_answer_stays_above(archive: Archive) -> None:
    archive.read(answer("r1@acme.example", "In-Reply-To: <q1@globex.example>"))
    own = f"{QUESTION}\r\n\r\nAs I said: five euros."
    archive.read(answer("r2@acme.example", "References: <r1@acme.example>", quote="", own=own))
    assert [(part.role, part.author) for part in archive.parts(2)] == [
        (Role.QUOTED, "li@globex.example"),
        (Role.OWN, "ana@acme.example"),
    ]


def test_a_name_that_was_seen_with_its_address_names_a_later_quote(archive: Archive) -> None:
    nameless = answer("r2@acme.example", introduction="On Tue, Nov 3, 2026 Kim Vale wrote:", quote=OTHER_QUESTION)
    archive.read(nameless)
    assert next(part for part in archive.parts(1) if part.role is Role.QUOTED).author is None
    known = "On Sun, Nov 1, 2026 at 9:00 AM Kim Vale <kv77@globex.example> wrote:"
    archive.read(answer("r1@acme.example", introduction=known), nameless.replace(b"r2@", b"r3@"))
    assert next(part for part in archive.parts(3) if part.role is Role.QUOTED).author == "kv77@globex.example"


def test_a_mail_that_could_not_be_read_stays_stored_and_is_read_when_everything_is(archive: Archive) -> None:
    raw = answer("r1@acme.example")
    store_captures(archive.database, [RawMail(raw, hash_mail(raw), Path("x.eml"), NOW)], NOW)
    with transaction(archive.database) as connection:
        store_failure(connection, 1, FailedReading("it ended its worker, twice"), "1", tries=2)
    assert read_state(archive.database, poll_every_minutes=None, now=NOW).by_status == {"failed": 1}
    assert archive.rows("select raw from messages") == [(raw,)]
    assert read_new_mails(archive.database, SETTINGS, 1, lambda count: None).read == 0
    assert read_all_mails(archive.database, SETTINGS, 1, lambda count: None).failed == 0
    assert archive.column("status") == ["accepted"]


def test_an_excluded_mail_leaves_nothing_but_its_message_id(archive: Archive) -> None:
    secret = answer(
        "r1@acme.example", f"Subject: Your salary {CANARY}", f"Cc: {CANARY}@globex.example", own=CANARY * 3_000
    )
    assert CANARY.encode() in secret
    archive.read(answer("r0@acme.example"), secret)
    assert archive.column("status") == ["accepted", "excluded"]
    assert archive.column("message_id")[1] == "<r1@acme.example>"
    assert archive.rows("select raw from messages where id = 2") == [(None,)]
    for path in archive.path.parent.iterdir():
        assert CANARY.encode() not in path.read_bytes(), path.name


def test_the_team_is_the_tag_of_the_answers_address(archive: Archive) -> None:
    archive.read(answer("r1@acme.example", "Delivered-To: answers+emea@acme.example"), answer("r2@acme.example"))
    assert archive.column("team") == ["emea", ""]


def test_reading_everything_again_changes_nothing(archive: Archive) -> None:
    archive.read(
        answer("r9@acme.example", "In-Reply-To: <r8@acme.example>", own="Nine."),
        *CHAIN,
        answer("", "Subject: Re: no id", own="No identifier."),
        answer("r1@acme.example", "X-Copy: 2"),
        answer("r8@acme.example", "In-Reply-To: <r3@acme.example>", own="Eight.", quote=OTHER_QUESTION),
        answer("s1@acme.example", "X-Spam-Flag: YES"),
        answer("s2@acme.example", "Subject: salary"),
        answer("n1@acme.example", introduction="On Tue, Nov 3, 2026 Li Chen wrote:", quote="Is it blue?"),
        b"no mail at all",
    )
    before = archive.everything()
    assert len(before["readings"]) == 11
    insights = archive.harvest()
    counts = read_all_mails(archive.database, SETTINGS, 2, lambda count: None)
    assert (counts.read, counts.failed) == (10, 0)  # all but the excluded one, whose bytes are gone
    assert archive.everything() == {**before, "readings": archive.everything()["readings"]}
    columns = "message, status, reason, kind, message_id, thread, duplicate_of, subject, colleague, company"
    again = archive.rows(f"select {columns} from readings order by message")
    assert archive.harvest() == insights
    assert archive.rows(f"select {columns} from readings order by message") == again
    assert {json.dumps(row[5]) for row in again if row[4] in ("<r9@acme.example>", "<r1@acme.example>")} == {
        json.dumps(again[0][5])
    }


def test_a_mail_released_from_quarantine_stays_released_when_it_is_read_again(archive: Archive) -> None:
    archive.read(answer("r1@acme.example", "X-Spam-Flag: YES"), answer("r2@acme.example", "X-Spam-Flag: YES"))
    assert archive.harvest() == []
    first, _ = quarantined_mails(archive.database)
    release_mail(archive.database, first.message)
    assert archive.column("status") == ["accepted", "quarantined"]
    assert archive.harvest() == [(QUESTION, "globex.example")]
    read_all_mails(archive.database, SETTINGS, 1, lambda count: None)
    assert archive.column("status") == ["accepted", "quarantined"]
    assert archive.harvest() == [(QUESTION, "globex.example")]


def test_old_bytes_go_once_they_are_understood_and_insights_stay(archive: Archive) -> None:
    def reduce(days: int) -> tuple[int, ...]:
        with transaction(archive.database) as connection:
            return reduce_old_mails(connection, 180, NOW + timedelta(days=days))

    archive.read(answer("1@acme.example"))
    assert reduce(181) == ()  # not harvested yet
    found = archive.harvest()
    assert found
    assert reduce(180) == ()
    assert reduce(181) == (1,)
    assert reduce(181) == ()
    assert archive.rows("select raw from messages") == [(None,)]
    archive.read(answer("1@acme.example"))
    assert archive.harvest() == found
    assert archive.rows("select count(*) from messages") == [(1,)]


def test_answers_typed_into_an_archived_question_are_told_from_it(archive: Archive) -> None:
    original = (
        "From: Li Chen <li@globex.example>\r\nTo: answers@acme.example\r\nSubject: Pricing\r\n"
        f"Message-ID: <q1@globex.example>\r\n\r\nDear Ana,\r\n\r\n{QUESTION}\r\n\r\n{OTHER_QUESTION}\r\n"
    ).encode()
    block = "From: Li Chen <li@globex.example>\r\nSent: 1 November 2026 09:00\r\nTo: Ana Ruiz <ana@acme.example>\r\n"
    own = (
        f"Hi Li, see below.\r\n\r\n{block}Subject: Pricing\r\n\r\nDear Ana,\r\n\r\n{QUESTION}\r\nEleven euros.\r\n\r\n"
        f"{OTHER_QUESTION}\r\n"
    )
    archive.read(original, answer("r1@acme.example", "In-Reply-To: <q1@globex.example>", quote="", own=own))
    ours = [part for part in archive.parts(2) if part.role is Role.OWN]
    assert [(part.text, part.author, part.author_kind) for part in ours] == [
        ("Hi Li, see below.", "ana@acme.example", "us"),
        ("Eleven euros.", "ana@acme.example", "us"),
    ]
    assert archive.harvest() == [(QUESTION, "globex.example"), (OTHER_QUESTION, "globex.example")]
    answers = archive.rows("select answer from insights order by id")
    assert "Eleven euros." in str(answers[0][0])
