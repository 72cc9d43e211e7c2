"""Mails made to hurt: they harm no other mail, and cost no more than they may."""

import itertools
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mailroom
from bombs import make_bombs
from promises import Promise
from servers import USER, ImapServer

from harvester.capture import load_files, poll
from harvester.records import FailedReading, Reading, ReadingSettings, Roster
from harvester.workers import Limits, run_over_workers
from harvester.workspace import find_workspace
from nlp.analysis import analyze

NAME = "poison mail harms no other"
MOST_MEMORY = 1.5e9
MOST_CPU_SECONDS = 10
GOOD = (
    b"From: Ana <ana@marrowby.example>\r\nTo: Li <li@globex%(number)d.example>\r\nSubject: Re: offer\r\n"
    b"Message-ID: <good%(number)d@marrowby.example>\r\nDate: Mon, 16 Nov 2026 09:00:00 +0100\r\n\r\n"
    b"Yes, it does.\r\n\r\nOn Mon, 16 Nov 2026 at 08:00, Li <li@globex%(number)d.example> wrote:\r\n"
    b"> Does your tool work with our SAP system?\r\n"
)


def memory_of_tree(root: int) -> int:
    """Resident bytes of a process and all below it."""
    parents, pages = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)], pages[int(entry.name)] = int(fields[1]), int(fields[21])
    total = 0
    for process in pages:
        above: int | None = process
        while above is not None and above != root:
            above = parents.get(above)
        total += pages[process] if above == root else 0
    return total * os.sysconf("SC_PAGE_SIZE")


def peak_memory(folder: Path, verb: str) -> tuple[int, int]:
    """Run a command to its good end: (largest process, all processes together), in bytes."""
    process = subprocess.Popen(
        [*mailroom.COMMAND, "--config", str(folder / "answers.toml"), verb],
        cwd=mailroom.ROOT,
        stdout=subprocess.DEVNULL,
    )
    together = 0
    while True:
        together = max(together, memory_of_tree(process.pid))
        found, status, usage = os.wait4(process.pid, os.WNOHANG)
        if found:
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            return usage.ru_maxrss * 1024, together
        time.sleep(0.1)


def cpu_seconds(act: Callable[[], object]) -> float:
    """Of this process and the workers that it started and ended."""
    before = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    act()
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(before, after, strict=True))


def test_good_mails_between_bombs_are_understood_and_memory_is_bounded(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    folder = mailroom.make_workspace(tmp_path / "work", dovecot, timeout=120)
    names = []
    mailroom.deliver(dovecot, [GOOD % {b"number": 0}])
    for number, (name, bomb) in enumerate(make_bombs(100 if full else 4), start=1):
        mailroom.deliver(dovecot, [bomb, GOOD % {b"number": number}])
        names.append(name)
    peaks = [peak_memory(folder, verb) for verb in ("poll", "analyze")]
    with sqlite3.connect(folder / "answers.db") as connection:
        count = "select count(*) from readings where message_id like '%good%' and status = 'accepted'"
        good = connection.execute(count).fetchone()[0]
        insights = connection.execute(
            "select count(distinct company) from insights where company glob 'globex[0-9]*'"
        ).fetchone()[0]
        unread = connection.execute(
            "select count(*) from messages m left join readings r on r.message = m.id where r.status is null"
        ).fetchone()[0]
        failed = connection.execute("select tries, reason from readings where status = 'failed'").fetchall()
    connection.close()
    assert good == insights == len(names) + 1
    assert unread == 0
    assert all(tries <= 2 for tries, _ in failed)
    largest, together = (max(peak[at] for peak in peaks) for at in (0, 1))
    assert largest <= MOST_MEMORY, largest
    assert together <= MOST_MEMORY * 1.5, together
    promise(
        NAME,
        "each bomb between two good mails: nested, endless, packed, in no charset; `answers poll` and `analyze`",
        f"{len(names)} bombs",
        f"{good} of {len(names) + 1} good mails understood; {len(failed)} bombs had to be set aside;"
        f" {largest / 1e9:.2f} GB for the largest process, {together / 1e9:.2f} GB for all together",
    )


def test_no_bomb_costs_more_than_ten_cpu_seconds(tmp_path: Path, full: bool, promise: Promise):
    (tmp_path / "answers.toml").write_text('[company]\nname = "M"\ndomains = ["marrowby.example"]\n')
    workspace = find_workspace(tmp_path / "answers.toml")
    database = workspace.open_database()
    path = tmp_path / "one.eml"

    def understand() -> None:
        now, zone = workspace.now(), workspace.config.company.zone
        load_files(database, (path,), now, lambda count: None)
        analyze(database, workspace.reading_settings(), workers=1, zone=zone, now=now)

    path.write_bytes(GOOD % {b"number": 1})
    understand()  # loads the models, once
    costs = {}
    for name, bomb in itertools.islice(make_bombs(100 if full else 4), 0, None, 1 if full else 5):
        path.write_bytes(bomb)
        costs[name] = cpu_seconds(understand)
    database.conn.close()
    dearest = max(costs, key=lambda name: costs[name])
    assert costs[dearest] <= MOST_CPU_SECONDS, costs
    promise(NAME, "each bomb alone: load, read, analyze", f"{len(costs)} bombs", f"{costs[dearest]:.1f} CPU-s at most")


# A reader that some mails crash, stall or fill: no real mail is known to do so, and one will come.
WORKER = """
import ctypes, time
from harvester.reading import read_mail
from harvester.worker import serve
def read(raw, settings):
    if b"CRASH" in raw:
        ctypes.string_at(0)
    while b"SPIN" in raw:
        pass
    if b"SLEEP" in raw:
        time.sleep(600)
    if b"FILL" in raw:
        fill = [bytearray(50_000_000) for _ in range(1_000)]
    return read_mail(raw, settings)
serve(read)
"""


def test_what_kills_or_stalls_its_reader_is_set_aside_after_two_tries(full: bool, promise: Promise):
    settings = ReadingSettings(Roster(("marrowby.example",)))
    kinds = (b"CRASH", b"SPIN", b"SLEEP", b"FILL")
    raws = [GOOD % {b"number": 0}]
    for number, kind in enumerate(kinds, start=1):
        raws += [GOOD % {b"number": 100 + number} + kind, GOOD % {b"number": number}]
    command = (sys.executable, "-P", "-c", WORKER)
    limits = Limits(cpu_seconds=2, wall_seconds=12 if full else 8)
    results = list(run_over_workers(raws, settings, 2, limits, command))
    assert all(isinstance(result, Reading) for result in results[::2])
    reasons = [result.reason for result in results[1::2] if isinstance(result, FailedReading)]
    assert ["twice" in reason or "memory" in reason for reason in reasons] == [True] * len(kinds), reasons
    promise(
        NAME,
        "a reader that crashes, spins, sleeps or eats all memory at some mails (limits of 2 CPU-s, 12 s)",
        f"{len(kinds)} mails",
        "all set aside after two tries at most, all good mails around them read",
    )


def test_a_mail_that_the_server_cannot_hand_over_holds_up_no_other(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    mails = mailroom.make_mails(400 if full else 60)
    mailroom.deliver(dovecot, mails)
    files = sorted((dovecot.folder / "mail" / USER / "new").iterdir())
    damaged = (0, 17, len(mails) - 1)
    for number in damaged:
        os.chown(files[number], 0, 0)
        files[number].chmod(0)
    folder = mailroom.make_workspace(tmp_path / "work", dovecot)
    workspace = find_workspace(folder / "answers.toml")
    database = workspace.open_database()
    captured = poll(database, workspace.config.imap, workspace.now(), lambda count: None)
    assert (captured.new, captured.withheld) == (len(mails) - 3, 3)
    assert poll(database, workspace.config.imap, workspace.now(), lambda count: None).new == 0
    for number in damaged:
        os.chown(files[number], 65534, 65534)
    folder_now = dovecot.folder / "mail" / USER
    for file in (*(folder_now / "new").iterdir(), *(folder_now / "cur").iterdir()):
        file.chmod(0o600)
    captured = poll(database, workspace.config.imap, workspace.now(), lambda count: None)
    assert (captured.new, captured.withheld) == (3, 0)
    database.conn.close()
    found = mailroom.compare(folder, mails)
    assert found.is_whole, found
    promise(
        NAME,
        "the mail server itself fails at some mails (files that Dovecot cannot read), then they are repaired",
        f"{len(mails)} mails, {len(damaged)} damaged",
        "all others captured at once, the repaired ones later; owner told",
    )
