"""Fixtures that more than one test file needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from browsing import Watched, run_browser, watch
from digest_workspace import make_workspace
from playwright.sync_api import Browser
from site_material import build, make_small_site
from smtp_server import SmtpServer, run_smtp
from sqlite_utils import Database

from harvester.database import open_database
from harvester.workspace import Workspace
from nlp.embedding import Encoders, load_encoders


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


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    """A real SMTP server that takes everything."""
    with run_smtp("ok") as server:
        yield server


@pytest.fixture
def workspace(tmp_path: Path, mail_server: SmtpServer) -> Workspace:
    """A workspace whose digests go to that server."""
    return make_workspace(tmp_path / "work", mail_server.port)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty archive."""
    database = open_database(tmp_path / "answers.db")
    yield database
    database.conn.close()


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    """The shipped ones, loaded once for all tests of a file."""
    return load_encoders()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a file."""
    with run_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the small workspace, built once for all tests of a file."""
    workspace, database = make_small_site(tmp_path_factory.mktemp("site") / "w")
    return build(workspace, database)


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    watched = watch(context)
    yield watched
    assert watched.page.evaluate("window.violations || []") == []
    assert watched.page.evaluate("window.hit") is None
    context.close()
    assert watched.troubles == []


def _dovecot():
    if not servers.can_run_dovecot():
        if servers.is_needed("dovecot"):
            pytest.fail("this run needs Dovecot (Debian: dovecot-imapd) and root")
        pytest.skip("needs Dovecot (Debian: dovecot-imapd) and root")
    return servers.run_dovecot()
