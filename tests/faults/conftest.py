"""What the fault tests share: how much to do, and where to note which promise was kept under which fault."""

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

HERE = Path(__file__).parent
Promise = Callable[[str, str, int | str, str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether to do all of it (`make faults`) or a bounded version (`make test`)."""
    return os.environ.get("FAULTS") == "full"


@pytest.fixture
def promise() -> Promise:
    """promise(name, fault, runs, figure), called once all of it was seen to hold: a row of docs/promises.md.

    The row goes to a file in the folder that the variable PROMISES names; nothing is written without it.
    """
    folder = os.environ.get("PROMISES")

    def note(name: str, fault: str, runs: int | str, figure: str) -> None:
        if not folder:
            return
        row = {
            "promise": name,
            "fault": fault,
            "runs": str(runs),
            "figure": figure,
            "date": datetime.now(UTC).date().isoformat(),
        }
        slug = re.sub(r"[^a-z0-9]+", "-", f"{name} {fault}".lower()).strip("-")[:150]
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{slug}.json").write_text(json.dumps(row), encoding="utf-8")

    return note
