"""What is captured from a mailbox and from files: everything once, byte-identical, the server untouched."""

import hashlib
import mailbox
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from servers import PASSWORD, USER, ImapServer

from harvester.capture import load_files, poll
from harvester.config import Imap
from harvester.database import open_database
from harvester.errors import ServiceDown, UsageError
from harvester.imap import BATCH_BYTES, plan_batches

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)


def settings_for(server: ImapServer, **changes: object) -> Imap:
    plain = {"host": "127.0.0.1", "port": server.port, "security": "none", "username": USER, "password": PASSWORD}
    return Imap.model_validate({**plain, "timeout_seconds": 10, **changes})


def make_mails(count: int) -> list[bytes]:
    head = b"From: ana@marrowby.example\r\nTo: li@globex.example\r\nSubject: number %d\r\n\r\n"
    return [head % n + b"caf\xc3\xa9 \xff line\r\n" * (n + 1) for n in range(count)]


def ignore(count: int) -> None:
    del count


def stored_hashes(database) -> list[str]:
    return sorted(row[0] for row in database.conn.execute("select sha256 from messages"))


def test_poll_stores_every_mail_byte_identical_and_second_poll_adds_nothing(imap_server, tmp_path):
    mails = make_mails(30)
    imap_server.append(mails)
    database = open_database(tmp_path / "answers.db")
    assert poll(database, settings_for(imap_server), NOW, ignore).new == 30
    raws = [row[0] for row in database.conn.execute("select raw from messages order by id")]
    assert raws == mails
    assert stored_hashes(database) == sorted(hashlib.sha256(mail).hexdigest() for mail in mails)
    again = poll(database, settings_for(imap_server), NOW, ignore)
    assert (again.seen, again.new) == (0, 0)
    imap_server.append([b"Subject: one more\r\n\r\nx\r\n"])
    assert poll(database, settings_for(imap_server), NOW, ignore).new == 1


def test_poll_changes_no_flag_on_the_server(imap_server, tmp_path):
    imap_server.append(make_mails(5))
    poll(open_database(tmp_path / "answers.db"), settings_for(imap_server), NOW, ignore)
    with imap_server.connect() as client:
        client.select_folder("INBOX", readonly=True)
        flags = client.get_flags(client.search("ALL"))
    assert len(flags) == 5
    assert not any(b"\\Seen" in value for value in flags.values())


def test_changed_uidvalidity_keeps_one_copy(dovecot, tmp_path):
    dovecot.append(make_mails(8))
    database = open_database(tmp_path / "answers.db")
    poll(database, settings_for(dovecot), NOW, ignore)
    conf = ["doveadm", "-c", str(dovecot.folder / "dovecot.conf")]
    subprocess.run([*conf, "mailbox", "update", "--uid-validity", "77777", "-u", USER, "INBOX"], check=True)
    again = poll(database, settings_for(dovecot), NOW, ignore)
    assert (again.seen, again.new) == (8, 0)
    assert database.conn.execute("select count(*) from messages").fetchone()[0] == 8


def test_same_mail_twice_in_the_mailbox_is_one_message_with_two_captures(imap_server, tmp_path):
    imap_server.append(make_mails(1) * 2)
    database = open_database(tmp_path / "answers.db")
    assert poll(database, settings_for(imap_server), NOW, ignore).new == 1
    assert database.conn.execute("select count(*) from captures").fetchone()[0] == 2


def test_tls_and_starttls_with_an_own_ca(dovecot, tmp_path):
    dovecot.append(make_mails(3))
    changes = {"host": "localhost", "ca_file": str(dovecot.ca_file)}
    tls = settings_for(dovecot, **changes, port=dovecot.tls_port, security="tls")
    starttls = settings_for(dovecot, **changes, security="starttls")
    database = open_database(tmp_path / "answers.db")
    assert poll(database, tls, NOW, ignore).new == 3
    dovecot.append([b"Subject: later\r\n\r\nx\r\n"])
    assert poll(database, starttls, NOW, ignore).new == 1


def test_unknown_certificate_is_refused_with_a_sentence(dovecot, tmp_path):
    settings = settings_for(dovecot, host="localhost", port=dovecot.tls_port, security="tls")
    with pytest.raises(ServiceDown, match="certificate is not trusted"):
        poll(open_database(tmp_path / "answers.db"), settings, NOW, ignore)


def test_wrong_password_names_the_user_and_never_the_password(imap_server, tmp_path):
    settings = settings_for(imap_server, password="wrong-canary")
    with pytest.raises(ServiceDown, match=USER) as caught:
        poll(open_database(tmp_path / "answers.db"), settings, NOW, ignore)
    assert "wrong-canary" not in str(caught.value) + repr(settings)


def test_after_move_empties_the_folder_only_once_everything_is_stored(dovecot, tmp_path):
    dovecot.append(make_mails(4))
    with dovecot.connect() as client:
        client.create_folder("Done")
    database = open_database(tmp_path / "answers.db")
    assert poll(database, settings_for(dovecot, after="move:Done"), NOW, ignore).new == 4
    with dovecot.connect() as client:
        assert client.select_folder("INBOX", readonly=True)[b"EXISTS"] == 0
        assert client.select_folder("Done", readonly=True)[b"EXISTS"] == 4


def test_unreachable_server_is_a_service_that_is_down(tmp_path):
    settings = Imap.model_validate({"host": "127.0.0.1", "port": 1, "security": "none", "username": USER})
    with pytest.raises(ServiceDown, match=r"127\.0\.0\.1:1"):
        poll(open_database(tmp_path / "answers.db"), settings, NOW, ignore)


def test_batches_are_limited_by_count_and_by_bytes():
    many = [(uid, 10) for uid in range(450)]
    assert [len(batch) for batch in plan_batches(many)] == [200, 200, 50]
    large = [(1, BATCH_BYTES - 1), (2, 2), (3, 5 * BATCH_BYTES), (4, 1)]
    assert list(plan_batches(large)) == [(1,), (2,), (3,), (4,)]


def test_load_reads_eml_folder_mbox_and_maildir_and_adds_nothing_twice(tmp_path):
    mails = make_mails(6)
    folder = tmp_path / "mails" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.eml").write_bytes(mails[0])
    (tmp_path / "mails" / "note.txt").write_text("not a mail")
    box = mailbox.mbox(tmp_path / "box.mbox")
    box.add(mails[1])
    box.add(b"Subject: x\n\nFrom here on it hurts\n")
    box.close()
    maildir = mailbox.Maildir(tmp_path / "maildir")
    maildir.add(mails[2])
    maildir.close()
    (tmp_path / "single.eml").write_bytes(mails[3])
    paths = tuple(tmp_path / name for name in ("mails", "box.mbox", "maildir", "single.eml"))
    database = open_database(tmp_path / "answers.db")
    assert load_files(database, paths, NOW, ignore).new == 5
    again = load_files(database, paths, NOW, ignore)
    assert (again.seen, again.new) == (5, 0)
    raws = [row[0] for row in database.conn.execute("select raw from messages order by id")]
    assert raws[2] == b"Subject: x\n\nFrom here on it hurts\n"


def test_eml_file_that_begins_with_an_envelope_line_is_one_mail(tmp_path):
    raw = b"From ana@acme.example Mon Nov  2 09:00:00 2026\nSubject: x\n\nFrom here on\n\nFrom there\n"
    (tmp_path / "a.eml").write_bytes(raw)
    database = open_database(tmp_path / "answers.db")
    assert load_files(database, (tmp_path / "a.eml",), NOW, ignore).new == 1
    assert database.conn.execute("select raw from messages").fetchall() == [(raw,)]


def test_load_of_a_missing_path_stores_nothing(tmp_path):
    (tmp_path / "a.eml").write_bytes(make_mails(1)[0])
    database = open_database(tmp_path / "answers.db")
    with pytest.raises(UsageError, match="missing"):
        load_files(database, (tmp_path / "a.eml", tmp_path / "missing"), NOW, ignore)
    assert database.conn.execute("select count(*) from messages").fetchone()[0] == 0


def test_database_is_private(tmp_path):
    open_database(tmp_path / "answers.db")
    assert (tmp_path / "answers.db").stat().st_mode & 0o777 == 0o600
    assert Path(tmp_path / "answers.db-wal").stat().st_mode & 0o777 == 0o600
