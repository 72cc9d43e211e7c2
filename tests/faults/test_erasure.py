"""Who asks to be forgotten is gone from every file, stays gone, and takes nobody else along."""

import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import forgotten
import mailroom
import pytest
import servers
import time_machine
from archive import CONFIG, Archive
from forgotten import ADDRESS, CANARIES, DOMAIN, MESSAGE_ID, NAME, ONE_CANARY, ONE_MAIL
from promises import Promise
from servers import PASSWORD, USER, ImapServer
from smtp_server import SmtpServer, run_smtp
from typer.testing import CliRunner

from answers import app
from harvester.resources import data_folder

NOW = datetime(2026, 11, 9, 9, 30, tzinfo=UTC)
ANYTHING = "erasure"
WITHOUT_RAW = "select id, sha256 from messages where raw is null"
EVERYTHING = (DOMAIN, NAME, "Lindqvist-Okafor", *CANARIES)
SAMPLES = sorted((data_folder() / "sample" / "mails").glob("*.eml"))


@pytest.fixture(scope="module")
def dovecot() -> Iterator[ImapServer]:
    """One for all tests here: what they do to the mailbox disturbs no other."""
    if not servers.can_run_dovecot():
        (pytest.fail if servers.is_needed("dovecot") else pytest.skip)("needs Dovecot and root")
    with servers.run_dovecot() as server:
        yield server


@pytest.fixture(autouse=True)
def frozen_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


def make_archive(folder: Path, imap: ImapServer, smtp: SmtpServer, samples: int) -> Archive:
    """Poll, understand, publish and send; the digest comes back into the mailbox, as it does in real life."""
    folder.mkdir()
    config = folder / "answers.toml"
    config.write_text(CONFIG.format(imap=imap.port, smtp=smtp.port, user=USER, password=PASSWORD))
    config.chmod(0o600)
    archive = Archive(folder)
    imap.append([path.read_bytes() for path in SAMPLES[:samples]])
    imap.append(forgotten.make_mails())
    archive.run("poll")
    archive.run("analyze")
    place_all(archive)
    archive.run("site")
    archive.run("digest", "--dry-run")
    archive.run("digest")
    imap.append([raw for _, raw in smtp.took])
    archive.run("poll")
    archive.run("analyze")
    (folder / "answers.log").write_text(f"level=info polled=3\nlevel=debug sender={ADDRESS}\nlevel=info done=1\n")
    return archive


def place_all(archive: Archive) -> None:
    """Topics named after what Petra said: one that others share, one of hers alone, one that a person named."""
    placed = archive.rows(
        "select i.id, i.text from insights i where i.text like '%zephyrwick%' or i.text like '%marrowstone%'"
        " or i.text like '%oxlipforge%' order by i.id"
    )
    others = archive.rows("select id from insights where text like '%stored%' or text like '%store the data%'")
    assert len(placed) >= 3
    assert others
    for number, (insight, text) in enumerate(placed[:3], start=901):
        archive.change(
            "insert into topics (id, name, slug, category, stage, born_at) values (?, ?, ?, 'fit', 'decision', ?)",
            number,
            text,
            text.lower().replace(" ", "-").strip("?."),
            NOW.isoformat(),
        )
        archive.change("delete from assignments where insight = ?", insight)
        archive.change("insert into assignments values (?, ?, 1, 'machine', ?)", insight, number, NOW.isoformat())
    for (insight,) in others:
        archive.change("delete from assignments where insight = ?", insight)
        archive.change("insert into assignments values (?, 901, 1, 'machine', ?)", insight, NOW.isoformat())
    archive.run("topic", "rename", "T-903", "Reports that leave the house")


def stories(archive: Archive) -> dict[int, tuple[str, str]]:
    return {one["id"]: (one["text"], one["topic"]) for one in archive.json("export")["insights"]}


def hers(texts: dict[int, tuple[str, str]]) -> set[int]:
    return {number for number, (text, _) in texts.items() if any(word in text for word in CANARIES)}


@pytest.fixture(scope="module")
def master(dovecot: ImapServer, tmp_path_factory: pytest.TempPathFactory, full: bool) -> Iterator[Archive]:
    with run_smtp() as smtp, time_machine.travel(NOW, tick=True):
        yield make_archive(tmp_path_factory.mktemp("forget") / "master", dovecot, smtp, len(SAMPLES) if full else 12)


@pytest.fixture
def archive(master: Archive, tmp_path: Path) -> Archive:
    return master.copy(tmp_path / "archive")


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    """The same mails as files, one of them named after her."""
    folder = tmp_path / "mails"
    folder.mkdir()
    for number, raw in enumerate(forgotten.make_mails()):
        name = f"{ADDRESS}.eml" if number == 0 else f"{number}.eml"
        (folder / name).write_bytes(raw)
    return folder


def append_again(imap: ImapServer, folder: str) -> None:
    """Everything once more under other numbers: what another incarnation of the mailbox looks like."""
    with imap.connect() as client:
        client.create_folder(folder)
    imap.append(forgotten.make_mails(), folder)


def test_an_address_and_a_domain_are_gone_from_every_file_and_stay_gone(
    archive: Archive,
    dovecot: ImapServer,
    mails: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
    promise: Promise,
):
    held = forgotten.search(archive.folder, EVERYTHING)
    places = {name.split("/")[0].split(".")[0] for name in held}
    assert places >= {"answers", "site", "outbox", "table messages", "table outbox", "table topics"}
    before = stories(archive)
    backup = archive.json("backup", str(tmp_path / "kept.backup"))
    assert backup["left_out"] == ["passwords"]
    append_again(dovecot, "Again")
    for target, extra in ((ADDRESS, ()), (DOMAIN, (MESSAGE_ID.strip("<>"),))):
        copy = archive.copy(tmp_path / target)
        mailbox = copy.json("forget", target, "--dry-run")
        in_tables = forgotten.search_tables(copy.folder / "answers.db", EVERYTHING)
        assert in_tables.items() <= held.items()  # a dry run changes nothing
        assert len(in_tables) > 8
        erased = copy.json("forget", target, "--yes")
        assert (erased["mails"], erased["passages"]) == (mailbox["mails"], mailbox["passages"])
        assert erased["mails"] >= 5
        assert erased["passages"] >= 4
        assert [(held["path"], held["holds"]) for held in erased["backups"]] == [(backup["path"], True)]
        needles = (ADDRESS if target == ADDRESS else DOMAIN, *EVERYTHING[1:], *extra)
        assert forgotten.search(copy.folder, needles) == {}
        assert "T-902" in erased["emptied"]
        after = stories(copy)
        assert not hers(after)
        assert {number: after.get(number) for number in before if number not in hers(before)} == {
            number: story for number, story in before.items() if number not in hers(before)
        }
        topics = {one["id"]: one for one in copy.json("export")["topics"]}
        assert topics["T-903"]["name"] == "Reports that leave the house"
        assert topics["T-901"]["name"] in {text for text, _ in after.values()}
        assert topics["T-902"]["insights"] == 0
        assert "polled=3" in (copy.folder / "answers.log").read_text()

        if full:
            copy.everything_again(mails)
        monkeypatch.setenv("ANSWERS_IMAP__FOLDER", "Again")
        copy.everything_again(mails)
        monkeypatch.delenv("ANSWERS_IMAP__FOLDER")
        with dovecot.connect() as client:
            client.append("INBOX", forgotten.mail("late", ADDRESS, "So, Petra?", "Once more").as_bytes())
        if full or target == DOMAIN:
            copy.everything_again(mails)
        assert forgotten.search(copy.folder, needles) == {}
        assert stories(copy).keys() == after.keys()
        assert copy.json("search", "warranty")
        assert not copy.json("search", *CANARIES)
        again = copy.json("forget", target, "--yes")
        assert (again["mails"], again["passages"], again["insights"]) == (0, 0, 0)
    promise(
        ANYTHING,
        "`answers forget` of an address and of its domain: mails in five encodings, forwarded, quoted without a name,"
        " named without an address, in the log, on the pages, in the digest sent",
        "2 targets",
        "0 hits in database, WAL, index, site, outbox, logs; all others' insights as before; the backup is named",
    )
    promise(
        ANYTHING,
        "next poll from Dovecot, another folder with the same mails, `load`, `analyze --all`, a new mail to her",
        "2 targets, 3 rounds",
        "still 0",
    )


def test_one_mail_is_gone_and_the_rest_of_the_conversation_stays(
    archive: Archive, mails: Path, tmp_path: Path, promise: Promise
):
    needles = (ONE_CANARY, ONE_MAIL.strip("<>"))
    assert forgotten.search(archive.folder, needles)
    before = stories(archive)
    erased = archive.json("forget", ONE_MAIL, "--yes")
    assert erased["mails"] == 1
    assert forgotten.search(archive.folder, needles) == {}
    archive.everything_again(mails)
    assert forgotten.search(archive.folder, needles) == {}
    after = stories(archive)
    assert {text for text, _ in before.values()} - {text for text, _ in after.values()} == {
        text for text, _ in before.values() if ONE_CANARY in text
    }
    assert forgotten.search(archive.folder, (ADDRESS,))  # she herself was not to be forgotten
    promise(ANYTHING, "`answers forget` of one mail by its Message-ID", "1 target", "0 hits; all others as before")


def test_killed_at_any_point_the_next_command_ends_it(master: Archive, tmp_path: Path, full: bool, promise: Promise):
    before = forgotten.search_tables(master.folder / "answers.db", EVERYTHING)
    assert len(before) > 8
    without_raw = master.rows(WITHOUT_RAW)
    log = tmp_path / "whole.log"
    whole = master.copy(tmp_path / "whole")
    assert mailroom.answers(whole.folder, "forget", DOMAIN, "--yes", crash=(log, 0)).returncode == 0
    assert forgotten.search(whole.folder, EVERYTHING) == {}
    side_effects = len(log.read_text().splitlines())
    points = sorted({*range(1, side_effects + 1, max(1, side_effects // (60 if full else 3))), side_effects})
    untouched = resumed = 0
    for point in points:
        copy = master.copy(tmp_path / f"point-{point}")
        done = mailroom.answers(copy.folder, "forget", DOMAIN, "--yes", crash=(tmp_path / "points.log", point))
        assert done.returncode == -signal.SIGKILL, point
        if copy.rows("select count(*) from tombstones") == [(0,)]:
            untouched += 1
            assert copy.rows(WITHOUT_RAW) == without_raw, point
            assert forgotten.search_tables(copy.folder / "answers.db", EVERYTHING) == before
        else:
            resumed += 1
            assert mailroom.answers(copy.folder, "status").returncode == 0
            left = forgotten.search(copy.folder, EVERYTHING)
            assert left == {}, (point, left)
            assert copy.rows("pragma integrity_check") == [("ok",)]
            assert copy.rows("pragma foreign_key_check") == []
        shutil.rmtree(copy.folder)
    assert resumed > untouched > 0
    promise(
        ANYTHING,
        "SIGKILL of `answers forget` at its n-th side effect, then `answers status`",
        f"{len(points)} of N = {side_effects} points",
        f"{untouched} times nothing had begun; {resumed} times the next command ended it: 0 hits, integrity ok",
    )


@pytest.mark.parametrize(
    ("whom", "sentence"),
    [
        ("marrowby.example", "your own domain"),
        (USER, "the mailbox itself"),
        ("gmail.com", "one person's address"),
        ("nobody at all", "no address, domain or Message-ID"),
        ("", "no address, domain or Message-ID"),
    ],
)
def test_what_would_erase_everything_is_refused(archive_without_mails: Archive, whom: str, sentence: str):
    done = CliRunner().invoke(
        app, ["--config", str(archive_without_mails.folder / "answers.toml"), "forget", whom, "--yes"]
    )
    assert sentence in str(done.exception)
    assert archive_without_mails.rows("select count(*) from tombstones") == [(0,)]


def test_somebody_unknown_is_kept_out_all_the_same(archive_without_mails: Archive, mails: Path):
    erased = archive_without_mails.json("forget", "<" + MESSAGE_ID.strip("<>") + ">", "--yes")
    assert erased["mails"] == 0
    archive_without_mails.run("forget", ADDRESS, "--yes")
    archive_without_mails.run("load", str(mails))
    assert forgotten.search(archive_without_mails.folder, (ADDRESS, "zephyrwick", "tanglefen")) == {}
    accepted = archive_without_mails.rows("select count(*) from messages where raw is not null")
    assert accepted > [(0,)]


@pytest.fixture
def archive_without_mails(tmp_path: Path) -> Archive:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "answers.toml").write_text(CONFIG.format(imap=1, smtp=1, user=USER, password=PASSWORD))
    (folder / "answers.toml").chmod(0o600)
    archive = Archive(folder)
    archive.run("status")
    return archive
