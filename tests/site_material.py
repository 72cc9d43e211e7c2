"""Workspaces for the tests of the pages: understood mails in a real database, the site built from it."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from digest_material import MONDAY
from digest_workspace import ask, make_workspace
from sqlite_utils import Database

from digest.site import build_site
from harvester.workspace import Workspace
from nlp.decisions import dismiss_topic, merge_topics
from nlp.store import find_topic

HOSTILE = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    '"><svg onload=window.hit=1>',
    "'-window.hit=1-'",
    "</script><script>window.hit=1</script>",
    "<!--<script>",
    "{{ 7*7 }}{% raw %}",
    "javascript:window.hit=1",
    "\u202eevil\u202c txet",
    "\u2028window.hit=1\u2029",
    "<a href=javascript:window.hit=1>x</a>",
    "&lt;b&gt;",
    "]]><b>",
    "__proto__ constructor toString",
)


def tell(
    database: Database,
    text: str,
    *,
    topic: int | None = None,
    company: str = "globex.example",
    days_ago: float = 1,
    kind: str = "question",
    context: str = "",
    answer: str | None = None,
    language: str = "en",
    author: str = "Ana Reyes",
    link: str = "",
    file_name: str = "",
) -> int:
    """One mail with one insight; returns the insight's id."""
    at: datetime = MONDAY - timedelta(days=days_ago)
    message = ask(database, text, company=company, at=at, topic=topic)
    connection = database.conn
    connection.execute(
        "update insights set kind = ?, context = ?, answer = ?, language = ? where message = ?",
        (kind, context, answer, language, message),
    )
    address = author.split()[0].lower() + "@acme.example"
    connection.execute("update readings set colleague = ? where message = ?", (address, message))
    connection.execute("insert into people values (?, 'from', ?, ?, 1)", (message, address, author))
    if link:
        connection.execute("insert into links values (?, ?, '')", (message, link))
    if file_name:
        connection.execute("insert into attachments values (?, ?, 'application/pdf', 1)", (message, file_name))
    return int(connection.execute("select id from insights where message = ?", (message,)).fetchone()[0])


def name_topic(database: Database, number: int, name: str, *, by: str = "machine", status: str = "open") -> None:
    """Name a topic that exists."""
    database.conn.execute(
        "update topics set name = ?, named_by = ?, status = ? where id = ?", (name, by, status, number)
    )


def merge(database: Database, loser: int, winner: int) -> None:
    """What `answers topic merge` stores."""
    ruling = merge_topics(find_topic(database, str(loser)), find_topic(database, str(winner)))
    database.conn.execute("update topics set merged_into = ? where id = ?", (ruling.topics[0].merged_into, loser))


def dismiss(database: Database, number: int) -> None:
    """What `answers topic dismiss` stores."""
    ruling = dismiss_topic(find_topic(database, str(number)))
    database.conn.execute("update topics set dismissed = ? where id = ?", (ruling.topics[0].dismissed, number))


def build(workspace: Workspace, database: Database, now: datetime = MONDAY) -> Path:
    """Build the site; returns its folder."""
    build_site(workspace, database, now)
    return workspace.site_folder


def build_as(name: str, folder: str, workspace: Workspace, database: Database, now: datetime = MONDAY) -> Path:
    """The internal or the shareable build in a folder of its own; returns the folder."""
    site = workspace.config.site.model_copy(update={"build": name, "path": folder})
    return build(replace(workspace, config=workspace.config.model_copy(update={"site": site})), database, now)


def read_site(site: Path) -> str:
    """The names of all files, and what is in them."""
    names = "\n".join(str(path.relative_to(site)) for path in site.rglob("*"))
    return names + "".join(path.read_text(encoding="utf-8") for path in sorted(site.rglob("*")) if path.is_file())


def make_small_site(folder: Path) -> tuple[Workspace, Database]:
    """Four topics (one merged away), a hostile one, single insights."""
    workspace = make_workspace(folder, 1)
    database = workspace.open_database()
    offline = "The tablet keeps everything for 14 days: https://acme.example/offline"
    tell(database, "Does it work offline in the cellar?", topic=1, company="globex.example", answer=offline,
         link="https://acme.example/offline?utm=mail", context="We have no signal below ground.")  # fmt: skip
    tell(database, "does it work OFFLINE in the cellar", topic=1, company="initech.example", days_ago=9)
    tell(database, "Läuft das Gerät ohne Netz weiter?", topic=1, company="umbra.example", days_ago=33,
         language="de", author="Ben Okafor",
         answer="The tablet keeps everything for 30 days. https://acme.example/offline")  # fmt: skip
    tell(database, "We lose two days a month on typing.", topic=1, kind="pain", company="hooli.example", days_ago=40)
    tell(database, "What does a seat cost per year?", topic=2, company="initech.example", answer="A seat is 9 EUR.")
    tell(database, "How is my own data deleted?", topic=3, company="globex.example", days_ago=70)
    tell(database, "Is there a discount for schools?", topic=4, company="hooli.example", days_ago=3)
    name_topic(database, 1, "Does it work offline in the cellar?")
    name_topic(database, 2, "What does a seat cost per year?")
    name_topic(database, 3, "How is my own data deleted?")
    name_topic(database, 4, "Is there a discount for schools?")
    merge(database, 4, 2)
    for number, text in enumerate(HOSTILE):
        tell(database, f"May we ask {text} about the {text} thing?", topic=5, company=f"evil{number}.example",
             answer=f"Well {text}, it does.", context=f"Context {text}.", days_ago=number, author=f"Eve {text}",
             link=f"javascript:alert({number})", file_name=f"{text}.pdf")  # fmt: skip
    name_topic(database, 5, HOSTILE[0] + HOSTILE[1])
    tell(database, "Kann man das auch mieten?", company="solo.example", language="de")
    tell(database, "Do you sell spare parts for the zeppelin?", company="solo.example", days_ago=200)
    return workspace, database
