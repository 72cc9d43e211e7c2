"""The verbs about what was understood: topic, search. Thin: they open what has side effects and pass it down."""

from __future__ import annotations

import getpass
import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from harvester.cli_support import console, print_json, say, workspace_of
from nlp import analyze_cli, page_cli, suggestion_cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from harvester.workspace import Workspace
    from nlp.decisions import Ruling
    from nlp.records import Topic

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
TopicId = Annotated[str, typer.Argument(help="The topic, for example T-017.", show_default=False)]
By = Annotated[str, typer.Option("--by", help="Who decides; else the login name.")]

topic_app = typer.Typer(no_args_is_help=True, help="Decide about a topic; every decision is logged and can be undone.")


def register(app: typer.Typer) -> None:
    """Add this package's verbs to the command."""
    analyze_cli.register(app)
    app.command()(search)
    app.add_typer(topic_app, name="topic")
    page_cli.register(app)
    suggestion_cli.register(app)


def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="Words; all of them must occur if any insight holds all.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 20,
    as_json: AsJson = False,
) -> None:
    """Search what prospects asked and what colleagues answered."""
    from rich.table import Table
    from rich.text import Text

    from nlp.export import insight_as_json
    from nlp.records import topic_id
    from nlp.search import search_insights

    hits = search_insights(workspace_of(ctx).open_database(), " ".join(words), limit)
    if as_json:
        print_json([{**insight_as_json(hit.insight), "snippet": hit.snippet} for hit in hits])
        return
    if not hits:
        say("Nothing holds these words.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("", "asked", "company", "topic", "where"):
        table.add_column(heading, no_wrap=heading not in ("where", "company"))
    for hit in hits:
        insight = hit.insight
        topic = topic_id(insight.topic) if insight.topic else "-"
        seen = "".join(c for c in hit.snippet if c.isprintable())
        cells = (f"#{insight.id}", f"{insight.asked_at:%Y-%m-%d}", insight.company, topic, seen)
        table.add_row(*(Text(cell) for cell in cells))
    console().print(table)


@topic_app.command()
def rename(ctx: typer.Context, topic: TopicId, name: str, by: By = "", as_json: AsJson = False) -> None:
    """Give the topic a name; the machine never changes it again. Its address stays."""
    from nlp.decisions import rename_topic

    author = _author(by)
    _decide(ctx, topic, author, lambda database, found: rename_topic(found, name, author), as_json)


@topic_app.command()
def merge(
    ctx: typer.Context,
    topic: TopicId,
    into: Annotated[str, typer.Argument(help="The topic that carries on.", show_default=False)],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Merge the first topic into the second, which carries on; later insights of either count there."""
    from nlp.decisions import merge_topics
    from nlp.store import find_topic

    _decide(ctx, topic, _author(by), lambda database, found: merge_topics(found, find_topic(database, into)), as_json)


@topic_app.command()
def dismiss(ctx: typer.Context, topic: TopicId, by: By = "", as_json: AsJson = False) -> None:
    """Hide the topic; new insights of that meaning go there and stay hidden."""
    from nlp.decisions import dismiss_topic

    _decide(ctx, topic, _author(by), lambda database, found: dismiss_topic(found), as_json)


@topic_app.command()
def restore(ctx: typer.Context, topic: TopicId, by: By = "", as_json: AsJson = False) -> None:
    """Show a dismissed topic again."""
    from nlp.decisions import restore_topic

    _decide(ctx, topic, _author(by), lambda database, found: restore_topic(found), as_json)


@topic_app.command()
def status(
    ctx: typer.Context,
    topic: TopicId,
    value: Annotated[str, typer.Argument(metavar="open|claimed|drafting|published|wont-do|snoozed")],
    detail: Annotated[str, typer.Argument(help="Who is on it, URL of the page, reason, or date.")] = "",
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="When it was published; else today.")
    ] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Say what happens with the topic: claimed WHO, published URL, wont-do REASON, snoozed DATE, ..."""
    from nlp.decisions import set_status, wake

    workspace = workspace_of(ctx)
    today = workspace.now().astimezone(workspace.config.company.zone).date()
    author = _author(by)

    def plan(database: Database, found: Topic) -> Ruling:
        published_on = on.date() if on else None
        return set_status(wake(found, today), value, detail, today, author=author, published_on=published_on)

    _decide(ctx, topic, author, plan, as_json)


@topic_app.command()
def page(
    ctx: typer.Context,
    topic: TopicId,
    url: Annotated[str, typer.Argument(help="The page's address.", show_default=False)],
    answers: Annotated[bool, typer.Option("--answers", help="It answers the topic.")] = False,
    partly: Annotated[bool, typer.Option("--partly", help="It answers a part and could be extended.")] = False,
    nothing: Annotated[bool, typer.Option("--not", help="It does not answer the topic.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Say whether a page answers the topic; the machine never changes it again."""
    from harvester.errors import UsageError
    from nlp.decision_store import load_page_ruling
    from nlp.decisions import require_unmerged, rule_on_page
    from nlp.page_store import name_page
    from nlp.pages import is_web_address

    if answers + partly + nothing != 1:
        raise UsageError("say one of --answers, --partly, --not")
    if not is_web_address(url):
        raise UsageError(f"{url!r} is not the address of a page, such as https://www.acme.example/pricing")
    answer = "answers" if answers else "partly" if partly else "not"
    author = _author(by)
    workspace = workspace_of(ctx)

    def plan(database: Database, found: Topic) -> Ruling:
        require_unmerged(found)
        known = name_page(database, url, workspace.now())
        return rule_on_page(found, known, answer, load_page_ruling(database, found.id, known.id), author)

    _decide(ctx, topic, author, plan, as_json)


@topic_app.command()
def move(
    ctx: typer.Context,
    topic: TopicId,
    insights: Annotated[list[int], typer.Argument(help="Numbers of insights, as pages and export show them.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Put insights into this topic, wherever they are now."""
    from nlp.decision_store import load_assigned
    from nlp.decisions import move_insights

    _decide(
        ctx,
        topic,
        _author(by),
        lambda database, found: move_insights(found, load_assigned(database, insights)),
        as_json,
    )


@topic_app.command()
def split(
    ctx: typer.Context,
    topic: TopicId,
    insights: Annotated[list[int], typer.Argument(help="Numbers of the insights that leave.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the new topic.")] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Take insights out into a new topic."""
    from nlp.decision_store import load_assigned
    from nlp.decisions import split_topic
    from nlp.store import central_order, insights_by_id, next_topic_id

    author = _author(by)
    workspace = workspace_of(ctx)

    def plan(database: Database, found: Topic) -> Ruling:
        order = central_order(database, found.id)
        members = insights_by_id(database, order)
        return split_topic(
            found,
            [members[insight] for insight in order],
            load_assigned(database, insights),
            new_id=next_topic_id(database),
            name=name,
            author=author,
            now=workspace.now(),
        )

    _decide(ctx, topic, author, plan, as_json)


@topic_app.command()
def apart(
    ctx: typer.Context,
    topic: TopicId,
    other: Annotated[str, typer.Argument(help="The other topic; the same one again: it is one thing, not several.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Say that two topics mean different things; they are not suggested for merging again."""
    from nlp.decisions import keep_apart
    from nlp.store import find_topic

    _decide(ctx, topic, _author(by), lambda database, found: keep_apart(found, find_topic(database, other)), as_json)


@topic_app.command()
def pin(
    ctx: typer.Context,
    topic: TopicId,
    category: Annotated[str | None, typer.Option("--category", help="cost, problems, versus, ...")] = None,
    stage: Annotated[str | None, typer.Option("--stage", help="awareness, consideration, decision.")] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Say the topic's category or stage; the machine never changes it again."""
    from nlp.decisions import pin_facets

    author = _author(by)
    _decide(ctx, topic, author, lambda database, found: pin_facets(found, category, stage, author), as_json)


@topic_app.command()
def undo(ctx: typer.Context, topic: TopicId, as_json: AsJson = False) -> None:
    """Take back the last decision about the topic."""
    from nlp.decision_store import take_back
    from nlp.decisions import last_decision, undo_decision
    from nlp.store import all_topics, decision_log, find_topic

    workspace = workspace_of(ctx)
    database = workspace.open_database()
    decision = last_decision(decision_log(database), find_topic(database, topic))
    take_back(database, undo_decision(decision, {known.id: known for known in all_topics(database)}), workspace.now())
    _report(database, topic, f"undone: {decision.verb}", as_json)


def _decide(
    ctx: typer.Context, shown_id: str, author: str, plan: Callable[[Database, Topic], Ruling], as_json: bool
) -> None:
    from nlp.decision_store import carry_out
    from nlp.store import find_topic

    workspace: Workspace = workspace_of(ctx)
    database = workspace.open_database()
    ruling = plan(database, find_topic(database, shown_id))
    carry_out(database, ruling, author, workspace.now())
    _report(database, shown_id, _describe(ruling), as_json)


def _describe(ruling: Ruling) -> str:
    values = [f"{value}" for value in ruling.detail.values() if isinstance(value, str | int) and value != ""]
    return " ".join([ruling.verb, *values])


def _report(database: Database, shown_id: str, done: str, as_json: bool) -> None:
    from nlp.export import topic_as_json
    from nlp.records import topic_id
    from nlp.store import find_topic

    topic = find_topic(database, shown_id)
    if as_json:
        print_json({"done": done, "topic": topic_as_json(topic)})
    else:
        say(f"{topic_id(topic.id)} {topic.name}: {done}")


def _author(by: str) -> str:
    if by.strip():
        return " ".join(by.split())[:100]
    try:
        return os.environ.get("USER") or getpass.getuser()
    except (KeyError, OSError):  # a container without a user entry
        return "somebody"
