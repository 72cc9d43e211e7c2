"""The verbs that bring mails in: load and poll. Thin: they open what has side effects and pass it down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harvester.cli_support import console, counted, print_json, say, workspace_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlite_utils

    from harvester.capture import Captured, Progress
    from harvester.workspace import Workspace

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


quarantine_app = typer.Typer(no_args_is_help=True, help="Look at mails that nobody we trust vouches for.")
MailNumbers = Annotated[list[int], typer.Argument(help="Numbers from `answers quarantine list`.")]


def register(app: typer.Typer) -> None:
    """Add this package's verbs to the command."""
    app.command()(load)
    app.command()(poll)
    app.add_typer(quarantine_app, name="quarantine")


def load(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Mails (.eml), folders of them, mbox files or Maildirs.")],
    as_json: AsJson = False,
) -> None:
    """Read mails from files into the workspace; the same path twice adds nothing."""
    from harvester.capture import load_files
    from harvester.files import count_mails

    workspace = workspace_of(ctx)
    total = count_mails(tuple(paths))
    captured = run_capture(
        workspace,
        "load",
        total,
        lambda database, progress: load_files(database, tuple(paths), workspace.now(), progress),
    )
    _report(captured, as_json)


def poll(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Fetch what is new in the mailbox; changes nothing there."""
    from harvester.capture import poll as poll_mailbox

    workspace = workspace_of(ctx)
    captured = run_capture(
        workspace,
        "poll",
        None,
        lambda database, progress: poll_mailbox(database, workspace.config.imap, workspace.now(), progress),
    )
    _report(captured, as_json)


@quarantine_app.command("list")
def list_quarantine(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the mails in quarantine and why they are there."""
    from dataclasses import asdict

    from rich.table import Table
    from rich.text import Text

    from harvester.store import quarantined_mails

    database = workspace_of(ctx).open_database()
    try:
        mails = quarantined_mails(database)
    finally:
        database.conn.close()
    if as_json:
        print_json([asdict(mail) for mail in mails])
    elif not mails:
        say("The quarantine is empty.")
    else:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("mail", "sent", "from", "subject", "reason"):
            table.add_column(heading)
        for mail in mails:
            table.add_row(
                str(mail.message), mail.sent_at[:10], Text(mail.sender), Text(mail.subject), Text(mail.reason)
            )
        console().print(table)


@quarantine_app.command("release")
def release_quarantine(ctx: typer.Context, mails: MailNumbers) -> None:
    """Let mails in; they count from the next `answers analyze` on."""
    from harvester.store import release_mail

    database = workspace_of(ctx).open_database()
    try:
        for message in mails:
            release_mail(database, message)
    finally:
        database.conn.close()
    say(f"{len(mails)} released; run `answers analyze`")


@quarantine_app.command("drop")
def drop_quarantine(ctx: typer.Context, mails: MailNumbers) -> None:
    """Delete mails from the quarantine; they are not fetched again."""
    from harvester.store import drop_mail

    database = workspace_of(ctx).open_database()
    try:
        for message in mails:
            drop_mail(database, message)
    finally:
        database.conn.close()
    say(f"{len(mails)} dropped")


def run_capture(
    workspace: Workspace,
    verb: str,
    total: int | None,
    capture: Callable[[sqlite_utils.Database, Progress], Captured],
) -> Captured:
    """Capture with a progress bar and note the run and how it ended."""
    from harvester.store import noted_run

    database = workspace.open_database()
    try:
        with noted_run(database, verb, workspace.now) as detail, counted("mails", total) as progress:
            captured = capture(database, progress)
            detail.append(captured.sentence)
    finally:
        database.conn.close()
    return captured


def _report(captured: Captured, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json(asdict(captured))
        return
    known = captured.seen - captured.new
    say(f"{captured.new} new mails stored" + (f", {known} known already" if known else ""))
    if captured.withheld:
        say(f"mails that the mail server fails to hand over: {captured.withheld}; its log tells which and why")
