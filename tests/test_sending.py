"""Mail leaves through one place, to our own people, over a safe line; and what comes back of it is never a source."""

import ast
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from digest_material import EN, MONDAY, compose, every_block
from digest_workspace import make_workspace
from smtp_server import run_smtp

from digest.mail import Envelope, build_digest_mail, build_notice
from digest.notices import due_notices
from digest.records import OutgoingMail
from digest.smtp import deliver
from digest.store import Alarm
from harvester.config import Config
from harvester.errors import ConfigurationError, DeliveryRefused
from harvester.reading import read_mail
from harvester.records import ReadingSettings, Roster, Status

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for name in ("harvester", "nlp", "digest") for path in (ROOT / name).rglob("*.py"))
SOURCES.append(ROOT / "answers.py")
SPEAKS_SMTP = "digest/smtp.py"
OURS = ("ana@acme.example", "Ana@EMEA.Acme.Example", "agency@partner.example")
STRANGERS = (
    "eve@evil.example",
    "eve@acme.example.evil.example",
    "eve@evilacme.example",
    "eve@example",
    "agency2@partner.example",
    "acme.example",
    "",
    "@acme.example",
    "<eve@evil.example>",
    "ana@acme.example, eve@evil.example",
    "ana@acme.example\r\nRCPT TO:<eve@evil.example>",
    "ana@acme.example>\r\nRCPT TO:<eve@evil.example",
    "eve@evil.example@acme.example",
    "eve%evil.example@acme.example",
    "evil.example!eve@acme.example",
    "@evil.example:eve@acme.example",
    '"eve@evil.example"@acme.example',
    "eve(@evil.example)@acme.example",
    "eve@acme.example(evil.example)",
    "eve@\u0430cme.example",
    "eve\u0000@acme.example",
)


# ---------------------------------------------------------------- one place
def calls_of(path: Path) -> set[str]:
    """The names of everything a file imports or calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {f"import {alias.name.partition('.')[0]}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"import {(node.module or '').partition('.')[0]}", *(f"from {a.name}" for a in node.names)}
        elif isinstance(node, ast.Call):
            found.add(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
    return found


def test_only_one_file_can_speak_smtp() -> None:
    speaking = {"import smtplib", "import aiosmtplib", "sendmail", "send_message", "rcpt", "SMTP", "SMTP_SSL"}
    able = {str(path.relative_to(ROOT)): calls_of(path) & speaking for path in SOURCES}
    assert {name for name, found in able.items() if found} == {SPEAKS_SMTP}


def test_no_other_program_is_started_but_the_readers_of_mails() -> None:
    starting = {"import subprocess", "system", "popen", "Popen", "spawnv", "execv", "execvp", "posix_spawn"}
    able = {str(path.relative_to(ROOT)) for path in SOURCES if calls_of(path) & starting}
    assert able == {"harvester/workers.py"}


def test_sockets_are_opened_where_the_map_says() -> None:
    networking = {"import socket", "import imapclient", "import imaplib", "import smtplib", "import urllib3",
                  "import requests", "import httpx", "import http", "urlopen", "create_connection"}  # fmt: skip
    able = {str(path.relative_to(ROOT)) for path in SOURCES if calls_of(path) & networking}
    assert able == {SPEAKS_SMTP, "harvester/imap.py", "harvester/web.py"}


def test_inside_that_file_every_way_out_passes_the_check() -> None:
    tree = ast.parse((ROOT / SPEAKS_SMTP).read_text(encoding="utf-8"))
    functions = {node.name: ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    naming = {name for name, text in functions.items() if ".rcpt(" in text or ".send(" in text or "'DATA'" in text}
    assert naming == {"_name_recipients", "_send_body", "_send_final_dot"}
    for one in naming:
        assert {name for name, text in functions.items() if f"{one}(" in text and name != one} == {"deliver"}
    assert functions["deliver"].index("_refuse_strangers(") < functions["deliver"].index("_connected(")


# ---------------------------------------------------------------- to our own people
def settings(folder: Path, port: int) -> Config:
    return make_workspace(folder, port, to=("marketing@acme.example", "agency@partner.example")).config


def outgoing(*recipients: str, sender: str = "answers@acme.example") -> OutgoingMail:
    raw = f"From: {sender}\r\nTo: x\r\nSubject: x\r\n\r\nx\r\n".encode("utf-8", "replace")
    return OutgoingMail("<x@acme.example>", sender, recipients, raw, "", "")


@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_stranger_is_ever_named_to_the_server(tmp_path: Path, stranger: str) -> None:
    with run_smtp() as server:
        config = settings(tmp_path / "w", server.port)
        for recipients in ((stranger,), ("ana@acme.example", stranger), (stranger, "ana@acme.example")):
            with pytest.raises(DeliveryRefused, match=r"nothing was sent|not an address"):
                deliver(config, outgoing(*recipients), recipients, lambda *_: None)
        with pytest.raises(DeliveryRefused):
            deliver(config, outgoing("ana@acme.example", sender=stranger), ("ana@acme.example",), lambda *_: None)
        assert (server.took, server.connections) == ([], 0)


def test_our_own_people_are_named(tmp_path: Path) -> None:
    with run_smtp() as server:
        deliver(settings(tmp_path / "w", server.port), outgoing(*OURS), OURS, lambda *_: None)
        assert [recipients for recipients, _ in server.took] == [OURS]


def test_a_plain_line_to_another_machine_is_refused_even_past_the_settings(tmp_path: Path) -> None:
    config = settings(tmp_path / "w", 25)
    elsewhere = config.model_copy(update={"smtp": config.smtp.model_copy(update={"host": "192.0.2.1"})})
    with pytest.raises(ConfigurationError, match="loopback"):
        deliver(elsewhere, outgoing("ana@acme.example"), ("ana@acme.example",), lambda *_: None)


# ---------------------------------------------------------------- no loops
ENVELOPE = Envelope("answers@acme.example", "Acme answers", ("marketing@acme.example",), "answers@acme.example")
DIGEST = build_digest_mail(compose(every_block()), EN, ENVELOPE, MONDAY)
(TROUBLE,) = due_notices((Alarm("digest:x", "The mailbox cannot be read: does it work?", MONDAY, None, None),), MONDAY)
NOTICE = build_notice(TROUBLE.subject, TROUBLE.paragraphs, replace(ENVELOPE, receipt=""), "digest:x", MONDAY)
READING = ReadingSettings(Roster(("acme.example",), answers_address="answers@acme.example"))
INTRODUCTIONS = {
    "gmail": "---------- Forwarded message ---------\nFrom: Acme answers <answers@acme.example>\n"
    "Date: Mon, Nov 16, 2026 at 8:00 AM\nSubject: {subject}\nTo: <marketing@acme.example>\n\n\n{text}",
    "outlook": "________________________________\nFrom: Acme answers <answers@acme.example>\n"
    "Sent: Monday, November 16, 2026 8:00 AM\nTo: marketing@acme.example\nSubject: {subject}\n\n{text}",
    "german": "-----Ursprüngliche Nachricht-----\nVon: Acme answers <answers@acme.example>\n"
    "Gesendet: Montag, 16. November 2026 08:00\nAn: marketing@acme.example\nBetreff: {subject}\n\n{text}",
    "apple": "Begin forwarded message:\n\nFrom: Acme answers <answers@acme.example>\nSubject: {subject}\n"
    "Date: 16 November 2026 at 08:00:00 CET\nTo: marketing@acme.example\n\n{text}",
    "reply": "On Mon, Nov 16, 2026 at 8:00 AM Acme answers <answers@acme.example> wrote:\n{quoted}",
    "reply in German": "Am 16.11.2026 um 08:00 schrieb Acme answers <answers@acme.example>:\n{quoted}",
    "pasted": "{text}",
    "pasted as a quote": "{quoted}",
}


def come_back(
    introduction: str, own: OutgoingMail, *, to: str, note: str = "What do we say here?\n\n", **fields: str
) -> bytes:
    """A colleague's mail that carries one of ours."""
    text = own.text.replace("\r\n", "\n")
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ana Reyes <ana@acme.example>", to
    mail["Subject"] = "Fwd: what buyers ask"
    for name, value in fields.items():
        mail[name.replace("_", "-")] = value
    quoted = "\n".join(f"> {line}" for line in text.split("\n"))
    mail.set_content(note + introduction.format(subject="what buyers ask", text=text, quoted=quoted))
    return mail.as_bytes()


@pytest.mark.parametrize("own", [DIGEST, NOTICE], ids=["digest", "notice"])
@pytest.mark.parametrize("to", ["answers@acme.example", "ben@acme.example", "li@globex.example"])
@pytest.mark.parametrize("kind", INTRODUCTIONS)
def test_our_own_mail_passed_on_by_a_colleague_is_no_source(kind: str, to: str, own: OutgoingMail) -> None:
    for fields in ({}, {"In_Reply_To": own.message_id, "References": own.message_id}):
        reading = read_mail(come_back(INTRODUCTIONS[kind], own, to=to, **fields), READING)
        assert reading.verdict.status is Status.IGNORED, (reading.verdict, [(p.role, p.author) for p in reading.parts])


@pytest.mark.parametrize("own", [DIGEST, NOTICE], ids=["digest", "notice"])
def test_our_own_mail_as_it_is_redirected_bounced_or_attached_is_no_source(own: OutgoingMail) -> None:
    def without(*names: bytes) -> bytes:
        head, _, body = own.raw.partition(b"\r\n\r\n")
        lines = head.replace(b"\r\n ", b" ").split(b"\r\n")
        return b"\r\n".join(x for x in lines if x.partition(b":")[0].lower() not in names) + b"\r\n\r\n" + body

    attached = b"From: ana@acme.example\r\nTo: li@globex.example\r\nMIME-Version: 1.0\r\n"
    attached += b'Content-Type: multipart/mixed; boundary="o"\r\n\r\n--o\r\n\r\nsee?\r\n'
    attached += b"--o\r\nContent-Type: message/rfc822\r\n\r\n"
    bounced = attached.replace(b"ana@acme", b"MAILER-DAEMON@mx.acme").replace(b"multipart/mixed;", b"multipart/report;")
    ours = {
        "copy": own.raw,
        "redirected": b"Resent-From: Ana <ana@acme.example>\r\nResent-To: answers@acme.example\r\n" + own.raw,
        "through a gateway that drops fields": without(b"x-answers-harvester", b"auto-submitted", b"list-id"),
        "by a list": b"List-Id: <team.acme.example>\r\nX-Original-From: ana@acme.example\r\n" + own.raw,
        "from another address": own.raw.replace(b"<answers@acme.example>", b"<ana@acme.example>"),
        "attached": attached + own.raw + b"\r\n--o--\r\n",
        "attached without our mark": attached + without(b"x-answers-harvester") + b"\r\n--o--\r\n",
        "bounced": bounced + own.raw + b"\r\n--o--\r\n",
        "journal": b"X-MS-Journal-Report:\r\n" + attached + own.raw + b"\r\n--o--\r\n",
    }
    for form, raw in ours.items():
        verdict = read_mail(raw, READING).verdict
        assert verdict.status is not Status.ACCEPTED, (form, verdict)


def test_an_absence_note_about_our_mail_is_no_source() -> None:
    for field in ("Auto-Submitted: auto-replied", "X-Autoreply: yes", f"In-Reply-To: {DIGEST.message_id}"):
        raw = (
            f"From: ana@acme.example\nTo: answers@acme.example\nSubject: Re: x\n{field}\n\nBack on Monday. Who asked?\n"
        )
        assert read_mail(raw.encode(), READING).verdict.status is Status.IGNORED
