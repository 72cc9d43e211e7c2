"""Fixtures that more than one test file needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import servers


@pytest.fixture(params=["dovecot", "pymap"])
def imap_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[servers.ImapServer]:
    """A real IMAP server, once Dovecot and once pymap."""
    if request.param == "pymap":
        with servers.run_pymap(tmp_path) as server:
            yield server
        return
    with _dovecot() as server:
        yield server


@pytest.fixture
def dovecot() -> Iterator[servers.ImapServer]:
    """A real Dovecot."""
    with _dovecot() as server:
        yield server


def _dovecot():
    if not servers.can_run_dovecot():
        if servers.is_needed("dovecot"):
            pytest.fail("this run needs Dovecot (Debian: dovecot-imapd) and root")
        pytest.skip("needs Dovecot (Debian: dovecot-imapd) and root")
    return servers.run_dovecot()
