"""Runs a command on a terminal, for tests of what it asks there."""

import os
import pty
import subprocess
from collections.abc import Sequence

QUESTION = b"[y/N]"


def reply_on_terminal(arguments: Sequence[str], reply: str) -> bytes:
    """What the command wrote up to its question and with it; it is answered, and must end well."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while QUESTION not in seen:
            seen += os.read(ours, 4096)
        os.write(ours, f"{reply}\n".encode())
        try:
            while os.read(ours, 4096):
                pass
        except OSError:  # the other end is gone
            pass
    os.close(ours)
    assert process.returncode == 0
    return seen
