"""Real servers on loopback for the tests: an IMAP server (Dovecot where it may run, else pymap) and an SMTP server."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import imapclient

PASSWORD = "canary-7fb1e2"
USER = "answers@marrowby.example"


@dataclass(frozen=True)
class ImapServer:
    """A running server. tls_port and ca_file: None when it only speaks plain text."""

    name: str
    port: int
    tls_port: int | None
    ca_file: Path | None
    folder: Path

    def connect(self) -> imapclient.IMAPClient:
        client = imapclient.IMAPClient("127.0.0.1", port=self.port, ssl=False, timeout=20)
        client.login(USER, PASSWORD)
        return client

    def append(self, mails: list[bytes], folder: str = "INBOX") -> None:
        with self.connect() as client:
            for mail in mails:
                client.append(folder, mail)


def is_needed(name: str) -> bool:
    """Whether a missing server is a failure (continuous integration) and not a reason to skip."""
    return name in os.environ.get("TESTS_NEED", "").split()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def can_run_dovecot() -> bool:
    return shutil.which("dovecot") is not None and os.geteuid() == 0


@contextmanager
def run_dovecot() -> Iterator[ImapServer]:
    # Not below pytest's folder: that is closed to the user that mails are stored as.
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield from _serve_dovecot(folder)


def _serve_dovecot(folder: Path) -> Iterator[ImapServer]:
    port, tls_port = free_port(), free_port()
    make_certificates(folder)
    for part in ("base", "state", "mail"):
        (folder / part).mkdir()
    (folder / "mail").chmod(0o777)
    (folder / "dovecot.conf").write_text(
        f"""
base_dir = {folder}/base
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
disable_plaintext_auth = no
auth_failure_delay = 0
mail_max_userip_connections = 100
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
default_internal_user = nobody
default_login_user = nobody
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""
    )
    process = subprocess.Popen(["dovecot", "-F", "-c", str(folder / "dovecot.conf")])
    try:
        wait_for_port(port, process)
        yield ImapServer("dovecot", port, tls_port, folder / "ca.pem", folder)
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def run_pymap(folder: Path) -> Iterator[ImapServer]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    login = ["--demo-data", "--demo-user", USER, "--demo-password", PASSWORD]
    log = (folder / "pymap.log").open("wb")
    process = subprocess.Popen([*command, "--no-service", "admin", "dict", *login], stdout=log, stderr=log)
    try:
        wait_for_port(port, process)
        server = ImapServer("pymap", port, None, None, folder)
        with server.connect() as client:  # it starts with sample mails of its own
            client.select_folder("INBOX")
            if uids := client.search("ALL"):
                client.delete_messages(uids)
                client.expunge()
        yield server
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
        log.close()


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        time.sleep(0.05)
    raise RuntimeError("the server did not start within 20 s")


def make_certificates(folder: Path) -> None:
    """A CA of our own and a server certificate for localhost, valid for two days."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    extensions = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    new_key = ("-newkey", "rsa:2048", "-nodes")
    openssl(
        "req",
        "-x509",
        *new_key,
        "-days",
        "2",
        "-subj",
        "/CN=Test CA",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        *extensions,
    )
    openssl("req", *new_key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "server.ext")
    openssl("x509", "-req", "-in", "server.csr", *signing, "-out", "server.pem")
