"""What the fault tests share: how much to do, and where to note what was seen."""

import os
from functools import partial
from pathlib import Path

import pytest
from promises import Promise, note_promise

HERE = Path(__file__).parent


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

    Kept in the folder that the variable PROMISES names; without it nothing is kept.
    """
    folder = os.environ.get("PROMISES")
    if folder is None:
        return lambda name, fault, runs, figure: None
    return partial(note_promise, Path(folder))
