"""Makes docs/promises.md of what the fault tests noted: python tests/faults/render.py FOLDER FILE."""

import json
import sys
from pathlib import Path

# In the order in which a mail meets them; a promise that is not named here stands at the end.
ORDER = (
    "every mail captured once, byte-identical",
    "a cut connection loses nothing",
    "another incarnation of the mailbox brings nothing twice",
    "others may work in the mailbox meanwhile",
    "a mailbox that is away is read again as soon as it is back",
    "disk full",
    "poison mail harms no other",
    "one daemon",
    "one digest per week and recipient",
    "missed weeks, clock changes, week 53",
    "pages all old or all new",
    "upgrades",
    "backup and restore",
    "erasure",
    "retention",
)
HEAD = """# Promises

What this program promises about other people's mail, the fault that each promise was tried with, and what was seen. Made by `make faults`, which fails when a promise does not hold; `make test` runs a bounded version of each.

| promise | fault | runs | figure | date |
|---|---|---|---|---|
"""
TAIL = """
## How

The faults are real ones on loopback: Debian's Dovecot, an SMTP server that misbehaves on request, a TCP proxy that cuts, resets and freezes, `kill -9` on the real command, a small file system that fills. A crash "at a point" ends the process with SIGKILL after its n-th side effect: an SQL statement, bytes handed to a socket, a file opened for writing, renamed or removed (`tests/faults/crash.py`).

## What could not be tried

- **Gmail and Microsoft 365**: no account can be used from a test. Their known habits (one copy per Message-ID, labels as folders, throttling) are handled as their documents say; what is promised above was seen with Dovecot.
- **Loss of power**: `kill -9` leaves what the operating system still holds in memory; a power cut does not. SQLite runs with `synchronous = full`, so that a commit returns after fsync; whether the disk tells the truth then is up to the disk.
- **Other systems**: everything ran on Linux. Elsewhere the swap of the pages is not one step (no `renameat2`).
"""


def render_promises(rows: list[dict[str, str]]) -> str:
    """The whole document."""
    place = {name: number for number, name in enumerate(ORDER)}
    rows = sorted(rows, key=lambda row: (place.get(row["promise"], len(ORDER)), row["promise"], row["fault"]))
    keys = ("promise", "fault", "runs", "figure", "date")
    lines = ("| " + " | ".join(row[key].replace("|", "\\|") for key in keys) + " |" for row in rows)
    return HEAD + "\n".join(lines) + "\n" + TAIL


if __name__ == "__main__":
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    target.write_text(render_promises(found), encoding="utf-8")
