"""What every command shares: finding the workspace, printing for people or programs, errors as exit codes.

Stays light: nothing here is imported at start-up but typer; a command imports what it needs when it runs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from harvester.workspace import Workspace


_UNSEEN = re.compile(r"[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_BEFORE_EACH: list[Callable[[Workspace], None]] = []


def before_each_command(act: Callable[[Workspace], None]) -> None:
    """Have something done with the workspace before a command does its own work; it must be quick."""
    _BEFORE_EACH.append(act)


def workspace_of(ctx: typer.Context) -> Workspace:
    """The workspace that --config, $ANSWERS_CONFIG or the current folder names. ctx.obj: the --config path or None."""
    from harvester.workspace import find_workspace

    config_path: Path | None = ctx.find_root().obj
    workspace = find_workspace(config_path)
    for act in _BEFORE_EACH:
        act(workspace)
    return workspace


def config_path_of(ctx: typer.Context) -> Path:
    """Where the settings are, or will be: for a command that may come before them."""
    from harvester.workspace import choose_config_path

    config_path: Path | None = ctx.find_root().obj
    return choose_config_path(config_path).resolve()


def console() -> Console:
    """Standard output for people: tables and colour on a terminal, plain lines elsewhere."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def say(sentence: str) -> None:
    """One line for a person on standard output."""
    typer.echo(sentence)


def print_json(document: Any, *, indent: int | None = 2) -> None:
    """One JSON document on standard output; what steers a terminal or hides in a text is escaped in it."""
    text = json.dumps(document, ensure_ascii=False, indent=indent, allow_nan=False)
    typer.echo(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


@contextmanager
def counted(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal (standard error), nothing elsewhere; gives the function that advances it."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda count: progress.advance(task, count)


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Print an AnswersError as its one sentence on standard error and leave with its exit code."""
    import errno

    from harvester.errors import AnswersError

    try:
        yield
    except AnswersError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(error.exit_code) from error
    except KeyboardInterrupt:
        typer.echo("stopped; what was finished is kept", err=True)
        raise SystemExit(130) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        typer.echo("the disk is full: nothing is lost; free some space and run the command again", err=True)
        raise SystemExit(1) from error
