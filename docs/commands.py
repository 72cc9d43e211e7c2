"""Writes the README's table of commands from the program itself: python docs/commands.py"""

import sys
from pathlib import Path

import typer.main

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- commands: kept equal to the program by tests/test_docs.py -->\n"
END = "<!-- end of commands -->"


def render_commands() -> str:
    """The table, one line per command with its arguments and the first sentence of its help."""
    from answers import app

    group = typer.main.get_command(app)
    lines = ["| command | does |", "|---|---|"]
    for name, command in sorted(group.commands.items()):
        verbs = getattr(command, "commands", None)
        shown = f"answers {name}" + (" " + "\\|".join(verbs) if verbs else "")
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        shown += "".join(f" {_metavar(argument)}" for argument in arguments)
        lines.append(f"| `{shown}` | {(command.help or '').splitlines()[0].rstrip('.')} |")
    return "\n".join(lines) + "\n"


def replace_commands(readme: str, table: str) -> str:
    """The README with the table between the two marks."""
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return head + BEGIN + table + END + tail


def _metavar(argument: object) -> str:
    name = str(getattr(argument, "name", "")).upper()
    shown = f"{name}..." if getattr(argument, "nargs", 1) == -1 else name
    return shown if getattr(argument, "required", True) else f"[{shown}]"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    path = ROOT / "README.md"
    path.write_text(replace_commands(path.read_text(encoding="utf-8"), render_commands()), encoding="utf-8")
