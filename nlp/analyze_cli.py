"""The verb `analyze`: understands what is new, or everything again, or groups everything anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from harvester.cli_support import counted, print_json, say, workspace_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from harvester.workspace import Workspace
    from nlp.analysis import Analysis
    from nlp.changes import Changes

NO_WAY_BACK = "Nothing takes this back but a backup that was made before: `answers backup FOLDER`."
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command()(analyze)


def analyze(
    ctx: typer.Context,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Read all kept mails again, tell what changes, then change it; ids, decisions stay."
        ),
    ] = False,
    regroup: Annotated[
        bool,
        typer.Option(
            "--regroup",
            help="Group everything anew, tell what changes, then change it; what people decided stays. Back up first.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --all, --regroup: do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --all, --regroup: only tell what would change.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Understand everything stored that is not yet understood."""
    from harvester.errors import UsageError
    from harvester.store import noted_run
    from nlp.analysis import analyze as understand
    from nlp.analysis import count_waiting
    from nlp.own_atlas import read_own_atlas
    from nlp.retention import apply_retention

    is_draft = everything or regroup
    if (yes or dry_run) and not is_draft:
        raise UsageError(
            "--yes and --dry-run go with --all and --regroup, which tell what changes before it is changed"
        )
    workspace = workspace_of(ctx)
    own = read_own_atlas(workspace.folder)
    database = workspace.open_database()
    if is_draft:
        way = _Way(everything, regroup, yes, dry_run, as_json)
        _analyze_again(workspace, database, way)
        return
    with noted_run(database, "analyze", workspace.now) as detail:
        with counted("mails read and harvested", count_waiting(database)) as progress:
            done = understand(
                database,
                workspace.reading_settings(),
                workers=workspace.config.engine.workers,
                zone=workspace.config.company.zone,
                now=workspace.now(),
                own=own,
                progress=progress,
            )
        apply_retention(database, workspace.config, workspace.now())
        detail.append(done.sentence)
    if as_json:
        print_json(done.as_json())
    else:
        say(done.sentence)


@dataclass(frozen=True)
class _Way:
    """What was said on the command line."""

    everything: bool
    regroup: bool
    yes: bool
    dry_run: bool
    as_json: bool


def _analyze_again(workspace: Workspace, database: Database, way: _Way) -> None:
    """Understand or group everything anew beside the archive, tell what changes, take it over unless told not to."""
    import sys

    from harvester.store import noted_run
    from nlp.analysis import analyze_again, count_waiting
    from nlp.changes import tell
    from nlp.own_atlas import read_own_atlas
    from nlp.retention import apply_retention

    own = read_own_atlas(workspace.folder)
    what = "grouped anew" if way.regroup else "read again"
    told: list[Changes] = []
    taken: list[bool] = []
    asks = not (way.yes or way.dry_run or way.as_json) and sys.stdin.isatty() and sys.stdout.isatty()

    def decide(changes: Changes) -> bool:
        told.append(changes)
        if not way.as_json:
            for line in (*tell(changes), *((NO_WAY_BACK,) if way.regroup and changes else ())):
                say(line)
        taken.append(not way.dry_run and (not changes or not asks or typer.confirm("Change it so?")))
        return taken[0]

    def again(detail: list[str]) -> Analysis:
        with counted("mails read and harvested", count_waiting(database, everything=way.everything)) as progress:
            done = analyze_again(
                database,
                workspace.reading_settings(),
                workers=workspace.config.engine.workers,
                zone=workspace.config.company.zone,
                now=workspace.now(),
                own=own,
                decide=decide,
                progress=progress,
                everything=way.everything,
                regroup=way.regroup,
            )
        sentence = f"{what}: {done.sentence}" if way.regroup else done.sentence
        detail.append(sentence if taken[0] and told[0] else f"everything {what}, nothing changed")
        return done

    if way.dry_run:
        done = again([])
    else:
        with noted_run(database, "analyze", workspace.now) as detail:
            done = again(detail)
            apply_retention(database, workspace.config, workspace.now())
    if way.as_json:
        print_json({**done.as_json(), "changes": told[0].as_json(), "changed": taken[0] and bool(told[0])})
    elif told[0]:
        say(done.sentence if taken[0] else "Nothing was changed.")
