"""Shares work on many topics between two processes. The second one inherits what was read and opens nothing."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

FEW = 5_000  # below, a second process costs more than it saves

Task = TypeVar("Task")
Result = TypeVar("Result")


def share_work(tasks: Sequence[Task], work: Callable[[Task], Result], *, size: int, workers: int) -> Iterator[Result]:
    """`work` of every task, in any order; a second process takes every other one. size: insights behind the tasks.

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
    receiver, sender = context.Pipe(duplex=False)
    helper = context.Process(target=_send_results, args=(sender, tasks[1::2], work), daemon=True)
    helper.start()
    sender.close()
    try:
        yield from map(work, tasks[::2])
        try:
            results: list[Result] = receiver.recv()
        except EOFError:  # it was stopped, by a limit on memory perhaps
            yield from map(work, tasks[1::2])
        else:
            yield from results
    finally:
        helper.terminate()
        helper.join()
        receiver.close()


def _send_results(sender: Connection, tasks: Sequence[Task], work: Callable[[Task], Result]) -> None:
    # All at once, at the end: a pipe that nobody reads yet would hold this process up.
    sender.send([work(task) for task in tasks])
    sender.close()
