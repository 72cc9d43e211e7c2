"""The whole way on real servers: mails in a mailbox become topics, pages and a digest that arrives."""

import email
import email.policy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import servers
import time_machine
from smtp_server import SmtpServer, run_smtp
from typer.testing import CliRunner

from answers import app
from digest.demo import build_demo
from harvester.files import hash_mail
from harvester.resources import data_folder

MONDAY = datetime(2026, 11, 16, 7, 30, tzinfo=UTC)
MAILS = sorted((data_folder() / "sample" / "mails").glob("*.eml"))


class Command:
    """The installed command in one workspace, at a moment of our choice."""

    def __init__(self, config: Path) -> None:
        self.config = config

    def run(self, *arguments: str, exit_code: int = 0) -> str:
        done = CliRunner().invoke(app, ["--config", str(self.config), *arguments], catch_exceptions=False)
        assert done.exit_code == exit_code, done.output
        return done.stdout

    def json(self, *arguments: str):
        return json.loads(self.run(*arguments, "--json"))


@contextmanager
def workspace_on(folder: Path, imap: servers.ImapServer, smtp: SmtpServer) -> Iterator[Command]:
    config = folder / "answers.toml"
    config.write_text(
        f"""
[company]
name = "Marrowby"
domains = ["marrowby.example"]
timezone = "Europe/Berlin"
[imap]
host = "127.0.0.1"
port = {imap.port}
security = "none"
username = "{servers.USER}"
password = "{servers.PASSWORD}"
[trust]
authserv_id = "mx.marrowby.example"
[smtp]
host = "127.0.0.1"
port = {smtp.port}
security = "none"
from = "answers@marrowby.example"
[digest]
to = ["marketing@marrowby.example", "content@marrowby.example"]
owner = "owner@marrowby.example"
[site]
base_url = "https://pages.marrowby.example/"
""",
        encoding="utf-8",
    )
    with time_machine.travel(MONDAY, tick=True):
        yield Command(config)


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with run_smtp() as server:
        yield server


@pytest.mark.parametrize(("imap_server", "count"), [("dovecot", len(MAILS)), ("pymap", 60)], indirect=["imap_server"])
def test_mails_in_a_mailbox_become_topics_pages_and_a_digest_that_arrives(imap_server, count, smtp, tmp_path):
    raws = [path.read_bytes() for path in MAILS[-count:]]
    imap_server.append(raws)
    folder = tmp_path / "workspace"
    folder.mkdir(mode=0o700)
    with workspace_on(folder, imap_server, smtp) as answers:
        assert answers.json("poll")["new"] == count
        assert answers.json("poll") == {"seen": 0, "new": 0, "vanished": 0, "withheld": 0}
        answers.run("analyze")
        export = answers.json("export")
        check_export(export, raws)
        answers.run("analyze")
        assert without_time(answers.json("export")) == without_time(export)

        answers.run("site")
        check_pages(folder / "site", export)

        answers.run("digest")
        arrived = list(smtp.took)
        check_digest(arrived, export)
        assert answers.json("digest")["state"] != "sent"
        assert len(smtp.took) == len(arrived)

        ranked = answers.json("topics")
        assert [topic["rank"] for topic in ranked] == list(range(1, len(ranked) + 1))
        first = ranked[0]["id"]
        answers.run("topic", "rename", first, "A name that a person gave")
        before = {insight["id"]: insight["topic"] for insight in answers.json("export")["insights"]}
        answers.run("analyze", "--all")
        again = answers.json("export")
        assert {insight["id"]: insight["topic"] for insight in again["insights"]} == before
        assert next(topic for topic in again["topics"] if topic["id"] == first)["name"] == "A name that a person gave"
        assert first in answers.run("brief", first)
        assert answers.json("status")["mails"] == count


def test_demo_runs_the_main_job_without_any_server(tmp_path):
    demo = build_demo(tmp_path / "demo")
    assert demo.state.mails >= 150
    assert demo.state.by_status["accepted"] >= 140
    assert demo.state.companies >= 25
    assert len(demo.top) == 5
    assert demo.top[0].companies_recent >= 4
    site = tmp_path / "demo" / "site"
    assert (site / "index.html").exists()
    (week,) = (tmp_path / "demo" / "outbox").iterdir()
    text = (week / "digest.txt").read_text(encoding="utf-8")
    for shown in (
        "no page yet",
        "has a page",
        "WE HAVE A PAGE, STILL ASKED",
        "its link was sent in",
        "NEW SINCE 20 OCT",
    ):
        assert shown in text
    assert (site / "digests" / week.name / "index.html").exists()
    assert {path.name for path in week.iterdir()} == {"digest.eml", "digest.html", "digest.txt"}
    assert (tmp_path / "demo" / "answers.db").stat().st_mode & 0o777 == 0o600


def check_export(export: dict, raws: list[bytes]) -> None:
    assert {mail["sha256"] for mail in export["mails"]} == {hash_mail(raw) for raw in raws}
    by_id = {topic["id"]: topic for topic in export["topics"]}
    assert len(by_id) >= 5
    assert all(topic["id"].startswith("T-") for topic in export["topics"])
    placed = [insight for insight in export["insights"] if insight["topic"]]
    assert len(placed) >= 30
    assert {insight["topic"] for insight in placed} <= set(by_id)
    for topic in export["topics"]:
        members = [i for i in placed if i["topic"] == topic["id"] and not i["inferred"]]
        assert topic["companies"] == len({i["company"] for i in members})
        assert topic["insights"] == len(members)
    keys = [(i["message_id"], i["text"], i["company"]) for i in export["insights"]]
    assert len(keys) == len(set(keys))


def check_pages(site: Path, export: dict) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    for topic in export["topics"]:
        address = f"t/{topic['id']}-{topic['slug']}/index.html"
        assert address in index
        assert (site / address).exists()
    addresses = {i["company"] for i in export["insights"] if "@" in i["company"]}
    pages = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    assert addresses
    assert not [address for address in addresses if address in pages]


def check_digest(arrived: list, export: dict) -> None:
    recipients = sorted(address for recipients, _ in arrived for address in recipients)
    assert {"marketing@marrowby.example", "content@marrowby.example"} <= set(recipients)
    assert recipients.count("marketing@marrowby.example") == 1
    message = email.message_from_bytes(arrived[0][1], policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert len(arrived[0][1]) <= 60_000
    assert message["From"].addresses[0].addr_spec == "answers@marrowby.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"]
    assert "2026-w47" in message["Message-ID"].lower()
    html, text = message.get_body(("html",)).get_content(), message.get_body(("plain",)).get_content()
    names = [topic["name"] for topic in export["topics"]]
    assert any(name[:40] in text.replace("\n", " ") for name in names)
    assert "https://pages.marrowby.example/t/T-" in html
    assert "Asked by e-mail and BCC'd by colleagues" in " ".join(text.split())


def without_time(export: dict) -> dict:
    return {key: value for key, value in export.items() if key != "generated_at"}
