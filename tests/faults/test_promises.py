"""What docs/promises.md says was seen, and when."""

import json
from datetime import UTC, datetime
from pathlib import Path

import time_machine
from promises import note_promise


def test_a_promise_is_dated_by_the_real_clock_when_a_test_froze_it(tmp_path: Path):
    with time_machine.travel(datetime(2001, 1, 1, tzinfo=UTC)):
        note_promise(tmp_path, "erasure", "anything", 1, "0 hits")
    (note,) = tmp_path.iterdir()
    written = datetime.fromtimestamp(note.stat().st_mtime, UTC).date()  # by the system, which no test freezes
    assert json.loads(note.read_text(encoding="utf-8"))["date"] == written.isoformat()
