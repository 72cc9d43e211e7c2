"""A workspace in which everything that a sender can choose is hostile, and every file that is made from it."""

import base64
import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path

import time_machine
from digest_material import MONDAY
from digest_workspace import make_workspace
from markdown_it import MarkdownIt
from site_material import merge, name_topic, tell
from sqlite_utils import Database
from typer.testing import CliRunner

from answers import app
from harvester.workspace import Workspace

OWN_HOST = "pages.acme.example"
SITE = f'[site]\nbase_url = "https://{OWN_HOST}/"\n'
FIRST_TOPIC = 1_001  # beyond the topics that mails are sorted into
BRIEFED_EVERY = 20
IN_ONE_MAIL = 3


def load_payloads() -> dict[str, tuple[str, ...]]:
    """Kind -> payloads; of another file of the same form when HOSTILE_PAYLOADS names one."""
    own = Path(__file__).parent / "hostile" / "payloads.json"
    document = json.loads(Path(os.environ.get("HOSTILE_PAYLOADS") or own).read_text(encoding="utf-8"))
    return {kind: tuple(payloads) for kind, payloads in document.items()}


PAYLOADS = load_payloads()
EVERY = tuple(dict.fromkeys(payload for payloads in PAYLOADS.values() for payload in payloads))


def make_mail(payloads: tuple[str, ...], number: int) -> bytes:
    """A colleague's reply with the payloads wherever a sender can put one: raw in the HTML, encoded in the headers."""
    payload = " ".join(payloads)
    word = f"=?utf-8?b?{base64.b64encode(payload.encode('utf-8', 'replace')).decode()}?="
    raw = "".join(c for c in payload if c.isprintable() and c not in "<>")[:200]
    text = (
        f"Hi Li,\n\nwell {payload} is included, see https://acme.example/{number}.\n\nEve {payload}\n\n"
        f"On Sun, Nov 1, 2026 at 9:00 AM Li {payload} <li@c{number % 7}.example> wrote:\n"
    ) + "".join(
        f"> Does your product handle {one} in our plant number {number}?\n> We lose two days a month on {one}.\n"
        for one in payloads
    )
    page = (
        f"<p>Hi Li,</p>{payload}<p>well, it is.</p><blockquote type=cite>On Sun, Nov 1, 2026 Li"
        f" &lt;li@c{number % 7}.example&gt; wrote:<br>Do you {payload} in plant {number}?</blockquote>"
    )
    head = [
        f"From: {word} <eve@acme.example>",
        f"To: {word} <li@c{number % 7}.example>",
        f"Subject: Re: {word}",
        f"Message-ID: <{raw.replace(' ', '')}{number}@acme.example>",
        "Date: Mon, 2 Nov 2026 09:14:00 +0100",
        f"X-Mailer: {word}",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"',
    ]
    first = ("plain", text) if number % 4 else ("html", page)
    parts = [
        f"--b\r\nContent-Type: text/{first[0]}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{base64.encodebytes(first[1].encode('utf-8', 'replace')).decode()}",
        f'--b\r\nContent-Type: application/pdf; name="{word}"\r\n'
        f'Content-Disposition: attachment; filename="{word}"\r\n\r\nx\r\n--b--\r\n',
    ]
    return ("\r\n".join(head) + "\r\n\r\n" + "\r\n".join(parts)).encode("utf-8", "replace")


def run(workspace: Workspace, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """One command at a fixed moment; it must succeed."""
    with time_machine.travel(MONDAY, tick=True):
        result = CliRunner().invoke(
            app,
            ["--config", str(workspace.config_path), *arguments],
            env=dict(environment or {}),
            catch_exceptions=False,
        )
    assert result.exit_code == 0, result.output
    return result.stdout


def make_hostile_workspace(folder: Path) -> Workspace:
    """Mails through the whole way, and the same words placed behind everything that might have cleaned them."""
    workspace = make_workspace(folder, 1, digest=SITE)
    mails = folder / "mails"
    mails.mkdir()
    for number in range(0, len(EVERY), IN_ONE_MAIL):
        (mails / f"{number:03}.eml").write_bytes(make_mail(EVERY[number : number + IN_ONE_MAIL], number))
    with (folder / "pages.csv").open("w", encoding="utf-8", newline="") as file:
        rows = ((f"https://acme.example/{n}", payload) for n, payload in enumerate(PAYLOADS["html"]))
        csv.writer(file).writerows([("url", "title"), *rows])
    run(workspace, "load", str(mails))
    run(workspace, "analyze")
    run(workspace, "import-pages")
    database = workspace.open_database()
    place_payloads(database)
    database.conn.close()
    return workspace


def place_payloads(database: Database) -> None:
    """One topic per payload, named so by a person, with the payload in every field that is shown of it."""
    for number, payload in enumerate(EVERY):
        topic = FIRST_TOPIC + number
        for kind in ("question", "pain", "need"):
            tell(database, f"Can we get {payload} as a {kind} in plant {number}?", topic=topic, kind=kind,
                 company=f"c{number % 7}.example", context=f"Before {payload}.", answer=f"Well {payload}, it does.",
                 author=f"Eve {payload}".replace("\x00", ""), days_ago=number % 20 + 1,
                 link=f"javascript:alert({number})//{payload}" if number % 2 else f"https://tracker.example/{payload}",
                 file_name=f"{payload}.pdf")  # fmt: skip
        name_topic(database, topic, payload, by="person")
        tell(database, f"And {payload} without a topic, number {number}?", company=f"c{number % 7}.example")
    merge(database, FIRST_TOPIC + 1, FIRST_TOPIC)


def write_everything(workspace: Workspace) -> tuple[Path, ...]:
    """Digest, both builds of the pages, briefs in every form, explanations; returns the folders with documents."""
    folder = workspace.folder
    run(workspace, "digest", "--dry-run")
    run(workspace, "site")
    shareable = {"ANSWERS_SITE__BUILD": "shareable", "ANSWERS_SITE__PATH": "shareable"}
    run(workspace, "site", environment=shareable)
    briefs = folder / "briefs"
    briefs.mkdir()
    for number in range(FIRST_TOPIC, FIRST_TOPIC + len(EVERY), BRIEFED_EVERY):
        for form in ("md", "html", "docx"):
            run(workspace, "brief", f"T-{number}", "--format", form, "--out", str(briefs / f"{number}.{form}"))
        markdown = (briefs / f"{number}.md").read_text(encoding="utf-8")
        (briefs / f"{number}.md.html").write_text(MarkdownIt("commonmark").render(markdown), encoding="utf-8")
    run(workspace, "explain", str(folder / "mails"), "--html", str(briefs / "explain.html"))
    return workspace.site_folder, folder / "shareable", folder / "outbox", briefs
