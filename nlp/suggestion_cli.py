"""The verb about what the machine would like people to decide: suggestions. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from harvester.cli_support import console, print_json, say, workspace_of
from nlp.records import topic_id

if TYPE_CHECKING:
    from rich.table import Table

    from nlp.records import Topic
    from nlp.suggestions import Suggestion

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command()(suggestions)


def suggestions(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Topics that may be one, or several; each with the command that decides it. Nothing is changed."""
    from nlp.store import living_topics
    from nlp.suggestion_store import load_suggestions

    database = workspace_of(ctx).open_database()
    topics = {topic.id: topic for topic in living_topics(database)}
    found = load_suggestions(database)
    if as_json:
        print_json({"suggestions": [_as_json(one, topics) for one in found]})
    elif not found:
        say("nothing to decide")
    else:
        console().print(_table(found, topics))


def _as_json(one: Suggestion, topics: dict[int, Topic]) -> dict[str, Any]:
    other = topics[one.other] if one.other is not None else None
    return {
        "kind": one.kind,
        "topic": topic_id(one.topic),
        "name": topics[one.topic].name,
        "other": topic_id(other.id) if other else None,
        "other_name": other.name if other else None,
        "similarity": one.score,
        "commands": list(_commands(one)),
    }


def _commands(one: Suggestion) -> tuple[str, ...]:
    shown = topic_id(one.topic)
    if one.other is None:
        return (f"answers topic split {shown} NUMBER...", f"answers topic apart {shown} {shown}")
    other = topic_id(one.other)
    return (f"answers topic merge {other} {shown}", f"answers topic apart {shown} {other}")


def _table(found: tuple[Suggestion, ...], topics: dict[int, Topic]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("likeness", "topics", "to decide"):
        table.add_column(heading, no_wrap=heading == "likeness")
    for one in found:
        names = [f"{topic_id(number)} {topics[number].name}" for number in (one.topic, one.other) if number is not None]
        question = "the same?" if one.other is not None else "one thing, or several?"
        table.add_row(f"{one.score:.2f}", Text("\n".join([*names, question])), Text("\n".join(_commands(one))))
    return table
