"""Writes a new workspace from the answers that `answers init` collected, after checking the logins."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from digest.smtp import check_login
from harvester.config import load_config
from harvester.errors import AnswersError, UsageError
from harvester.imap import open_mailbox


@dataclass(frozen=True, slots=True)
class Answers:
    """What the owner typed. domains and to: separated by commas. Empty hosts mean: not yet."""

    company: str
    domains: str
    timezone: str
    imap_host: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    smtp_host: str = ""
    to: str = ""
    owner: str = ""


def write_workspace(folder: Path, answers: Answers) -> Path:
    """Write answers.toml (and mail.secret, mode 0600), check them; a setting that fails leaves nothing behind."""
    path = folder / "answers.toml"
    secret = folder / "mail.secret"
    for existing in (path, secret):
        if existing.exists():
            raise UsageError(f"{existing} exists already; edit it, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        if answers.password:
            _write_private(secret, answers.password + "\n")
        _write_private(path, render_config(answers))
        config = load_config(path)
        if config.imap.host:
            with open_mailbox(config.imap):
                pass
        if config.smtp.host:
            check_login(config.smtp)
    except AnswersError:
        for made in (path, secret):
            made.unlink(missing_ok=True)
        raise
    return path


def render_config(answers: Answers) -> str:
    """The text of answers.toml; strings are quoted as TOML wants them."""
    lines = [
        "# Written by `answers init`; answers.example.toml in the documentation shows every key.",
        "[company]",
        f"name = {_quote(answers.company)}",
        f"domains = {_quote_list(answers.domains)}   # senders here are colleagues",
        f"timezone = {_quote(answers.timezone)}",
        "",
    ]
    if answers.imap_host:
        lines += [
            "[imap]                      # read-only: nothing is changed in the mailbox",
            f"host = {_quote(answers.imap_host)}",
            f"username = {_quote(answers.username)}",
            'password_file = "mail.secret"',
            "",
        ]
    if answers.smtp_host:
        lines += [
            "[smtp]",
            f"host = {_quote(answers.smtp_host)}",
            f"username = {_quote(answers.username)}",
            'password_file = "mail.secret"' if answers.password else "# password_file = ...",
            f"from = {_quote(answers.username or answers.owner)}",
            "",
            "[digest]",
            f"to = {_quote_list(answers.to)}",
            f"owner = {_quote(answers.owner)}",
            'day = "monday"',
            'time = "08:00"',
            "",
        ]
    return "\n".join(lines)


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _quote(value: str) -> str:
    escaped = value.strip().replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", "", escaped) + '"'


def _quote_list(value: str) -> str:
    return "[" + ", ".join(_quote(item) for item in value.split(",") if item.strip()) + "]"
