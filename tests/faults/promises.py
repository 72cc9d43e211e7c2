"""Notes which promise was kept under which fault, and makes docs/promises.md of the notes.

python tests/faults/promises.py FOLDER FILE
"""

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from time_machine import escape_hatch

Promise = Callable[[str, str, int | str, str], None]
KEYS = ("promise", "fault", "runs", "figure", "date")
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


def note_promise(folder: Path, name: str, fault: str, runs: int | str, figure: str) -> None:
    """Keep one row, dated by the real clock; the same promise and fault again replaces it."""
    # Some tests that call this freeze the clock; only then there is a way around it.
    clock = escape_hatch.datetime.datetime if escape_hatch.is_travelling() else datetime
    today = clock.now(UTC).date()
    values = (name, fault, str(runs), figure, today.isoformat())
    slug = re.sub(r"[^a-z0-9]+", "-", f"{name} {fault}".lower()).strip("-")[:150]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{slug}.json").write_text(json.dumps(dict(zip(KEYS, values, strict=True))), encoding="utf-8")


def render_promises(rows: list[dict[str, str]]) -> str:
    """The whole document."""
    place = {name: number for number, name in enumerate(ORDER)}
    rows = sorted(rows, key=lambda row: (place.get(row["promise"], len(ORDER)), row["promise"], row["fault"]))
    lines = ("| " + " | ".join(row[key].replace("|", "\\|") for key in KEYS) + " |" for row in rows)
    frame = Path(__file__).with_name("promises.md").read_text(encoding="utf-8")
    return frame.replace("{rows}", "\n".join(lines))


if __name__ == "__main__":
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(sys.argv[1]).glob("*.json"))]
    Path(sys.argv[2]).write_text(render_promises(found), encoding="utf-8")
