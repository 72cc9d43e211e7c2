"""The verbs that show and send: topics, digest, run. Thin: they open what has side effects and pass it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest import export_cli, privacy_cli, workspace_cli
from harvester.cli_support import console, print_json, say, workspace_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from digest.dispatch import Outcome
    from digest.records import RankedTopic, TopicFacets
    from harvester.workspace import Workspace
    from nlp.records import StoredInsight

WIDE_SCREEN = 100
PIPED_WIDTH = 140
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add this package's verbs to the command."""
    for verb in (topics, digest, run):
        app.command()(verb)
    workspace_cli.register(app)
    export_cli.register(app)
    privacy_cli.register(app)


def topics(
    ctx: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, max=36500, help="Rank by the last N days.")] = 28,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day; else today.")
    ] = None,
    explained: Annotated[
        str | None, typer.Option("--explain", metavar="TOPIC", help="Say why each insight is in this topic.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the topics by how many companies asked."""
    if explained:
        _explain_topic(workspace_of(ctx), explained, as_json)
        return
    from digest.ranking import rank_topics
    from digest.records import NO_FACETS
    from digest.windows import windows_until
    from nlp.page_store import load_coverage
    from nlp.store import living_topics, topic_insights

    workspace = workspace_of(ctx)
    company = workspace.config.company
    last_day = until.date() if until else workspace.now().astimezone(company.zone).date()
    windows = windows_until(last_day, company.zone, days=days)
    database = workspace.open_database()
    try:
        insights = topic_insights(database)
        ranked = rank_topics(
            living_topics(database),
            insights,
            windows,
            ideal=company.ideal,
            base_url=workspace.config.site.base_url,
            coverage=load_coverage(database),
        )
        facets = _gather_facets(workspace, database, insights) if as_json else {}
    finally:
        database.conn.close()
    if as_json:
        print_json([{**one.as_json(), **facets.get(one.topic.id, NO_FACETS).as_json()} for one in ranked])
        return
    _print_topics(ranked, days)


def digest(
    ctx: typer.Context,
    week: Annotated[str | None, typer.Option("--week", help="An ISO week such as 2026-W47; else this week.")] = None,
    month: Annotated[
        str | None, typer.Option("--month", help="The monthly note about a month such as 2026-10, instead.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write outbox/WEEK/digest.*, send nothing.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Send only if it is time: for cron and timers.")] = False,
    resend: Annotated[bool, typer.Option("--resend", help="Send the mail of a week again, to everybody.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send the weekly digest; at most one goes out in a week."""
    from functools import partial

    from digest.audiences import MONTHLY, WEEKLY
    from digest.dispatch import resend_digest, send_digest, send_due_digest, write_digest
    from digest.logs import log_to_stderr
    from digest.wiring import ask_for_digest
    from harvester.errors import UsageError

    if dry_run + due + resend > 1 or (due and (week or month)):
        raise UsageError("--dry-run, --due and --resend exclude each other, and --due knows its week by itself")
    if week and month:
        raise UsageError("--week is for the digest, --month for the note to the management; name one of them")
    audience, period = (MONTHLY, month) if month else (WEEKLY, week)
    log_to_stderr()
    workspace = workspace_of(ctx)
    database = workspace.open_database()
    try:
        if dry_run:
            outcome = write_digest(workspace, database, workspace.now(), week=period, audience=audience)
        elif due:
            outcome = ask_for_digest(workspace, database, send_due_digest)
        elif resend:
            outcome = ask_for_digest(workspace, database, partial(resend_digest, week=period, audience=audience))
        else:
            outcome = ask_for_digest(workspace, database, partial(send_digest, week=period, audience=audience))
        if outcome.state == "sent" and workspace.config.site.base_url:
            _make_web_copy(workspace, database)
    finally:
        database.conn.close()
    if as_json:
        print_json(_outcome_json(outcome))
    elif not (due and outcome.state == "not-due"):  # cron mails every word
        say(outcome.sentence)


def _make_web_copy(workspace: Workspace, database: Database) -> None:
    """The mail links to its copy beside the pages. It went out: that the copy is missing is said, but fails nothing."""
    from digest.steps import site_step
    from harvester.errors import AnswersError

    try:
        site_step(workspace, database)
    except AnswersError as error:
        typer.echo(f"the web copy was not made: {error}", err=True)


def run(ctx: typer.Context) -> None:
    """Poll, analyze, build the pages and send the digest when it is due, until stopped."""
    from harvester.locks import hold_lock

    workspace = workspace_of(ctx)
    sentence = f"another `answers run` already works on {workspace.folder}; stop that one first"
    with hold_lock(workspace.folder / "run.lock", sentence):
        _run(workspace)


def _run(workspace: Workspace) -> None:
    from functools import partial

    from digest.daemon import run_daemon
    from digest.logs import log_to_stderr
    from digest.steps import analyze_step, poll_step, site_step
    from digest.wiring import make_daemon, watch_mailbox

    log_to_stderr()
    workspace.open_database().conn.close()
    daemon = make_daemon(
        workspace,
        poll=partial(poll_step, workspace),
        analyze=partial(analyze_step, workspace),
        build_site=partial(site_step, workspace),
    )
    run_daemon(daemon, partial(watch_mailbox, workspace) if workspace.config.imap.host else None)


def _gather_facets(
    workspace: Workspace, database: Database, insights: Mapping[int, Sequence[StoredInsight]]
) -> dict[int, TopicFacets]:
    from digest.facets import gather_facets
    from digest.site_inside import make_show
    from digest.site_sources import make_showing

    show = make_show(make_showing(workspace.config, database, build="internal"))
    return gather_facets(workspace.config, database, insights, workspace.folder, show)


def _explain_topic(workspace: Workspace, shown_id: str, as_json: bool) -> None:
    from nlp.explain import explain_topic_as_text
    from nlp.topic_reasons import explain_topic

    database = workspace.open_database()
    try:
        reasons = explain_topic(database, shown_id)
    finally:
        database.conn.close()
    if as_json:
        print_json(reasons.as_json())
    else:
        console().print(explain_topic_as_text(reasons))


def _print_topics(ranked: tuple[RankedTopic, ...], days: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from digest.quotes import one_line
    from nlp.records import topic_id

    asked = [topic for topic in ranked if topic.companies_listed]
    if not asked:
        say(f"Nobody asked anything in these {days} days; --days N looks further back.")
        return
    screen = console()
    # On a pipe there is no width to fit into; on a narrow screen the name is what matters.
    if not screen.is_terminal:
        screen.width = PIPED_WIDTH
    is_wide = screen.width >= WIDE_SCREEN
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("topic", no_wrap=True)
    table.add_column("name", ratio=1)
    for heading in ("companies", "28 days", "before"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("trend", "category", "status") if is_wide else ("trend",):
        table.add_column(heading, no_wrap=True)
    for topic in asked:
        ideal = f" ({topic.ideal} ideal)" if topic.ideal else ""
        cells = (
            str(topic.rank),
            topic_id(topic.topic.id),
            Text(one_line(topic.topic.name)),
            str(topic.companies_listed),
            f"{topic.companies_recent}{ideal}",
            str(topic.companies_before),
            topic.trend,
            *((topic.topic.category, topic.topic.status) if is_wide else ()),
        )
        table.add_row(*cells)
    screen.print(table)
    quiet = len(ranked) - len(asked)
    if quiet:
        say(f"{quiet} more topics were not asked about in these {days} days; --days N looks further back.")


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "week": outcome.week,
        "state": outcome.state,
        "subject": outcome.subject,
        "folder": str(outcome.folder) if outcome.folder else None,
        "message": outcome.sentence,
    }
