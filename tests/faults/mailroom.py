"""A mailbox full of mails, a workspace that reads it, the real command, and the check that both hold the same."""

import atexit
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from servers import PASSWORD, USER, ImapServer

ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, "-c", "import answers; answers.main()")
CRASHING = (sys.executable, str(Path(__file__).with_name("crash.py")))

CONFIG = """
[company]
name = "Marrowby"
domains = ["marrowby.example"]
timezone = "Europe/Berlin"
[imap]
host = "{host}"
port = {port}
security = "{security}"
ca_file = "{ca_file}"
username = "{user}"
password = "{password}"
after = "{after}"
timeout_seconds = {timeout}
poll_every_minutes = {poll_every}
"""


def make_mails(count: int, seed: int = 6, smallest: int = 800, largest: int = 20_000) -> list[bytes]:
    """Different mails of all sizes and with every byte in them; lines end as they do on the wire."""
    chance = random.Random(seed)
    mails = []
    for number in range(count):
        size = int(chance.paretovariate(1.2) * smallest)
        body = chance.randbytes(min(size, largest)).replace(b"\r", b"").replace(b"\n", b"\r\n").replace(b"\0", b"")
        mails.append(
            b"From: Ana <ana@marrowby.example>\r\nTo: li@globex.example\r\nSubject: number %d\r\n"
            b"Message-ID: <%d.%d@marrowby.example>\r\n\r\nHello %d\r\n"
            % (number, seed, number, number)
            + body
            + b"\r\n"
        )
    return mails


def deliver(server: ImapServer, mails: Iterable[bytes], folder: str = "") -> None:
    """Put mails into the Maildir, as a mail server on the same machine does."""
    box = server.folder / "mail" / USER / (f".{folder}" if folder else "")
    with server.connect() as client:  # makes the folders
        if folder and not client.folder_exists(folder):
            client.create_folder(folder)
        client.select_folder(folder or "INBOX")
    for number, mail in enumerate(mails):
        name = f"{time.time_ns()}.{number:06}.host"
        beside = box / "tmp" / name
        beside.write_bytes(mail)
        os.chown(beside, 65534, 65534)
        beside.rename(box / "new" / name)


def make_workspace(folder: Path, server: ImapServer, **changes: object) -> Path:
    """A workspace for that mailbox; returns the folder. changes: of the [imap] section."""
    folder.mkdir(exist_ok=True)
    fields = {"host": "127.0.0.1", "port": server.port, "security": "none", "ca_file": "", "user": USER}
    fields |= {"password": PASSWORD, "after": "keep", "timeout": 20, "poll_every": 10}
    path = folder / "answers.toml"
    path.write_text(CONFIG.format(**{**fields, **changes}))
    path.chmod(0o600)
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the real command on a workspace."""
    return subprocess.Popen(
        [*COMMAND, "--config", str(folder / "answers.toml"), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(folder: Path, *arguments: str, crash: tuple[Path, int] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the real command to its end, whatever that is.

    crash: where to log the side effect and which of them is the last (tests/faults/crash.py).
    """
    if crash is not None:
        return _crash(["--config", str(folder / "answers.toml"), *arguments], *crash)
    process = start(folder, *arguments)
    output, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _crash(arguments: list[str], log: Path, last: int) -> subprocess.CompletedProcess[str]:
    server = _crash_server()
    assert server.stdin is not None
    assert server.stdout is not None
    files = {name: str(log.with_suffix(f".{name}")) for name in ("output", "errors")}
    server.stdin.write(json.dumps({"log": str(log), "last": last, "arguments": arguments, **files}) + "\n")
    server.stdin.flush()
    code = int(server.stdout.readline())
    output, errors = (Path(name).read_text() for name in files.values())
    return subprocess.CompletedProcess(arguments, code, output, errors)


@lru_cache(maxsize=1)
def _crash_server() -> subprocess.Popen[str]:
    """Ends with the tests: it reads until its input ends."""
    command = [*CRASHING, "--serve"]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)
    return server


@dataclass(frozen=True)
class Found:
    """What the archive holds, compared with the mailbox."""

    missing: int
    twice: int
    altered: int
    foreign: int
    integrity: str

    @property
    def is_whole(self) -> bool:
        return (self.missing, self.twice, self.altered, self.foreign, self.integrity) == (0, 0, 0, 0, "ok")

    def __str__(self) -> str:
        return f"{self.missing} missing, {self.twice} twice, {self.altered} altered, integrity {self.integrity}"


def compare(folder: Path, mails: Iterable[bytes]) -> Found:
    """Whether the archive holds exactly these mails, each once and byte for byte."""
    expected = {hashlib.sha256(mail).hexdigest() for mail in mails}
    with sqlite3.connect(folder / "answers.db") as connection:
        rows = connection.execute("select sha256, raw from messages").fetchall()
        captured = {
            sha
            for (sha,) in connection.execute("select sha256 from messages where id in (select message from captures)")
        }
        integrity = connection.execute("pragma integrity_check").fetchone()[0]
        dangling = connection.execute("pragma foreign_key_check").fetchall()
    connection.close()
    hashes = [hashlib.sha256(raw).hexdigest() for _, raw in rows]
    return Found(
        missing=len(expected - (set(hashes) & captured)),
        twice=len(hashes) - len(set(hashes)),
        altered=sum(sha != found for (sha, _), found in zip(rows, hashes, strict=True)),
        foreign=len(set(hashes) - expected),
        integrity=integrity if not dangling else f"{len(dangling)} dangling rows",
    )
