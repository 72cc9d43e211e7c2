"""What docs/promises.md says was seen, and when."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from promises import note_promise


@pytest.mark.parametrize("is_frozen", [True, False])
def test_a_promise_is_dated_by_the_real_clock(tmp_path: Path, is_frozen: bool):
    with time_machine.travel(datetime(2001, 1, 1, tzinfo=UTC)) if is_frozen else nullcontext():
        note_promise(tmp_path, "erasure", "anything", 1, "0 hits")
    (note,) = tmp_path.iterdir()
    written = datetime.fromtimestamp(note.stat().st_mtime, UTC).date()  # by the system, which no test freezes
    assert json.loads(note.read_text(encoding="utf-8"))["date"] == written.isoformat()
