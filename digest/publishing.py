"""Writes a folder of files; a reader sees all of the old or all of the new. Knows nothing of what they say."""

import ctypes
import errno
import fcntl
import itertools
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harvester.errors import AnswersError, UsageError

MARKER = ".answers-site"
RENAME_EXCHANGE = 2  # linux/fs.h
AT_FDCWD = -100


def publish(folder: Path, files: Iterable[tuple[str, bytes]], *, build: str = "") -> None:
    """Replace the folder by these files. A file that did not change stays the same one, so that syncing is cheap.

    Refuses a folder that holds something else: it must be absent, empty, or one that we made as the same build.
    """
    folder = folder.resolve()  # the target of a link, so that the link itself stays
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; set [site] path to a folder of its own")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise UsageError(f"{folder} holds files that are not ours; set [site] path to a folder of its own")
    known = _build_of(folder)
    if known not in ("", build):
        raise UsageError(
            f"{folder} holds the {known} build; set [site] path to a folder of its own for the {build} one,"
            " or delete the old pages first"
        )
    new = folder.with_name(f".{folder.name}.new")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f".{folder.name}.lock")):
            try:
                shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
                new.mkdir()
                if folder.exists():
                    shutil.copymode(folder, new)
                made = {new}
                for path, content in itertools.chain(files, ((MARKER, build.encode()),)):
                    target = new / path
                    if target.parent not in made:
                        target.parent.mkdir(parents=True, exist_ok=True)
                        made.add(target.parent)
                    _write(target, content, folder / path)
                _swap_in(new, folder)
            finally:
                shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise AnswersError(
            f"the pages cannot be written to {folder}: {error.strerror}; the old ones are untouched"
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One publisher at a time: the daemon and a command may build at the same moment."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_of(folder: Path) -> str:
    """What the folder was built as; "" when it was not, or before there were two builds."""
    try:
        return (folder / MARKER).read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _write(path: Path, content: bytes, published: Path) -> None:
    if not _is_same(published, content):
        path.write_bytes(content)
        return
    try:
        path.hardlink_to(published)
    except OSError:  # a file system without hard links
        path.write_bytes(content)
        shutil.copystat(published, path)


def _is_same(published: Path, content: bytes) -> bool:
    try:
        return published.stat().st_size == len(content) and published.read_bytes() == content
    except (FileNotFoundError, NotADirectoryError):
        return False


def _swap_in(new: Path, folder: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    if _exchange(new, folder):
        return  # what was published is in `new` now
    # Without an atomic exchange (other systems) there is a moment without a site, but never a mixed one.
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    if sys.platform != "linux":
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    failed = rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
    if failed and ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return not failed
