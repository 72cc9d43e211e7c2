"""The verbs about what is kept: forget, backup, restore. Thin: they open what has side effects and pass it down."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harvester.cli_support import before_each_command, config_path_of, counted, print_json, say, workspace_of

if TYPE_CHECKING:
    from digest.forgetting import Erased, Plan
    from harvester.workspace import Workspace

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    for verb in (forget, backup, restore):
        app.command()(verb)
    before_each_command(resume)


def forget(
    ctx: typer.Context,
    whom: Annotated[str, typer.Argument(metavar="ADDRESS|DOMAIN|MESSAGE-ID", show_default=False)],
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be erased; erase nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase everything that is stored about somebody, and keep it out from now on; asks before it does."""
    from digest.forgetting import forget as carry_out
    from digest.forgetting import plan_erasure
    from harvester.finding_store import count_mails

    workspace = workspace_of(ctx)
    database = workspace.open_database()
    try:
        total = count_mails(database.conn)
        with counted("mails searched", total) as progress:
            plan = plan_erasure(workspace, database, whom, progress)
        if dry_run:
            _report_plan(plan, as_json)
            return
        if not yes and sys.stdin.isatty():
            typer.confirm(f"{_plan_sentence(plan)} This cannot be undone. Erase?", abort=True)
        with counted("mails searched", total) as progress:
            erased = carry_out(workspace, database, plan.target, workspace.now(), progress)
    finally:
        database.conn.close()
    if as_json:
        print_json(asdict(erased))
    else:
        for line in describe_erasure(plan, erased):
            say(line)


def backup(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file to write, or a folder.")],
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Put passwords in, too; keep such a file as safe as they are.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy the archive and its settings into one file, while everything goes on; passwords stay out."""
    from harvester.backups import make_backup
    from harvester.store import end_run, start_run

    workspace = workspace_of(ctx)
    database = workspace.open_database()
    try:
        made = make_backup(database, workspace.folder, path, workspace.now(), with_secrets=with_secrets)
        # Noted afterwards: a backup does not hold that it is being made.
        run = start_run(database, "backup", workspace.now())
        end_run(database, run, "done", f"{made.mails} mails", workspace.now())
    finally:
        database.conn.close()
    if as_json:
        print_json({**asdict(made), "path": str(made.path)})
        return
    left_out = f" Left out: {', '.join(made.left_out)}." if made.left_out else ""
    beside = f" with {', '.join(made.files)}" if made.files else ""
    say(f"{made.path} holds {made.mails} mails{beside} ({made.size / 1e6:.1f} MB).{left_out}")


def restore(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file that `answers backup` wrote.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make a backup the archive again, all of it or nothing; what was forgotten since stays forgotten."""
    from digest.restoring import count_today
    from digest.restoring import restore as bring_back
    from harvester.workspace import now_utc

    config_path = config_path_of(ctx)
    mails = count_today(config_path.parent / "answers.db")
    if mails and not yes and sys.stdin.isatty():
        typer.confirm(f"The {mails} mails in {config_path.parent} are replaced by the backup. Go on?", abort=True)
    restored = bring_back(config_path, path, now_utc())
    if as_json:
        print_json({**asdict(restored), "made_at": restored.made_at.isoformat()})
        return
    say(f"{restored.mails} mails are back, as of {restored.made_at:%Y-%m-%d %H:%M} UTC. Next: `answers poll`.")
    if restored.erased_again:
        say(f"{restored.erased_again} erasures that came after the backup were done again.")
    if restored.unknown:
        weeks = ", ".join(restored.unknown)
        say(f"Whether the digest went out is not known for {weeks}: it is not sent again. `answers poll` looks for its")
        say(
            "copy in the mailbox; if recipients have none, `answers digest --resend --week WEEK` composes and sends it."
        )
    if restored.files:
        say(f"Written from the backup: {', '.join(restored.files)}.")
    if restored.needs_secrets:
        say("The passwords are not in the backup: put them in place, then run `answers doctor`.")


def resume(workspace: Workspace) -> None:
    """Before any command: end an erasure that was cut off. Costs one look into the database."""
    from harvester.tombstone_store import has_unfinished

    if not has_unfinished(workspace.database_path):
        return
    from digest.forgetting import resume_erasures
    from harvester.errors import AnswersError

    database = workspace.open_database()
    try:
        resume_erasures(workspace, database, workspace.now())
        typer.echo("an erasure that was cut off is finished now", err=True)
    except AnswersError as error:
        typer.echo(f"an erasure is not finished yet: {error}", err=True)
    finally:
        database.conn.close()


def describe_erasure(plan: Plan, erased: Erased) -> list[str]:
    """What was done and what is left to do, line by line."""
    lines = [
        f"Erased: {erased.mails} mails, {erased.insights} insights, what {erased.passages} other mails said about it,"
        f" {erased.digests} digests, {len(erased.files)} files."
    ]
    if not (erased.mails or erased.passages or erased.insights):
        lines = ["Nothing was stored about it."]
    lines.append("It is kept out from now on: what comes in later and names it is not stored.")
    if erased.renamed:
        lines.append(f"Named anew from what is left: {', '.join(erased.renamed)}.")
    if erased.emptied:
        lines.append(f"Empty now, with their numbers kept: {', '.join(erased.emptied)}.")
    for held in erased.backups:
        if held.holds:
            lines.append(f"Still holds it: {held.path}; delete it, or make a new backup there.")
        elif held.holds is None:
            lines.append(f"May still hold it, wherever it is now: {held.path}.")
    if erased.by_hand:
        lines.append(f"Written by you and left alone, although it is named there: {', '.join(erased.by_hand)}.")
    return lines


def _plan_sentence(plan: Plan) -> str:
    return (
        f"{plan.target.value} ({plan.target.kind}): {plan.mails} mails and {plan.insights} insights go, and"
        f" {plan.passages} other mails lose what they say about it."
    )


def _report_plan(plan: Plan, as_json: bool) -> None:
    if as_json:
        counts = {"mails": plan.mails, "passages": plan.passages, "insights": plan.insights}
        print_json({"kind": plan.target.kind, **counts})
    else:
        say(_plan_sentence(plan))
