"""A mailbox that hangs, breaks off, is restarted or refuses us is read again within a minute of its return."""

import hashlib
import itertools
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mailroom
import time_machine
from cutting_proxy import Proxy, run_proxy
from promises import Promise
from servers import PASSWORD, USER, ImapServer, wait_for_port
from smtp_server import SmtpServer, run_smtp

from digest.daemon import Daemon
from digest.steps import poll_step
from digest.wiring import make_daemon
from harvester.workspace import find_workspace

NAME = "a mailbox that is away is read again as soon as it is back"
START = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
# `answers run` with nothing but the mailbox, asking it more often whether it lives.
QUICK = """
import sys
from functools import partial
from pathlib import Path
from digest.daemon import run_daemon
from digest.logs import log_to_stderr
from digest.steps import poll_step
from digest.wiring import make_daemon, watch_mailbox
from harvester.workspace import find_workspace
workspace = find_workspace(Path(sys.argv[1]))
log_to_stderr()
nothing = lambda database: False
daemon = make_daemon(workspace, poll=partial(poll_step, workspace), analyze=nothing, build_site=nothing)
run_daemon(daemon, partial(watch_mailbox, workspace, idle_seconds=2))
"""


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def has_mail(folder: Path, mail: bytes) -> bool:
    connection = sqlite3.connect(folder / "answers.db", timeout=30)
    try:
        query = "select 1 from messages where sha256 = ?"
        return connection.execute(query, (hashlib.sha256(mail).hexdigest(),)).fetchone() is not None
    except sqlite3.OperationalError:
        return False  # not yet made
    finally:
        connection.close()


def seconds_until_seen(folder: Path, server: ImapServer, mail: bytes, longest: float = 90) -> float:
    """Deliver a mail and wait until it is in the archive."""
    mailroom.deliver(server, [mail])
    started = time.monotonic()
    while not has_mail(folder, mail):
        assert time.monotonic() - started < longest, f"not seen within {longest} s"
        time.sleep(0.05)
    return time.monotonic() - started


@contextmanager
def run_daemon(folder: Path, *, quick: bool) -> Iterator[subprocess.Popen[bytes]]:
    config = str(folder / "answers.toml")
    command = [sys.executable, "-c", QUICK, config] if quick else [*mailroom.COMMAND, "--config", config, "run"]
    with (folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=mailroom.ROOT, stdout=log, stderr=log)
    try:
        yield process
        assert process.poll() is None, "the daemon ended"
    finally:
        process.kill()
        process.wait()


def stop_dovecot(server: ImapServer) -> None:
    subprocess.run(["doveadm", "-c", str(server.folder / "dovecot.conf"), "stop"], check=True)


@contextmanager
def dovecot_again(server: ImapServer) -> Iterator[None]:
    process = subprocess.Popen(["dovecot", "-F", "-c", str(server.folder / "dovecot.conf")])
    try:
        wait_for_port(server.port, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


class Outage:
    """Measures what the daemon costs, and how often it knocks, from now on."""

    def __init__(self, process: subprocess.Popen[bytes], proxy: Proxy) -> None:
        self.process, self.proxy = process, proxy
        self.cpu, self.connections, self.since = cpu_seconds(process), proxy.connections, time.monotonic()

    def share_of_cpu(self) -> float:
        return (cpu_seconds(self.process) - self.cpu) / (time.monotonic() - self.since)

    def attempts(self) -> int:
        return self.proxy.connections - self.connections


def wait_until_quiet(process: subprocess.Popen[bytes]) -> None:
    """Until it has done what the last mail asked for."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        before = cpu_seconds(process)
        time.sleep(1.5)
        if cpu_seconds(process) - before < 0.05:
            return
    raise AssertionError("the daemon never rests")


def test_the_next_mail_is_seen_within_a_minute_of_the_recovery(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    mails = iter(mailroom.make_mails(20))
    away = 45 if full else 4
    conf = str(dovecot.folder / "dovecot.conf")
    seen: dict[str, float] = {}
    costs: dict[str, float] = {}
    with run_proxy(dovecot.port) as proxy:
        changes = {"timeout": 30} if full else {"timeout": 2}
        folder = mailroom.make_workspace(tmp_path / "work", dovecot, port=proxy.port, **changes)
        with run_daemon(folder, quick=not full) as process:
            seconds_until_seen(folder, dovecot, next(mails))
            wait_until_quiet(process)
            seen["pushed"] = seconds_until_seen(folder, dovecot, next(mails))

            wait_until_quiet(process)
            outage = Outage(process, proxy)
            subprocess.run(["doveadm", "-c", conf, "kick", USER], check=True, capture_output=True)
            time.sleep(away / 2)
            costs["kicked"] = outage.share_of_cpu()
            seen["kicked"] = seconds_until_seen(folder, dovecot, next(mails))

            wait_until_quiet(process)
            proxy.thaw()  # the connections of now are dead, and nobody says so; new ones would work
            seen["half-open"] = seconds_until_seen(folder, dovecot, next(mails))

            wait_until_quiet(process)
            outage = Outage(process, proxy)
            proxy.freeze()
            time.sleep(away)
            costs["frozen"] = outage.share_of_cpu()
            proxy.thaw()
            seen["frozen"] = seconds_until_seen(folder, dovecot, next(mails))

            wait_until_quiet(process)
            outage = Outage(process, proxy)
            stop_dovecot(dovecot)
            time.sleep(away)
            costs["stopped"] = outage.share_of_cpu()
            attempts = outage.attempts()
            with dovecot_again(dovecot):
                seen["stopped"] = seconds_until_seen(folder, dovecot, next(mails))
    assert max(seen.values()) < 60, seen
    assert seen["pushed"] < 10
    assert max(costs.values()) < 0.05, costs
    assert attempts < 3 + away / 2, "the server that was away was asked again and again"
    for fault, what in (
        ("kicked", "`doveadm kick`"),
        ("half-open", "a connection in IDLE that is half open"),
        ("frozen", f"everything freezes for {away} s"),
        ("stopped", f"Dovecot stopped for {away} s, started again"),
    ):
        cost = f"; {100 * costs[fault]:.1f} % CPU meanwhile" if fault in costs else ""
        promise(NAME, what, 1, f"next mail seen {seen[fault]:.0f} s after the recovery{cost}")


def set_password(server: ImapServer, old: str, new: str) -> None:
    path = server.folder / "dovecot.conf"
    path.write_text(path.read_text().replace(f"password={old}", f"password={new}"))
    subprocess.run(["doveadm", "-c", str(path), "reload"], check=True)


class Driver:
    """Lets a daemon live through a day at the pace of a frozen clock; each second everything that is asked for runs."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.second = 0

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            with time_machine.travel(START + timedelta(seconds=self.second), tick=False):
                for job in self.daemon.jobs:
                    if self.second % int(job.every.total_seconds()) == 0:
                        self.daemon.ring(job.name)
                if self.second % 2 == 0:
                    self.daemon.ring_again()
                while self.daemon._rung:
                    self.daemon.run_job(self.daemon._next() or "")
            self.second += 1


def subjects(server: SmtpServer) -> list[str]:
    return [
        match[1].decode() for _, raw in server.took for match in re.finditer(rb"(?m)^Subject: (Answers[^\r]*)\r$", raw)
    ]


def test_a_login_refused_for_an_hour_is_told_once_and_once_when_it_is_over(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise
):
    first, second = mailroom.make_mails(2)
    away = 3600 if full else 600
    mailroom.deliver(dovecot, [first])
    with run_smtp("ok") as smtp:
        folder = mailroom.make_workspace(tmp_path / "work", dovecot)
        config = folder / "answers.toml"
        config.write_text(
            config.read_text() + f'[smtp]\nhost = "127.0.0.1"\nport = {smtp.port}\nsecurity = "none"\n'
            'from = "answers@marrowby.example"\n[digest]\nto = ["m@marrowby.example"]\nowner = "o@marrowby.example"\n'
        )
        workspace = find_workspace(config)
        tried: list[datetime] = []

        def step(database):
            tried.append(workspace.now())
            return poll_step(workspace, database)

        driver = Driver(make_daemon(workspace, poll=step, analyze=lambda db: False, build_site=lambda db: False))
        driver.live(30)
        assert has_mail(folder, first)
        set_password(dovecot, PASSWORD, "another")
        driver.live(600)  # to the next poll
        tried.clear()
        began = time.process_time()
        driver.live(away)
        cpu = time.process_time() - began
        refused = tuple(tried)
        set_password(dovecot, "another", PASSWORD)
        mailroom.deliver(dovecot, [second])
        waited = 0
        while not has_mail(folder, second):
            driver.live(1)
            waited += 1
            assert waited <= 60
        driver.live(300)
    pauses = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(refused)]
    told = subjects(smtp)
    assert told == ["Answers needs you: poll fails", "Answers is well again: poll fails"]
    assert max(pauses) <= 60
    assert len(refused) < 200
    # Ten minutes hold some 15 pauses of a dozen lengths; without chance all would be of one length.
    assert len(set(pauses)) > 3, "no jitter"
    assert cpu / away < 0.05
    promise(
        NAME,
        f"login refused for {away // 60} minutes (frozen clock, real Dovecot)",
        f"{len(refused)} logins tried, {min(pauses):.0f} to {max(pauses):.0f} s apart",
        f"next mail seen after {waited} s; {100 * cpu / away:.1f} % CPU; owner told once, and once when it was over",
    )
