"""The `answers` command: joins the verbs of the three packages, nothing else."""

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

import digest.cli
import harvester.cli
import nlp.cli
from harvester.cli_support import errors_as_exit_codes

app = typer.Typer(
    name="answers",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Turns the mailbox that salespeople BCC into a ranked, sourced list of what buyers ask.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"answers-harvester {metadata.version('answers-harvester')}")
        raise typer.Exit


@app.callback()
def choose_workspace(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="The answers.toml to use; else $ANSWERS_CONFIG, else ./answers.toml."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remember which workspace the verbs work on."""
    ctx.obj = config


for package in (harvester, nlp, digest):
    package.cli.register(app)


def main() -> None:
    """Run the command line; every known error leaves as one sentence and its exit code."""
    with errors_as_exit_codes():
        app()


if __name__ == "__main__":
    main()
