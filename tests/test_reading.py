"""Reading many mails over workers: in order, and none can stop the run."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.errors import TryLater
from harvester.reading import open_readers, read_mail, read_many
from harvester.records import FailedReading, Reading, ReadingSettings, Role, Roster, Status
from harvester.workers import Limits, run_over_workers

SETTINGS = ReadingSettings(Roster(("acme.example",), answers_address="answers@acme.example"))


def mail_number(number: int) -> bytes:
    return (
        f"From: Ana Ruiz <ana@acme.example>\r\nTo: Li Chen <li@globex.example>\r\nSubject: Re: price {number}\r\n"
        f"Message-ID: <{number}@acme.example>\r\nDate: Mon, 2 Nov 2026 09:00:00 +0100\r\n\r\n"
        "Hi Li,\r\n\r\nfive euros, see https://acme.example/prices\r\n\r\n"
        "On Sun, Nov 1, 2026 at 9:00 AM Li Chen <li@globex.example> wrote:\r\n> How much is it?\r\n"
    ).encode()


def test_one_mail_becomes_parts_people_and_a_verdict() -> None:
    reading = read_mail(mail_number(1), SETTINGS)
    assert reading.verdict.status is Status.ACCEPTED
    assert (reading.verdict.colleague, reading.verdict.company) == ("ana@acme.example", "globex.example")
    (quoted,) = (part for part in reading.parts if part.role is Role.QUOTED)
    assert (quoted.author, quoted.author_name, quoted.author_kind) == ("li@globex.example", "Li Chen", "prospect")


def test_an_attached_mail_is_a_forward() -> None:
    inner = "From: Kim Vale <kim@globex.example>\r\nSubject: seats\r\n\r\nHow many seats are there?\r\n"
    head = "From: ana@acme.example\r\nTo: answers@acme.example\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    raw = f"{head}\r\n--b\r\n\r\nsee attached\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}--b--\r\n"
    reading = read_mail(raw.encode(), SETTINGS)
    (forwarded,) = (part for part in reading.parts if part.role is Role.FORWARDED)
    assert (forwarded.author, forwarded.text.strip()) == ("kim@globex.example", "How many seats are there?")
    assert reading.verdict.status is Status.ACCEPTED
    assert reading.verdict.company == "globex.example"


@pytest.mark.parametrize("count", [1, 2])
def test_results_come_in_the_order_of_the_mails(count: int) -> None:
    readings = list(read_many(map(mail_number, range(90)), SETTINGS, count))
    assert [r.mail.message_id for r in readings if isinstance(r, Reading)] == [f"<{n}@acme.example>" for n in range(90)]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=80), st.binary(max_size=200))
def test_any_mail_is_read_and_judged(body: str, subject: str, rest: bytes) -> None:
    head = f"From: ana@acme.example\nTo: li@globex.example\nSubject: {subject}\n".encode("utf-8", "replace")
    for raw in (head + b"\n" + body.encode("utf-8", "replace"), head + rest, rest):
        reading = read_mail(raw, SETTINGS)
        assert reading.verdict.status in Status
        assert all(part.author_kind in ("us", "prospect", "unknown") for part in reading.parts)


def test_no_mails_start_no_worker() -> None:
    assert list(read_many((), SETTINGS)) == []


def test_readers_stay_for_the_next_pass_and_leave_with_the_last() -> None:
    before = children()
    with open_readers(SETTINGS, 1) as read:
        assert len(list(read([mail_number(1), mail_number(2)]))) == 2
        started = children()
        (second,) = read([mail_number(3)])
        assert isinstance(second, Reading)
        assert second.mail.message_id == "<3@acme.example>"
        assert children() == started
        interrupted = read(map(mail_number, range(9)))
        next(interrupted)
        interrupted.close()  # type: ignore[attr-defined]
        (after,) = read([mail_number(4)])
        assert isinstance(after, Reading)
        assert after.mail.message_id == "<4@acme.example>"
    assert children() == before


def test_leaving_early_leaves_no_process_behind() -> None:
    before = children()
    readings = read_many(map(mail_number, range(50)), SETTINGS)
    next(readings)
    assert children() > before
    readings.close()  # type: ignore[attr-defined]
    assert children() == before


# A worker that reads like ours, but is hurt by certain mails.
FRAGILE = """
import os, time
from harvester.reading import read_mail
from harvester.worker import serve

def read(raw, settings):
    if b"kills" in raw: os.kill(os.getpid(), 9)
    if b"spins" in raw:
        while True: pass
    if b"sleeps" in raw: time.sleep(60)
    if b"eats" in raw: bytearray(4_000_000_000)
    if b"fails" in raw: raise ValueError("secret words of the mail")
    if b"once" in raw and not os.path.exists("MARK"): open("MARK", "w"); os._exit(3)
    return read_mail(raw, settings)

serve(read)
"""


def read_fragile(raws: list[bytes], tmp_path: Path, **limits: float) -> list[Reading | FailedReading]:
    script = FRAGILE.replace("MARK", str(tmp_path / "mark"))
    command = (sys.executable, "-P", "-c", script)
    return list(run_over_workers(raws, SETTINGS, 2, Limits(**limits), command))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "limits", "reason"),
    [
        (b"kills", {}, "signal 9), twice"),
        (b"spins", {"cpu_seconds": 0}, "needs more than 0 s, twice"),
        (b"sleeps", {"wall_seconds": 3}, "took longer than 3 s, twice"),
        (b"eats", {}, "more memory than a worker may use"),
        (b"fails", {}, "ValueError in"),
    ],
)
def test_a_mail_that_hurts_its_worker_is_set_aside_and_the_run_goes_on(
    body: bytes, limits: dict[str, float], reason: str, tmp_path: Path
) -> None:
    results = read_fragile(
        [mail_number(1), b"Subject: x\r\n\r\n" + body, mail_number(2), mail_number(3)], tmp_path, **limits
    )
    assert [type(r) for r in results] == [Reading, FailedReading, Reading, Reading]
    failure = results[1]
    assert isinstance(failure, FailedReading)
    assert reason in failure.reason
    assert "secret" not in failure.reason


def test_a_mail_that_hurts_its_worker_once_is_read_at_the_second_try(tmp_path: Path) -> None:
    results = read_fragile([mail_number(1), b"Subject: x\r\n\r\nonce"], tmp_path)
    assert [type(r) for r in results] == [Reading, Reading]


def test_a_machine_that_starts_no_process_fails_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    before = children()
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(TryLater, match="no process for reading mails can be started"):
        list(read_many([mail_number(1), mail_number(2)], SETTINGS))
    assert children() == before


def children() -> set[int]:
    """Process ids of our direct children that are alive."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == os.getpid() and state != "Z":
            found.add(int(stat.parent.name))
    return found
