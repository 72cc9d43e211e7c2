"""The inside of a worker process: takes raw mails from standard input, gives readings to standard output."""

import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from harvester.reading import read_mail
from harvester.records import FailedReading, Reading, ReadingSettings
from harvester.workers import READY, read_message, write_message

Reader = Callable[[bytes, ReadingSettings], Reading]


def serve(read: Reader = read_mail) -> None:
    """Answer one mail after the other until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it ends us
    source = os.dup(0)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not end up between the readings
    start = read_message(source)
    if start is None:
        return
    settings, limits = pickle.loads(start)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    write_message(sink, READY)
    while (raw := read_message(source)) is not None:
        _limit_cpu(limits.cpu_seconds)
        write_message(sink, pickle.dumps(_read_or_fail(read, raw, settings), protocol=pickle.HIGHEST_PROTOCOL))


def _limit_cpu(seconds: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _read_or_fail(read: Reader, raw: bytes, settings: ReadingSettings) -> Reading | FailedReading:
    try:
        return read(raw, settings)
    except MemoryError:
        return FailedReading("the mail could not be read: it needs more memory than a worker may use")
    except Exception as error:  # noqa: BLE001 - one mail must never stop a run; the place is told, the text is not
        place = traceback.extract_tb(sys.exc_info()[2])[-1]
        return FailedReading(
            f"the mail could not be read: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        )
