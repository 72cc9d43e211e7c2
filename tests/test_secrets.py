"""A password is in its file and nowhere else: not in output, logs, tracebacks, the list of processes, or any file."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import servers
import time_machine
import typer.main
from smtp_server import run_smtp
from test_config import MINIMAL, problems_of, write, write_secret
from typer.testing import CliRunner

from answers import app
from digest.dispatch import make_private_folder
from digest.doctor import check_settings
from harvester.config import load_config
from harvester.database import open_database
from harvester.resources import data_folder

MONDAY = datetime(2026, 11, 16, 7, 30, tzinfo=UTC)
CANARY = servers.PASSWORD
SMTP_CANARY = "canary-smtp-93c1d7"
FORMS = tuple(
    form
    for secret in (CANARY, SMTP_CANARY)
    for form in (
        secret.encode(),
        secret[::-1].encode(),
        base64.b64encode(secret.encode()).rstrip(b"="),
        base64.b64encode(f"\0{servers.USER}\0{secret}".encode())[28:-4],
        secret.encode("utf-16-le"),
    )
)
MAILS = sorted((data_folder() / "sample" / "mails").glob("*.eml"))[:60:4]
# What each command is given; a new command has to be added here.
ARGUMENTS = {
    "analyze": ["--all"],
    "backup": ["{folder}/kept.backup"],
    "brief": ["{topic}"],
    "digest": [],
    "doctor": ["--json"],
    "explain": ["{mail}", "--json"],
    "export": ["--json"],
    "forget": ["nobody@nowhere.example", "--yes"],
    "load": ["{mail}"],
    "import-pages": ["{folder}/pages.csv"],
    "pages": [],
    "poll": ["--json"],
    "quarantine": ["list"],
    "restore": ["{folder}/kept.backup", "--yes"],
    "search": ["data"],
    "site": [],
    "status": ["--json"],
    "suggestions": [],
    "topic": ["rename", "{topic}", "Anything"],
    "topics": [],
}
STARTED_OTHERWISE = {"run", "init", "demo"}  # run is below; the other two make a workspace of their own


def hits(text: bytes) -> list[bytes]:
    return [form for form in FORMS if form in text]


def hits_in_files(folder: Path, but: tuple[str, ...]) -> dict[str, list[bytes]]:
    found = {path: hits(path.read_bytes()) for path in folder.rglob("*") if path.is_file() and path.name not in but}
    assert found
    return {str(path): said for path, said in found.items() if said}


def configure(folder: Path, imap_port: int, smtp_port: int, *, imap: str = "", smtp: str = "") -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "answers.toml"
    path.write_text(
        f"""
[company]
name = "Marrowby"
domains = ["marrowby.example"]
[imap]
host = "127.0.0.1"
port = {imap_port}
security = "none"
username = "{servers.USER}"
timeout_seconds = 5
{imap}
[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
username = "{servers.USER}"
timeout_seconds = 5
{smtp}
[digest]
to = ["marketing@marrowby.example"]
owner = "owner@marrowby.example"
""",
        encoding="utf-8",
    )
    return path


def answer(config: Path, *arguments: str) -> tuple[int, bytes]:
    """Exit code, and everything that anybody could see of it: output, and the whole chain of exceptions."""
    result = CliRunner().invoke(app, ["--config", str(config), *arguments])
    seen = result.output
    error = result.exception
    while error is not None:
        seen += "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return getattr(result.exception, "exit_code", result.exit_code), seen.encode()


def test_every_command_keeps_the_passwords_to_itself(dovecot: servers.ImapServer, tmp_path: Path):
    dovecot.append([path.read_bytes() for path in MAILS])
    folder = tmp_path / "w"
    known = set(typer.main.get_command(app).commands)
    with run_smtp(user=servers.USER, password=SMTP_CANARY) as smtp, time_machine.travel(MONDAY, tick=True):
        files = {"imap": 'password_file = "imap.secret"', "smtp": 'password_file = "smtp.secret"'}
        config = configure(folder, dovecot.port, smtp.port, **files)
        write_secret(folder / "imap.secret", CANARY)
        write_secret(folder / "smtp.secret", SMTP_CANARY)
        (folder / "pages.csv").write_text("url,title\nhttps://marrowby.example/data,How data is kept\n")
        order = ("poll", "analyze", "site", "digest", "backup")
        commands = [*order, *sorted(known & ARGUMENTS.keys() - {*order})]
        codes, topic = {}, ""
        for name in commands:
            if name == "site":
                topic = json.loads(answer(config, "topics", "--json", "--days", "999")[1])[0]["id"]
            given = [one.format(folder=folder, mail=MAILS[0], topic=topic) for one in ARGUMENTS[name]]
            codes[name], seen = answer(config, name, *given)
            assert hits(seen) == [], name
        assert {name: code for name, code in codes.items() if code} == {}
        assert smtp.took, "a digest went out, so that the login was used"
    assert hits_in_files(folder, ("imap.secret", "smtp.secret")) == {}
    assert known - ARGUMENTS.keys() - STARTED_OTHERWISE == set(), "a new command: add what it is given to ARGUMENTS"


@pytest.fixture
def echoing_server() -> Iterator[int]:
    """Speaks IMAP or SMTP just enough to refuse a login, and repeats it in the refusal."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    client, _ = listener.accept()
                except TimeoutError:
                    continue
                with client, client.makefile("rwb", buffering=0) as line:
                    client.settimeout(5)
                    line.write(b"* OK [CAPABILITY IMAP4rev1] hi\r\n" if kind[0] == "imap" else b"220 hi\r\n")
                    while said := line.readline():
                        line.write(reply(said))

        def reply(said: bytes) -> bytes:
            if kind[0] == "imap":
                tag = said.split()[0]
                if b"CAPABILITY" in said.upper():
                    return b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n"
                return tag + b" NO wrong: " + said.strip() + b"\r\n"
            if said.upper().startswith(b"EHLO"):
                return b"250-hi\r\n250 AUTH PLAIN LOGIN\r\n"
            return b"535 wrong: " + said.strip() + b"\r\n"

        kind = ["imap"]
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], kind
        ended.set()
        thread.join()


def test_a_server_that_repeats_the_password_in_its_refusal_is_not_quoted(echoing_server, tmp_path: Path):
    port, kind = echoing_server
    free = servers.free_port()
    config = configure(tmp_path / "w", port, free, imap=f'password = "{CANARY}"', smtp=f'password = "{SMTP_CANARY}"')
    code, seen = answer(config, "poll")
    assert (code, hits(seen)) == (69, [])
    assert b"refused the login" in seen
    kind[0] = "smtp"
    config = configure(tmp_path / "w", free, port, imap=f'password = "{CANARY}"', smtp=f'password = "{SMTP_CANARY}"')
    code, seen = answer(config, "doctor")
    assert (code, hits(seen)) == (1, [])
    assert seen.count(b"refused the login") == 1
    assert hits_in_files(tmp_path / "w", ("answers.toml",)) == {}


def test_the_daemon_shows_no_password_in_the_list_of_processes_nor_to_its_workers(
    dovecot: servers.ImapServer, tmp_path: Path
):
    dovecot.append([path.read_bytes() for path in MAILS])
    config = configure(tmp_path / "w", dovecot.port, servers.free_port())
    environment = {**os.environ, "ANSWERS_IMAP__PASSWORD": CANARY, "ANSWERS_SMTP__PASSWORD": SMTP_CANARY}
    command = [sys.executable, "-m", "answers", "--config", str(config), "run"]
    root = Path(__file__).parent.parent
    with (tmp_path / "log").open("wb") as log:
        daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=root)
    try:
        seen: dict[int, bytes] = {}
        workers: dict[int, bytes] = {}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (tmp_path / "w" / "site" / "index.html").exists():
            for pid in (daemon.pid, *children_of(daemon.pid)):
                try:
                    seen[pid] = Path(f"/proc/{pid}/cmdline").read_bytes()
                    if pid != daemon.pid and b"harvester.worker" in seen[pid]:
                        workers[pid] = Path(f"/proc/{pid}/environ").read_bytes()
                except OSError:
                    continue  # it has just ended
            time.sleep(0.02)
    finally:
        daemon.terminate()
        daemon.wait(timeout=30)
    assert (tmp_path / "w" / "site" / "index.html").exists()
    assert len(workers) >= 1
    assert hits(b"".join(seen.values())) == []
    assert hits(b"".join(workers.values())) == []
    assert hits((tmp_path / "log").read_bytes()) == []
    assert hits_in_files(tmp_path / "w", ()) == {}


def children_of(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


# ---------------------------------------------------------------- files that only their owner may read
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o622])
def test_a_password_file_that_others_can_use_is_refused_with_one_sentence(tmp_path: Path, mode: int):
    write_secret(tmp_path / "imap.secret", CANARY, mode)
    (problem,) = problems_of(write(tmp_path, MINIMAL + '[imap]\npassword_file = "imap.secret"\n'))
    assert problem == (
        f"answers.toml: [imap] password_file = 'imap.secret': others can use it (mode {mode:04o});"
        f" chmod 600 {tmp_path / 'imap.secret'}"
    )


def test_a_credential_of_systemd_is_taken_by_the_name_of_the_file_or_of_the_key(tmp_path: Path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    write_secret(tmp_path / "imap.secret", "beside")
    path = write(tmp_path, MINIMAL + '[imap]\npassword_file = "imap.secret"\n')
    assert load_config(path, environment).imap.password.get_secret_value() == "beside"
    write_secret(credentials / "imap.secret", "by file\n", 0o440)  # as systemd makes them
    write_secret(credentials / "smtp.password", "by key\n", 0o440)
    config = load_config(path, environment)
    assert config.imap.password.get_secret_value() == "by file"
    assert config.smtp.password.get_secret_value() == "by key"
    given = {**environment, "ANSWERS_IMAP__PASSWORD": "by variable", "ANSWERS_SMTP__PASSWORD": "too"}
    config = load_config(path, given)
    assert (config.imap.password.get_secret_value(), config.smtp.password.get_secret_value()) == ("by variable", "too")


def test_a_secret_can_come_from_a_file_that_a_variable_names(tmp_path: Path):
    write_secret(tmp_path / "elsewhere", "by file\n")
    config = load_config(write(tmp_path, MINIMAL), {"ANSWERS_SMTP__PASSWORD_FILE": str(tmp_path / "elsewhere")})
    assert config.smtp.password.get_secret_value() == "by file"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 100_000])
def test_what_is_no_secret_is_one_problem_that_does_not_repeat_it(tmp_path: Path, content: bytes):
    (tmp_path / "imap.secret").write_bytes(content)
    (tmp_path / "imap.secret").chmod(0o600)
    (problem,) = problems_of(write(tmp_path, MINIMAL + '[imap]\npassword_file = "imap.secret"\n'))
    assert problem.startswith("answers.toml: [imap] password_file = 'imap.secret': is ")
    assert "xxx" not in problem


def test_doctor_tells_of_a_password_in_a_file_that_others_can_read(tmp_path: Path):
    path = write(tmp_path, MINIMAL + f'[imap]\npassword = "{CANARY}"\n')
    path.chmod(0o644)
    check = check_settings(path)
    assert (check.outcome, CANARY in check.detail) == ("warning", False)
    path.chmod(0o600)
    assert check_settings(path).outcome == "ok"
    path.write_text(MINIMAL)
    path.chmod(0o644)
    assert check_settings(path).outcome == "ok"


def test_what_we_write_about_customers_is_for_the_owner_alone(dovecot: servers.ImapServer, tmp_path: Path):
    old = os.umask(0o022)
    try:
        config = configure(tmp_path / "w", dovecot.port, 1, imap=f'password = "{CANARY}"')
        digest = ("digest", "--dry-run", "--week", "2026-W46")
        for arguments in (("load", *map(str, MAILS)), ("analyze",), digest, ("backup", str(tmp_path))):
            assert answer(config, *arguments)[0] == 0
    finally:
        os.umask(old)
    private = [*(tmp_path / "w").glob("answers.db*"), *tmp_path.glob("*.backup"), *(tmp_path / "w").glob("*.lock")]
    private += [path for path in (tmp_path / "w" / "outbox").rglob("*") if path.is_file()]
    assert len(private) >= 5
    assert {oct(path.stat().st_mode & 0o777) for path in private} == {"0o600"}
    folders = [tmp_path / "w" / "outbox", *(tmp_path / "w" / "outbox").iterdir()]
    assert {oct(path.stat().st_mode & 0o777) for path in folders} == {"0o700"}


def test_a_database_or_outbox_that_was_copied_with_a_wide_mode_is_taken_back(tmp_path: Path):
    open_database(tmp_path / "answers.db").conn.close()
    (tmp_path / "answers.db").chmod(0o644)
    open_database(tmp_path / "answers.db").conn.close()
    assert (tmp_path / "answers.db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "outbox").mkdir(mode=0o755)
    make_private_folder(tmp_path / "outbox")
    assert (tmp_path / "outbox").stat().st_mode & 0o777 == 0o700
