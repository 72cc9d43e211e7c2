"""A workspace: the folder of an answers.toml and the files that lie in it by default."""

import csv
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlite_utils

from harvester.config import Config, load_config
from harvester.database import open_database
from harvester.errors import ConfigurationError
from harvester.records import ReadingSettings, Roster


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths and settings; opens the database on request."""

    config_path: Path
    config: Config

    @property
    def folder(self) -> Path:
        """Everything lies here unless the config says otherwise."""
        return self.config_path.parent

    @property
    def database_path(self) -> Path:
        """The one database file."""
        return self.folder / "answers.db"

    @property
    def site_folder(self) -> Path:
        """Where the pages are published."""
        return self.folder / self.config.site.path

    @property
    def outbox_folder(self) -> Path:
        """Copies of composed digests."""
        return self.folder / "outbox"

    def open_database(self) -> sqlite_utils.Database:
        """Open, create and migrate as needed."""
        return open_database(self.database_path)

    def now(self) -> datetime:
        """The only clock of the commands; everything below takes `now` as an argument."""
        return now_utc()

    def reading_settings(self) -> ReadingSettings:
        """What workers need to read mails."""
        aliases, names = load_roster(self.folder / "roster.csv")
        company = self.config.company
        roster = Roster(company.domains, aliases, names, self.config.imap.username.lower())
        return ReadingSettings(roster, self.config.trust.authserv_id, self.config.trust.excluded_subjects())


def find_workspace(config_path: Path | None) -> Workspace:
    """--config, $ANSWERS_CONFIG, ./answers.toml, in that order."""
    path = choose_config_path(config_path)
    return Workspace(path.resolve(), load_config(path))


def choose_config_path(config_path: Path | None) -> Path:
    """Where the settings are or should be."""
    return config_path or Path(os.environ.get("ANSWERS_CONFIG") or "answers.toml")


def now_utc() -> datetime:
    """The clock of the commands that have no workspace yet."""
    return datetime.now(UTC)


def load_roster(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Read roster.csv (address, name, role, aliases separated by spaces): (alias -> address, address -> name).

    A missing file is an empty roster.
    """
    aliases: dict[str, str] = {}
    names: dict[str, str] = {}
    if not path.exists():
        return aliases, names
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError((f"{path.name}: is not a readable CSV file: {error}",)) from error
    if rows and "address" not in rows[0]:
        raise ConfigurationError((f"{path.name}: the first line must name the columns address,name,role,aliases",))
    for row in rows:
        address = (row.get("address") or "").strip().lower()
        if address:
            names[address] = (row.get("name") or "").strip()
            for alias in (row.get("aliases") or "").replace(";", " ").split():
                aliases[alias.lower()] = address
    return aliases, names
