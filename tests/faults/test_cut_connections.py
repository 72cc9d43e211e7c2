"""A connection that is cut, reset or freezes at any byte loses no mail and holds nobody up."""

import random
import time
from datetime import UTC, datetime
from pathlib import Path

import mailroom
import pytest
from cutting_proxy import Cut, Kind, run_proxy
from promises import Promise
from servers import ImapServer

from harvester.capture import poll
from harvester.errors import ServiceDown
from harvester.workspace import find_workspace

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
TIMEOUT = 1
NAME = "a cut connection loses nothing"


@pytest.mark.parametrize("security", ["none", "tls"])
@pytest.mark.parametrize("kind", ["close", "reset", "stall"])
def test_cut_again_and_again_every_mail_arrives_once(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise, kind: Kind, security: str
):
    mails = mailroom.make_mails(3000 if full else 50, smallest=4_000, largest=600_000 if full else 100_000)
    mailroom.deliver(dovecot, mails)
    chance = random.Random(f"{kind} {security}")
    longest = 3_000_000 if full else 300_000
    port = dovecot.tls_port if security == "tls" else dovecot.port
    assert port is not None
    with run_proxy(port, lambda: Cut(kind, chance.randrange(20_000, longest))) as proxy:
        tls = {"host": "localhost", "ca_file": dovecot.ca_file} if security == "tls" else {}
        folder = mailroom.make_workspace(
            tmp_path / "work", dovecot, port=proxy.port, security=security, timeout=TIMEOUT, **tls
        )
        tries = 0
        while not poll_once(folder):
            tries += 1
            assert tries < 300
        cuts = proxy.cuts
    assert cuts >= (8 if full else 1), cuts
    assert cuts == tries
    found = mailroom.compare(folder, mails)
    assert found.is_whole, found
    size = sum(map(len, mails)) / 1e6
    promise(
        NAME,
        f"{len(mails):,} mails, {size:.0f} MB; a proxy ends each connection after 20 kB to {longest / 1e6:g} MB: {kind}"
        + (", TLS" if security == "tls" else ""),
        f"{cuts} cuts",
        "0 missing, 0 twice, 0 altered, integrity ok",
    )


@pytest.mark.parametrize("security", ["none", "tls"])
def test_a_stall_at_any_byte_ends_within_the_timeout_and_a_second(
    dovecot: ImapServer, tmp_path: Path, full: bool, promise: Promise, security: str
):
    mails = mailroom.make_mails(50, largest=100_000)
    mailroom.deliver(dovecot, mails)
    chance = random.Random(5)
    places = [0, 1, 40, 300, 900, 1500, 4000, *(chance.randrange(5_000, 100_000) for _ in range(10 if full else 1))]
    port = dovecot.tls_port if security == "tls" else dovecot.port
    assert port is not None
    slowest = 0.0
    for place in places:
        with run_proxy(port, lambda place=place: Cut("stall", place)) as proxy:
            tls = {"host": "localhost", "ca_file": dovecot.ca_file} if security == "tls" else {}
            folder = mailroom.make_workspace(
                tmp_path / f"{place}", dovecot, port=proxy.port, security=security, timeout=TIMEOUT, **tls
            )
            seconds = seconds_until_given_up(folder)
            assert seconds < TIMEOUT + 1, place
            slowest = max(slowest, seconds)
    promise(
        NAME,
        f"the connection freezes after n bytes{', TLS' if security == 'tls' else ''}; timeout {TIMEOUT} s",
        f"{len(places)} places from the first byte on",
        f"given up after {slowest:.1f} s at most",
    )


def poll_once(folder: Path) -> bool:
    """Whether it reached its end."""
    workspace = find_workspace(folder / "answers.toml")
    database = workspace.open_database()
    try:
        poll(database, workspace.config.imap, NOW, lambda count: None)
    except ServiceDown:
        return False
    finally:
        database.conn.close()
    return True


def seconds_until_given_up(folder: Path) -> float:
    workspace = find_workspace(folder / "answers.toml")
    database = workspace.open_database()
    started = time.monotonic()
    with pytest.raises(ServiceDown, match="did not answer within 1 s"):
        poll(database, workspace.config.imap, NOW, lambda count: None)
    seconds = time.monotonic() - started
    database.conn.close()
    return seconds
