"""Makes a workspace from the sample mailbox and takes it all the way to pages and a digest. No server, no network."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from sqlite_utils import Database

from digest.dispatch import Outcome, write_digest
from digest.ranking import rank_topics
from digest.records import RankedTopic
from digest.site import build_site
from digest.status import State, read_state
from digest.windows import windows_until
from harvester.capture import load_files
from harvester.cli_support import counted
from harvester.config import load_config
from harvester.errors import UsageError
from harvester.files import count_mails
from harvester.resources import data_folder
from harvester.workspace import Workspace
from nlp.analysis import analyze, count_waiting
from nlp.page_reading import read_list
from nlp.page_store import load_coverage, save_import
from nlp.records import topic_id
from nlp.store import living_topics, topic_insights

# The Monday after the last sample mail; the sample's calendar, not today's, decides what is recent.
SAMPLE_NOW = datetime(2026, 11, 16, 7, 30, tzinfo=UTC)
LOADED_AT = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)  # before the digest of that Monday
MARKER = "# Workspace of `answers demo`: may be deleted, and is when the demo runs again.\n"
CONFIG = (
    MARKER
    + """
[company]
name = "Marrowby"
domains = ["marrowby.example"]
timezone = "Europe/Berlin"
ideal = ["hollowaybrewing.example"]

[imap]
username = "answers@marrowby.example"

[trust]
authserv_id = "mx.marrowby.example"

[digest]
to = ["marketing@marrowby.example"]
owner = "owner@marrowby.example"
"""
)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo made and found."""

    folder: Path
    state: State
    top: tuple[RankedTopic, ...]
    outcome: Outcome
    pages: int


def build_demo(folder: Path) -> Demo:
    """Build the workspace; an older demo in that folder is replaced, anything else is refused."""
    _clear(folder)
    path = folder / "answers.toml"
    path.write_text(CONFIG, encoding="utf-8")
    workspace = Workspace(path.resolve(), load_config(path, {}))
    database = workspace.open_database()
    try:
        mails = (data_folder() / "sample" / "mails",)
        with counted("reading the sample mailbox", count_mails(mails)) as progress:
            load_files(database, mails, LOADED_AT, progress)
        _take_in_pages(workspace, database)
        zone = workspace.config.company.zone
        with counted("understanding", count_waiting(database)) as progress:
            analyze(
                database,
                workspace.reading_settings(),
                workers=workspace.config.engine.workers,
                zone=zone,
                now=SAMPLE_NOW,
                progress=progress,
            )
        outcome = write_digest(workspace, database, SAMPLE_NOW, week=None)
        pages = build_site(workspace, database, SAMPLE_NOW)
        windows = windows_until(SAMPLE_NOW.astimezone(zone).date(), zone)
        ranked = rank_topics(
            living_topics(database),
            topic_insights(database),
            windows,
            ideal=workspace.config.company.ideal,
            coverage=load_coverage(database),
        )
        state = read_state(database, poll_every_minutes=None, now=SAMPLE_NOW)
    finally:
        database.conn.close()
    return Demo(folder, state, ranked[:5], outcome, pages)


def _take_in_pages(workspace: Workspace, database: Database) -> None:
    """The sample company's pages, in the place where the owner would put his own list."""
    target = workspace.folder / "pages.csv"
    shutil.copyfile(data_folder() / "sample" / "pages.csv", target)
    save_import(database, str(target), read_list(target.name, target.read_bytes()), LOADED_AT)


def describe_demo(demo: Demo) -> RenderableType:
    """What was found and what to open."""
    table = Table(title="Asked most in the last 28 days", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading, justify in (
        ("", "right"),
        ("topic", "left"),
        ("", "left"),
        ("companies", "right"),
        ("before", "right"),
    ):
        table.add_column(heading, justify=justify, no_wrap=heading == "topic")  # type: ignore[arg-type]
    table.add_column("trend")
    for topic in demo.top:
        table.add_row(
            str(topic.rank),
            topic_id(topic.topic.id),
            Text(topic.topic.name),
            str(topic.companies_recent),
            str(topic.companies_before),
            topic.trend,
        )
    state = demo.state
    aside = sum(count for _, _, count in state.set_aside)
    found = (
        f"{state.mails} mails, {aside} set aside; {state.insights} insights of {state.companies} companies,"
        f" {state.topics} topics, {state.unplaced} insights without a topic."
    )
    folder = demo.folder
    digest = folder / "outbox" / demo.outcome.folder.name / "digest.html" if demo.outcome.folder else "-"
    opened = [
        f"  pages   {folder / 'site' / 'index.html'}",
        f"  digest  {digest}",
        f"  more    answers --config {folder / 'answers.toml'} topics --until {SAMPLE_NOW:%Y-%m-%d}",
    ]
    return Group(Text(found), Text(""), table, Text(""), Text("Open:"), *(Text(line) for line in opened))


def _clear(folder: Path) -> None:
    config = folder / "answers.toml"
    if config.exists() and config.read_text(encoding="utf-8").startswith(MARKER):
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty and no earlier demo; name another folder: `answers demo DIR`")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
