"""Who else may read a file that is nobody else's business. Looks at modes; knows nothing of what is in the files."""

import os
import stat
from pathlib import Path

from harvester.errors import AnswersError

OTHERS = 0o077


def describe_exposure(path: Path) -> str | None:
    """Why a file or folder is not private, with what to do; None when only its owner can use it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & OTHERS:
        return None
    private = "700" if path.is_dir() else "600"
    return f"others can use it (mode {mode:04o}); chmod {private} {path}"


def make_private_folder(path: Path) -> None:
    """Make the folder for its owner alone, or take it back; raise AnswersError when it is not ours to take."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if exposure := keep_private(path):
        raise AnswersError(f"{path}: {exposure}; nothing was written")


def keep_private(path: Path) -> str | None:
    """Take a file or folder of ours back from others: a copy may have been made with a wider mode. Why not, if not."""
    exposure = describe_exposure(path)
    if exposure is None:
        return None
    try:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
    except OSError:
        return exposure
    return None


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, from the first byte on; whole at any moment."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)  # of a run that was killed
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    beside.replace(path)
