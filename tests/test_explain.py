"""`answers explain` from the outside: a mail with its parts for a person, as JSON, as a page; stateless."""

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from answers import app
from harvester.reading import read_mail
from harvester.records import FailedReading, ReadingSettings, Role, Roster
from nlp.explain import COLOURS, explain_as_text
from nlp.extraction import extract_insights
from nlp.left_out import find_left_out

RAW = (
    b"From: Ana Ruiz <ana@acme.example>\r\nTo: Li Chen <li@globex.example>\r\nSubject: Re: <b>seats</b>\r\n"
    b"Message-ID: <r1@acme.example>\r\nDate: Mon, 2 Nov 2026 09:14:00 +0100\r\n\r\n"
    b"Hi Li,\r\n\r\nfive euros, see https://acme.example/prices\r\n\r\n-- \r\nAna Ruiz, Acme, +49 89 5550199\r\n\r\n"
    b"On Sun, Nov 1, 2026 at 5:02 PM Li Chen <li@globex.example> wrote:\r\n"
    b"> What does a seat cost <script>x</script>?\r\n"
)
ROLES = ["own", "signature", "notice", "quoted"]


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    (tmp_path / "a.eml").write_bytes(RAW)
    (tmp_path / "b.eml").write_bytes(RAW.replace(b"ana@acme", b"eve@evil"))
    return tmp_path


def explain(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["explain", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_each_mail_is_one_json_object_on_one_line(mails: Path) -> None:
    ours, strangers = map(json.loads, explain(str(mails), "--json", "--domain", "acme.example").splitlines())
    assert (ours["status"], ours["reason"], ours["message_id"]) == ("accepted", None, "<r1@acme.example>")
    assert (ours["colleague"], ours["prospects"], ours["company"]) == (
        "ana@acme.example", ["li@globex.example"], "globex.example",
    )  # fmt: skip
    assert (ours["sent_at"], ours["subject"]) == ("2026-11-02T09:14:00+01:00", "Re: <b>seats</b>")
    assert [part["role"] for part in ours["parts"]] == ROLES
    quoted = ours["parts"][-1]
    assert (quoted["author"], quoted["author_name"], quoted["author_kind"], quoted["sent_at"], quoted["depth"]) == (
        "li@globex.example", "Li Chen", "prospect", "2026-11-01T17:02:00", 1,
    )  # fmt: skip
    assert [(insight["kind"], insight["part"]) for insight in ours["insights"]] == [("question", 3)]
    assert ours["links"] == [{"url": "https://acme.example/prices", "text": ""}]
    assert (strangers["status"], strangers["reason"]) == ("quarantined", "stranger: the sender is no colleague")
    assert [part["role"] for part in strangers["parts"]] == ROLES


def test_a_person_sees_who_why_and_every_part_with_its_label(mails: Path) -> None:
    shown = explain(str(mails / "b.eml"), "--domain", "acme.example")
    assert "quarantined: stranger" in shown
    labels = re.findall(r"(?m)^\W*(\d) (own|signature|notice|quoted)", shown)
    assert labels == [(str(number), role) for number, role in enumerate(ROLES)]
    assert "five euros" in shown
    assert not list(mails.glob("*.db"))


def test_every_role_has_a_colour_and_parts_are_framed_in_it() -> None:
    assert set(COLOURS) == set(Role)
    console = Console(force_terminal=True, color_system="standard", width=100, record=True, file=StringIO())
    console.print(explain_as_text(Path("a.eml"), read_mail(RAW, ReadingSettings(Roster(("acme.example",)))), ()))
    shown = console.export_text(styles=True)
    assert re.search(r"\x1b\[32m[^\x1b]*0 own", shown)  # green
    assert re.search(r"\x1b\[36m[^\x1b]*3 quoted", shown)  # cyan
    console.print(explain_as_text(Path("b.eml"), FailedReading("it needed more than 20 seconds"), ()))
    assert "it needed more than 20 seconds" in console.export_text()


def test_the_page_shows_the_same_and_lets_no_mail_speak_html(mails: Path, tmp_path: Path) -> None:
    page = tmp_path / "explained.html"
    assert "is written" in explain(str(mails / "a.eml"), "--domain", "acme.example", "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'<section class="(\w+)">', text) == ROLES
    assert "five euros" in text
    assert "<script>" not in text
    assert "&lt;script&gt;x&lt;/script&gt;" in text
    assert "&lt;b&gt;seats&lt;/b&gt;" in text


def test_without_a_domain_and_without_a_workspace_one_sentence_says_what_to_do(mails: Path, tmp_path: Path) -> None:
    command = [sys.executable, "answers.py", "--config", str(tmp_path / "none.toml"), "explain", str(mails)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (78, "")
    assert "none.toml: not found" in done.stderr


def test_a_sentence_that_was_not_taken_says_why(mails: Path) -> None:
    (mails / "c.eml").write_bytes(RAW + b">\r\n> Shall we talk on Tuesday at ten?\r\n")
    rows = {
        Path(row["file"]).name: row
        for row in map(json.loads, explain(str(mails), "--json", "--domain", "acme.example").splitlines())
    }
    said = [one for one in rows["c.eml"]["left_out"] if one["text"]]
    assert [(one["text"], one["part"]) for one in said] == [("Shall we talk on Tuesday at ten?", 3)]
    assert "are needed" in said[0]["reason"] or "appointment" in said[0]["reason"]
    assert [one["text"] for one in rows["a.eml"]["left_out"] if one["text"]] == []
    assert {one["part"]: one["reason"] for one in rows["a.eml"]["left_out"]}[0].startswith("own: only what prospects")
    assert rows["b.eml"]["left_out"] == []  # of a mail that was set aside nothing was taken anyway
    assert "not taken Shall we talk on Tuesday at ten?" in explain(str(mails / "c.eml"), "--domain", "acme.example")


def test_without_a_model_the_phrase_that_spoke_against_it_is_named() -> None:
    reading = read_mail(
        RAW + b">\r\n> Could we talk on Tuesday at ten?\r\n",
        ReadingSettings(Roster(("acme.example",))),
    )
    assert not isinstance(reading, FailedReading)
    insights = extract_insights(reading.parts)
    found = [one for one in find_left_out(reading.parts, "", insights) if one.text]
    assert [one.text for one in found] == ["Could we talk on Tuesday at ten?"]
    assert found[0].reason.startswith("about an appointment: “")
