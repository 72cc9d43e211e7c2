"""The verbs for the owner of a workspace: demo, init, doctor, status, explain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from harvester.cli_support import console, print_json, say, workspace_of

EXPLAINED_AT_ONCE = 500


class Form(StrEnum):
    """What a brief can be written as."""

    MD = "md"
    HTML = "html"
    DOCX = "docx"


T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    for verb in (demo, init, doctor, status, explain, site, brief):
        app.command()(verb)


def demo(
    folder: Annotated[Path, typer.Argument(help="The new workspace.")] = Path("answers-demo"),
) -> None:
    """Make a workspace from the sample mailbox: topics, pages and a digest. No server, no network."""
    from digest.demo import build_demo, describe_demo

    made = build_demo(folder)
    console().print(describe_demo(made))


def init(
    folder: Annotated[Path, typer.Argument(help="Where answers.toml is written.")] = Path(),
) -> None:
    """Ask for the few things that matter, check the logins, write a commented answers.toml."""
    from digest.setup import Answers, write_workspace

    say("A few questions; press Enter for the value in brackets. Nothing is written before the last one.")
    name = typer.prompt("Company name")
    domains = typer.prompt("Your own mail domains, separated by commas")
    zone = typer.prompt("Time zone", default="Europe/Berlin")
    imap_host = typer.prompt("IMAP server of the answers mailbox (empty: none yet)", default="", show_default=False)
    username = typer.prompt("User name (the address your colleagues BCC)") if imap_host else ""
    password = typer.prompt("Password", hide_input=True) if imap_host else ""
    smtp_host = typer.prompt("SMTP server for the digest (empty: none yet)", default="", show_default=False)
    to = typer.prompt("Who gets the digest (addresses, separated by commas)") if smtp_host else ""
    owner = typer.prompt("Who hears of faults (one address)") if smtp_host else ""
    answers = Answers(name, domains, zone, imap_host, username, password, smtp_host, to, owner)
    path = write_workspace(folder, answers)
    say(f"{path} is written. Next: `answers --config {path} doctor`, then `answers --config {path} run`.")


def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Check config, database, disk, clock, models, IMAP and SMTP; sends nothing."""
    from dataclasses import asdict

    from rich.table import Table
    from rich.text import Text

    from digest.doctor import examine

    checks = examine(workspace_of(ctx))
    if as_json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        colours = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "bright_black"}
        for check in checks:
            table.add_row(Text(check.outcome, colours[check.outcome]), Text(check.name, "bold"), Text(check.detail))
        console().print(table)
    if any(check.outcome == "failed" for check in checks):
        raise typer.Exit(1)


def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Last poll, counts, what was set aside and why, last digest, warnings."""
    from digest.status import read_state
    from digest.status_text import state_as_text

    workspace = workspace_of(ctx)
    imap = workspace.config.imap
    minutes = imap.poll_every_minutes if imap.host else None
    database = workspace.open_database()
    try:
        state = read_state(database, poll_every_minutes=minutes, now=workspace.now())
    finally:
        database.conn.close()
    if as_json:
        print_json(state.as_json())
    else:
        console().print(state_as_text(state))


def explain(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Mails (.eml), folders, mbox files or Maildirs.")],
    domain: Annotated[
        list[str] | None, typer.Option("--domain", help="Your own mail domain, instead of a workspace's.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Show what is understood of a mail: its parts, people and insights. Stores nothing."""
    from harvester.files import read_mails
    from harvester.reading import open_readers
    from harvester.records import ReadingSettings, Roster
    from nlp.answering import pairing_by
    from nlp.embedding import load_encoders
    from nlp.explain import explain_as_json, explain_as_page, explain_as_text, find_reasons, look_up_topics
    from nlp.sentence_model import load_sentence_model
    from nlp.understanding import understand_many

    if domain:
        settings, workers = ReadingSettings(Roster(tuple(name.lower() for name in domain))), 2
    else:
        workspace = workspace_of(ctx)
        settings, workers = workspace.reading_settings(), workspace.config.engine.workers
    encoders = load_encoders()
    model, similarity = load_sentence_model(encoders.multilingual), pairing_by(encoders)
    look_up = look_up_topics(None if domain else workspace_of(ctx).database_path)
    explained = []
    with open_readers(settings, workers) as read:
        for mails in chunked(read_mails(tuple(paths)), EXPLAINED_AT_ONCE):
            readings = list(read([mail.raw for mail in mails]))
            understandings = understand_many(readings, model, similarity)
            for mail, reading, understood in zip(mails, readings, understandings, strict=True):
                why = find_reasons(reading, understood.insights, model, look_up(mail.raw))
                if not as_json and not html:
                    console().print(explain_as_text(Path(str(mail.origin)), reading, understood.insights, why))
                    continue
                row = explain_as_json(Path(str(mail.origin)), reading, understood.insights, understood.language, why)
                if as_json:
                    print_json(row, indent=None)
                if html:
                    explained.append(row)
    if html:
        html.write_text(explain_as_page(explained), encoding="utf-8")
        if not as_json:
            say(f"{html} is written")


def site(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Build the pages; readers see all of the old or all of the new."""
    from digest.site import build_site
    from harvester.store import noted_run

    workspace = workspace_of(ctx)
    database = workspace.open_database()
    try:
        with noted_run(database, "site", workspace.now) as detail:
            pages = build_site(workspace, database, workspace.now())
            detail.append(f"{pages} topic pages")
    finally:
        database.conn.close()
    index = workspace.site_folder / "index.html"
    if as_json:
        print_json({"topics": pages, "index": str(index)})
    else:
        say(f"{pages} topic pages; open {index}")


def brief(
    ctx: typer.Context,
    topic: Annotated[str, typer.Argument(help="The topic, such as T-017.")],
    form: Annotated[Form, typer.Option("--format", help="The form of the brief.")] = Form.MD,
    out: Annotated[Path | None, typer.Option("--out", help="Write to this file instead of the terminal.")] = None,
) -> None:
    """Write the one-page assignment for a writer."""
    from digest.brief import write_brief
    from harvester.errors import UsageError

    if form is Form.DOCX and not out:
        raise UsageError("a Word document needs a file: `--out brief.docx`")
    workspace = workspace_of(ctx)
    database = workspace.open_database()
    try:
        written = write_brief(workspace.config, database, topic, workspace.now(), form.value, workspace.folder)
    finally:
        database.conn.close()
    if not out:
        typer.echo(written.decode())
        return
    try:
        out.write_bytes(written)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; name another file") from error
    say(f"{out} is written")


def chunked(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
