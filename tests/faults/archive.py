"""A workspace with mailbox, mail server and pages, and the command that works on it, inside this process."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from typer.testing import CliRunner

from answers import app

CONFIG = """
[company]
name = "Marrowby"
domains = ["marrowby.example"]
timezone = "Europe/Berlin"
[imap]
host = "127.0.0.1"
port = {imap}
security = "none"
username = "{user}"
password = "{password}"
[smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
from = "answers@marrowby.example"
[digest]
to = ["marketing@marrowby.example"]
owner = "owner@marrowby.example"
top = 20
[privacy]
redact = false
[site]
base_url = "https://pages.marrowby.example/"
"""


class Archive:
    """A workspace in which everything was done once: polled, understood, published and sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, exit_code: int = 0) -> str:
        done = CliRunner().invoke(
            app, ["--config", str(self.folder / "answers.toml"), *arguments], catch_exceptions=False
        )
        assert done.exit_code == exit_code, done.output
        return done.stdout

    def json(self, *arguments: str):
        return json.loads(self.run(*arguments, "--json"))

    def rows(self, query: str) -> list[tuple]:
        with closing(sqlite3.connect(self.folder / "answers.db")) as connection:
            return connection.execute(query).fetchall()

    def change(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.folder / "answers.db")) as connection, connection:
            connection.execute("pragma foreign_keys = on")
            connection.execute(statement, values)

    def copy(self, folder: Path) -> "Archive":
        shutil.copytree(self.folder, folder)
        return Archive(folder)

    def everything_again(self, mails: Path) -> None:
        """Whatever could bring something back."""
        self.run("poll")
        self.run("load", str(mails))
        self.run("analyze", "--all")
        self.run("site")
        self.run("digest", "--dry-run")
        self.run("digest", "--due")
