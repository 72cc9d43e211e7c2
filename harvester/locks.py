"""Locks that the kernel lets go of when their holder dies, even by kill -9."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harvester.errors import TryLater


@contextmanager
def hold_lock(path: Path, sentence: str) -> Iterator[None]:
    """Hold the file's lock; TryLater with the sentence, at once, when another process holds it.

    The file stays: removing it would let a third process lock a new file while the second still holds the old one.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TryLater(sentence) from error
        yield
    finally:
        os.close(handle)
