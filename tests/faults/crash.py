"""Runs the command and ends it with SIGKILL before its n-th side effect, which is after the one before.

python tests/faults/crash.py LOG N ARGUMENTS...

Side effects: SQL statements, bytes handed to a socket, files opened for writing, renamed or removed, processes started.
LOG gets a line for the last one; with N = 0 nothing is killed and LOG gets all of them. With --serve it reads orders
and runs each in a process forked off, which saves starting Python a thousand times.
"""

import importlib
import json
import os
import signal
import socket
import sqlite3
import ssl
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FILE_EVENTS = frozenset(("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink"))


class Counter:
    """Counts side effects of this process and kills it at the chosen one."""

    def __init__(self, log: Path, last: int) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._last = last
        self._process = os.getpid()
        self._count = 0
        self._is_busy = False

    def step(self, label: str) -> None:
        if self._is_busy or os.getpid() != self._process:
            return
        self._is_busy = True
        self._count += 1
        if self._last in (0, self._count):
            os.write(self._log, f"{self._count} {label}\n".encode())
        if self._count == self._last:
            os.kill(self._process, signal.SIGKILL)
        self._is_busy = False

    def watch(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITING and not str(path).endswith((".pyc", "/dev/null")):
                self.step(f"open {Path(os.fsdecode(path)).name if isinstance(path, (str, bytes)) else path}")
        elif event in FILE_EVENTS or event in ("socket.connect", "subprocess.Popen"):
            self.step(event)


def count_statements(step: Callable[[str], None]) -> None:
    """Count the SQL of every connection that is opened from now on."""
    connect = sqlite3.connect

    def counted(*arguments: Any, **settings: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **settings)
        connection.set_trace_callback(lambda sql: step("sql " + " ".join(sql.split()[:3]).lower()))
        return connection

    sqlite3.connect = counted


def count_sends(step: Callable[[str], None]) -> None:
    """Count what is handed to sockets, too."""
    for kind in (socket.socket, ssl.SSLSocket):
        for name in ("send", "sendall"):
            setattr(kind, name, _counted(getattr(kind, name), step))


def _counted(send: Callable[..., object], step: Callable[[str], None]) -> Callable[..., object]:
    def counted(self: socket.socket, data: bytes, *rest: object) -> object:
        step("send")
        return send(self, data, *rest)

    return counted


def run_command(log: Path, last: int, arguments: list[str]) -> None:
    """What the installed `answers` does, with side effects counted."""
    counter = Counter(log, last)
    import answers  # before counting starts: what imports do is nobody's side effect

    count_statements(counter.step)
    count_sends(counter.step)
    sys.addaudithook(counter.watch)
    sys.argv = ["answers", *arguments]
    answers.main()


def serve() -> None:
    """Read orders, one JSON object a line; run each in a process of its own; answer with its exit code."""
    for module in ("answers", "harvester.capture", "digest.wiring", "digest.site", "digest.logs", "nlp.analysis"):
        importlib.import_module(module)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_obey(order))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


def _obey(order: dict[str, Any]) -> int:
    for number, name in ((1, "output"), (2, "errors")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    try:
        run_command(Path(order["log"]), order["last"], order["arguments"])
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Exception:  # noqa: BLE001 - what Python does at the end of a program
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent.parent))
    sys.dont_write_bytecode = True
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        run_command(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
