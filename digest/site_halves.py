"""Shares work between two processes. The second one inherits what was read and opens nothing."""

import fcntl
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

FEW = 5_000  # below, a second process costs more than it saves
TURN_BYTES = 4
MOST_TURNS = 2_000  # as many as a pipe holds on every system
PIPE_BYTES = 1 << 20  # so that the second process seldom waits until its results are taken

Task = TypeVar("Task")
Result = TypeVar("Result")


def share_work(tasks: Sequence[Task], work: Callable[[Task], Result], *, size: int, workers: int) -> Iterator[Result]:
    """`work` of every task, in any order; each of two processes takes what comes next. size: insights behind the tasks.

    A process with several threads is not copied (a lock that another thread holds would stay locked for ever): the
    daemon works alone, and unhurriedly.
    """
    if (
        size < FEW
        or workers < 2
        or threading.active_count() > 1
        or "fork" not in multiprocessing.get_all_start_methods()
    ):
        yield from map(work, tasks)
        return
    context = multiprocessing.get_context("fork")
    turns = _lay_out_turns(len(tasks))
    receiver, sender = context.Pipe(duplex=False)
    with suppress(AttributeError, OSError):  # other systems; a limit on what one user's pipes hold
        fcntl.fcntl(sender.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    helper = context.Process(target=_send_results, args=(sender, turns, tasks, work), daemon=True)
    helper.start()
    sender.close()
    left = set(range(len(tasks)))
    try:
        for place in _take_turns(turns, len(tasks)):
            yield work(tasks[place])
            left.discard(place)
            for other, result in _receive(receiver, until_end=False):
                yield result
                left.discard(other)
        for other, result in _receive(receiver, until_end=True):
            yield result
            left.discard(other)
        # What it had begun when it was stopped, by a limit on memory perhaps.
        yield from (work(tasks[place]) for place in sorted(left))
    finally:
        helper.terminate()
        helper.join()
        receiver.close()
        os.close(turns)


def _lay_out_turns(count: int) -> int:
    """The end of a pipe from which both processes take their turns: no lock that one of them could die with."""
    end, start = os.pipe()
    os.write(start, b"".join(place.to_bytes(TURN_BYTES) for place in range(0, count, _length_of_turn(count))))
    os.close(start)
    return end


def _take_turns(turns: int, count: int) -> Iterator[int]:
    """Places of tasks that nobody else has taken."""
    while turn := os.read(turns, TURN_BYTES):
        place = int.from_bytes(turn)
        yield from range(place, min(place + _length_of_turn(count), count))


def _length_of_turn(count: int) -> int:
    return count // MOST_TURNS + 1


def _receive(receiver: Connection, *, until_end: bool) -> Iterator[tuple[int, Any]]:
    try:
        while until_end or receiver.poll():
            yield receiver.recv()
    except (EOFError, OSError):  # it is done, or was stopped in the middle of a result
        return


def _send_results(sender: Connection, turns: int, tasks: Sequence[Task], work: Callable[[Task], Result]) -> None:
    for place in _take_turns(turns, len(tasks)):
        sender.send((place, work(tasks[place])))
    sender.close()
