"""Locks that the kernel lets go of when their holder dies, even by kill -9."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harvester.errors import TryLater


@contextmanager
def hold_lock(path: Path, sentence: str, *, patience_seconds: float = 0) -> Iterator[None]:
    """Hold the file's lock; TryLater with the sentence when another process holds it, at once or after some patience.

    The file stays: removing it would let a third process lock a new file while the second still holds the old one.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise TryLater(sentence) from error
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)
