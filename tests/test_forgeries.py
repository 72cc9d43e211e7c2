"""With a server that vouches for senders, what anybody else can write lets nobody in. Each forgery is a mail file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from answers import app
from harvester.reading import read_mail
from harvester.records import ReadingSettings, Roster, Status

FILES = sorted((Path(__file__).parent / "forgeries").glob("*.eml"))
GENUINE = [path for path in FILES if path.name.startswith("genuine-")]
FORGED = [path for path in FILES if path not in GENUINE]
ROSTER = Roster(("acme.example",), answers_address="answers@acme.example")
SETTINGS = ReadingSettings(ROSTER, authserv_id="mx.acme.example")
CONFIG = """
[company]
name = "Acme"
domains = ["acme.example"]
[imap]
username = "answers@acme.example"
[trust]
authserv_id = "mx.acme.example"
"""


def test_there_are_twelve_forgeries_and_three_genuine_mails() -> None:
    assert (len(FORGED), len(GENUINE)) == (12, 3)


@pytest.mark.parametrize("path", FORGED, ids=lambda path: path.stem)
def test_a_forgery_is_quarantined(path: Path) -> None:
    verdict = read_mail(path.read_bytes(), SETTINGS).verdict
    assert verdict.status is Status.QUARANTINED
    assert verdict.reason


@pytest.mark.parametrize("path", GENUINE, ids=lambda path: path.stem)
def test_a_genuine_mail_is_accepted(path: Path) -> None:
    verdict = read_mail(path.read_bytes(), SETTINGS).verdict
    assert (verdict.status, verdict.reason) == (Status.ACCEPTED, None)


@pytest.mark.parametrize("path", FORGED, ids=lambda path: path.stem)
def test_what_a_sender_writes_under_his_own_headers_does_not_help_him(path: Path) -> None:
    """The same forgery with every header that could claim another colleague, below what our server wrote."""
    claims = (
        "Resent-From: Ana Reyes <ana@acme.example>",
        "X-Original-From: Ana Reyes <ana@acme.example>",
        "X-Original-Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example",
        "ARC-Authentication-Results: i=1; mx.acme.example; dmarc=pass header.from=acme.example",
        "Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example",
        "X-Answers-Journal-From: ana@acme.example",
        "X-Answers-Journal-Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example",
    )
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    raw = "\n".join([head, *claims]) + "\n\n" + body
    assert read_mail(raw.encode(), SETTINGS).verdict.status is Status.QUARANTINED


def test_a_stranger_whom_his_own_server_vouches_for_cannot_speak_for_a_colleague() -> None:
    result = "Authentication-Results: mx.acme.example; dmarc=pass header.from=evil.example"
    for claim in ("Resent-From: Ana <ana@acme.example>", "Sender: Ana <ana@acme.example>"):
        raw = f"{result}\nFrom: Eve <eve@evil.example>\n{claim}\nTo: li@globex.example\n\nWhat does it cost?\n"
        assert read_mail(raw.encode(), SETTINGS).verdict.status is Status.QUARANTINED


def test_a_list_that_rewrites_the_sender_is_not_believed() -> None:
    result = "Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example"
    sender = "From: answers@acme.example\nX-Original-From: Ana <ana@acme.example>"
    verdict = read_mail(f"{result}\n{sender}\nTo: li@globex.example\n\nYes.\n".encode(), SETTINGS).verdict
    assert (verdict.status, verdict.reason) == (Status.QUARANTINED, "a list wrote our own address into From")


def test_forgeries_leave_nothing_but_a_line_in_the_quarantine(tmp_path: Path) -> None:
    config = tmp_path / "answers.toml"
    config.write_text(CONFIG, encoding="utf-8")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["--config", str(config), *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    run("load", *map(str, FILES))
    run("analyze")
    exported = json.loads(run("export", "--json"))
    status = {mail["message_id"].strip("<>").split("@")[0]: mail["status"] for mail in exported["mails"]}
    assert status == {path.stem: "accepted" if path in GENUINE else "quarantined" for path in FILES}
    assert {insight["message_id"].startswith("<genuine-") for insight in exported["insights"]} == {True}
    assert len(json.loads(run("quarantine", "list", "--json"))) == len(FORGED)


def test_doctor_says_what_the_trust_settings_mean_for_the_mails_at_hand(tmp_path: Path) -> None:
    config = tmp_path / "answers.toml"

    def trust(text: str, *mails: Path) -> tuple[str, str]:
        config.write_text(text, encoding="utf-8")
        runner = CliRunner()
        if mails:
            runner.invoke(app, ["--config", str(config), "load", *map(str, mails)], catch_exceptions=False)
        result = runner.invoke(app, ["--config", str(config), "doctor", "--json"], catch_exceptions=False)
        (check,) = [one for one in json.loads(result.stdout)["checks"] if one["name"] == "trust"]
        return check["outcome"], check["detail"]

    without = CONFIG.replace('authserv_id = "mx.acme.example"', "")
    outcome, detail = trust(without)
    assert outcome == "warning"
    assert "whoever writes a colleague's address into From is believed" in detail
    assert trust(CONFIG) == ("ok", "only mail that mx.acme.example calls dmarc=pass counts")
    assert "mx.acme.example (3)" in trust(without, *GENUINE)[1]
    assert trust(CONFIG)[1].endswith("(3 of the newest 3 have a result)")
    outcome, detail = trust(CONFIG.replace("mx.acme", "mail.acme"))
    assert outcome == "warning"
    assert "so all are quarantined; they carry results of mx.acme.example (3)" in detail
