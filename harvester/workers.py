"""Worker processes for reading mails: own limits, one mail at a time, replaced when a mail kills or stalls one.

Knows nothing of mail but that bytes go in and a `Reading` comes out. The parent reads pipes, nothing else.
"""

import os
import pickle
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import BinaryIO

from harvester.errors import TryLater
from harvester.records import FailedReading, Reading, ReadingSettings

TRIES = 2
START_TRIES = 3
START_SECONDS = 120  # imports, on a machine that does ten other things
QUEUED_PER_WORKER = 32
QUEUED_BYTES = 100_000_000
READ_BYTES = 1_000_000

READY = b"ready"  # what a worker says first
PACKAGES = Path(__file__).resolve().parent.parent
# A process of its own instead of a fork: the parent may hold threads, models and the database.
COMMAND = (sys.executable, "-P", "-c", "from harvester.worker import serve; serve()")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one mail may cost. wall_seconds only ends a worker that sleeps: a busy machine must not fail good mails."""

    cpu_seconds: int = 10
    wall_seconds: float = 40
    memory_bytes: int = 1_500_000_000


@dataclass(eq=False)
class Worker:
    """One process and the mail it is reading. number: of that mail, None while idle. is_ready: it has started up."""

    process: subprocess.Popen[bytes]
    is_ready: bool = False
    number: int | None = None
    deadline: float = 0.0


@dataclass
class _Run:
    """The state of one pass: what waits, what is being read, what is done but not yet handed out."""

    settings: ReadingSettings
    limits: Limits
    command: tuple[str, ...]
    waiting: deque[int] = field(default_factory=deque)
    raws: dict[int, bytes] = field(default_factory=dict)
    failures: dict[int, int] = field(default_factory=dict)
    done: dict[int, Reading | FailedReading] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    failed_starts: int = 0


def run_over_workers(
    raws: Iterable[bytes],
    settings: ReadingSettings,
    count: int,
    limits: Limits | None = None,
    command: tuple[str, ...] = COMMAND,
    pool: list[Worker] | None = None,
) -> Iterator[Reading | FailedReading]:
    """Read every mail in one of `count` processes; results in the order of the mails.

    command: starts a process that speaks as `harvester.worker.serve` does. pool: workers to use and to leave running;
    without it all are started for this pass and ended with it. Raises TryLater when no process can be started.
    """
    run = _Run(settings, limits or Limits(), command, workers=[] if pool is None else pool)
    source = enumerate(raws)
    handed_out = 0
    exhausted = False
    try:
        while True:
            while not exhausted and _has_room(run, count):
                number, raw = next(source, (None, b""))
                if number is None:
                    exhausted = True
                    break
                run.raws[number] = raw
                run.waiting.append(number)
            _assign(run, count)
            while handed_out in run.done:
                yield run.done.pop(handed_out)
                handed_out += 1
            if exhausted and not run.raws:
                return
            if any(worker.number is not None for worker in run.workers):
                _collect(run)
    finally:
        for worker in list(run.workers):
            # One that is still reading would answer the next pass with this one's mail.
            if pool is None or worker.number is not None:
                run.workers.remove(worker)
                stop(worker)


def _has_room(run: _Run, count: int) -> bool:
    """Enough is queued to keep the workers busy, and not so much that big mails fill the memory."""
    if len(run.raws) + len(run.done) >= QUEUED_PER_WORKER * count:
        return False
    return len(run.raws) <= count or sum(map(len, run.raws.values())) < QUEUED_BYTES


def _assign(run: _Run, count: int) -> None:
    while run.waiting:
        worker = next((worker for worker in run.workers if worker.number is None), None)
        if worker is None:
            if len(run.workers) >= count:
                return
            worker = _start(run)
            run.workers.append(worker)
        number = run.waiting.popleft()
        worker.number = number
        worker.deadline = time.monotonic() + (run.limits.wall_seconds if worker.is_ready else START_SECONDS)
        try:
            write_message(_pipe(worker.process.stdin), run.raws[number])
        except OSError:
            _give_up(run, worker, _cause_of_death(worker.process, run.limits))


def _collect(run: _Run) -> None:
    """Wait for the next result, death or deadline."""
    busy = {_pipe(worker.process.stdout).fileno(): worker for worker in run.workers if worker.number is not None}
    patience = min(worker.deadline for worker in busy.values()) - time.monotonic()
    for descriptor in wait(list(busy), timeout=max(0.0, patience)):
        assert isinstance(descriptor, int)
        worker = busy[descriptor]
        answer = read_message(descriptor)
        if answer is None:
            _give_up(run, worker, _cause_of_death(worker.process, run.limits))
        elif not worker.is_ready:
            worker.is_ready, worker.deadline = True, time.monotonic() + run.limits.wall_seconds
        else:
            _finish(run, worker, pickle.loads(answer))
    now = time.monotonic()
    for worker in list(busy.values()):
        if worker.number is not None and worker.deadline <= now:
            _give_up(run, worker, f"took longer than {run.limits.wall_seconds:.0f} s")


def _finish(run: _Run, worker: Worker, result: Reading | FailedReading) -> None:
    assert worker.number is not None
    run.done[worker.number] = result
    del run.raws[worker.number]
    worker.number = None


def _give_up(run: _Run, worker: Worker, cause: str) -> None:
    """Replace the worker; its mail gets one more try, first in the queue and in a fresh process."""
    number = worker.number
    assert number is not None
    run.workers.remove(worker)
    stop(worker)
    if not worker.is_ready:
        # It never came to read the mail; setting mails aside for this would empty a whole mailbox.
        run.failed_starts += 1
        if run.failed_starts >= START_TRIES:
            raise TryLater(f"no process for reading mails can be started: it {cause}; is there memory left?")
        run.waiting.appendleft(number)
        return
    run.failures[number] = run.failures.get(number, 0) + 1
    if run.failures[number] < TRIES:
        run.waiting.appendleft(number)
        return
    run.done[number] = FailedReading(f"the mail could not be read: it {cause}, twice")
    del run.raws[number]


def _cause_of_death(process: subprocess.Popen[bytes], limits: Limits) -> str:
    code = process.wait()
    if code == -24:  # SIGXCPU
        return f"needs more than {limits.cpu_seconds} s"
    return f"ended its worker (signal {-code})" if code < 0 else f"ended its worker (exit code {code})"


def _start(run: _Run) -> Worker:
    paths = (str(PACKAGES), os.environ.get("PYTHONPATH", ""))
    # Who reads hostile mails needs no password.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSWERS_")}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    process = subprocess.Popen(
        run.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback could quote the mail
        env=environment,
    )
    worker = Worker(process)
    # A worker that dies this early is noticed with its first mail.
    try:
        write_message(_pipe(process.stdin), pickle.dumps((run.settings, run.limits)))
    except OSError:
        process.kill()
    return worker


def stop(worker: Worker) -> None:
    """End the process now and forget its pipes."""
    worker.process.kill()
    worker.process.wait()
    for pipe in (worker.process.stdin, worker.process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # what was left in the buffer is nobody's any more


def _pipe(pipe: object) -> BinaryIO:
    return pipe  # type: ignore[return-value]


def write_message(pipe: BinaryIO, data: bytes) -> None:
    """Eight bytes of length, then the message."""
    pipe.write(len(data).to_bytes(8, "big"))
    pipe.write(data)
    pipe.flush()


def read_message(descriptor: int) -> bytes | None:
    """One message; None when the other side has ended. Takes nothing of the next one, which `wait` has to see."""
    head = _read_exactly(descriptor, 8)
    return _read_exactly(descriptor, int.from_bytes(head, "big")) if head is not None else None


def _read_exactly(descriptor: int, size: int) -> bytes | None:
    pieces: list[bytes] = []
    while size > 0:
        piece = os.read(descriptor, min(size, READ_BYTES))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
