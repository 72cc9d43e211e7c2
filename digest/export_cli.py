"""The verb that hands everything out: export."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from harvester.cli_support import print_json, workspace_of


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command()(export)


def export(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> None:
    """Print all mails, insights and topics as one JSON document."""
    from digest.ranking import rank_topics
    from digest.windows import windows_until
    from harvester.errors import UsageError
    from nlp.export import export_insights, export_mails, topic_as_json
    from nlp.page_store import load_coverage
    from nlp.store import all_topics, topic_insights

    if not as_json:
        raise UsageError("export writes JSON: add --json, and > FILE to keep it")
    workspace = workspace_of(ctx)
    company = workspace.config.company
    now = workspace.now()
    database = workspace.open_database()
    topics = all_topics(database)
    windows = windows_until(now.astimezone(company.zone).date(), company.zone, days=28)
    ranked = rank_topics(
        (replace(topic, dismissed=False) for topic in topics),  # the hidden ones are exported with their counts, too
        topic_insights(database),
        windows,
        ideal=company.ideal,
        base_url=workspace.config.site.base_url,
        coverage=load_coverage(database),
    )
    counted = {one.topic.id: one.as_json() for one in ranked}
    print_json(
        {
            "generated_at": now.astimezone(company.zone).isoformat(timespec="seconds"),
            "mails": export_mails(database),
            "insights": export_insights(database),
            "topics": [{**counted[topic.id], **topic_as_json(topic)} for topic in topics],
        }
    )
