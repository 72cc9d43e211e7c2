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
    from digest.alignment import measure_alignment
    from digest.ranking import rank_topics
    from digest.windows import windows_until
    from harvester.errors import UsageError
    from nlp.decisions import wake
    from nlp.export import export_insights, export_mails, topic_as_json
    from nlp.page_store import load_coverage
    from nlp.records import topic_id
    from nlp.store import all_topics, topic_insights

    if not as_json:
        raise UsageError("export writes JSON: add --json, and > FILE to keep it")
    workspace = workspace_of(ctx)
    company = workspace.config.company
    now = workspace.now()
    database = workspace.open_database()
    topics = all_topics(database)
    insights = topic_insights(database)
    windows = windows_until(now.astimezone(company.zone).date(), company.zone, days=28)
    ranked = rank_topics(
        (replace(topic, dismissed=False) for topic in topics),  # the hidden ones are exported with their counts, too
        insights,
        windows,
        ideal=company.ideal,
        base_url=workspace.config.site.base_url,
        coverage=load_coverage(database),
    )
    counted = {one.topic.id: one.as_json() for one in ranked}
    shown = {topic.id for topic in topics if not topic.dismissed and topic.merged_into is None}
    alignment = measure_alignment([one for one in ranked if one.topic.id in shown], insights, windows)
    print_json(
        {
            "generated_at": now.astimezone(company.zone).isoformat(timespec="seconds"),
            "mails": export_mails(database),
            "insights": export_insights(database),
            "topics": [{**counted[topic.id], **topic_as_json(wake(topic, windows.recent.last))} for topic in topics],
            "alignment": {
                "first": alignment.days.first.isoformat(),
                "last": alignment.days.last.isoformat(),
                "answered": alignment.answered,
                "asked": alignment.asked,
                "share": alignment.share,
                "pairs": [
                    {"company": pair.company, "topic": topic_id(pair.topic), "page": pair.page_url or None}
                    for pair in alignment.pairs
                ],
            },
        }
    )
