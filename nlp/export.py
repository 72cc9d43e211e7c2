"""Insights, topics and mails as JSON values for scripts. The ranking adds its counts to the topics elsewhere."""

from typing import Any

from sqlite_utils import Database

from nlp.records import StoredInsight, Topic, topic_id
from nlp.store import load_insights


def export_mails(database: Database) -> list[dict[str, Any]]:
    """Every mail that was read, in order of arrival. sha256: of the bytes as the server gave them."""
    rows = database.conn.execute(
        "select r.message_id, m.sha256, r.status, r.reason, r.colleague, r.company, r.thread, r.sent_at"
        " from messages m left join readings r on r.message = m.id order by m.id"
    )
    names = ("message_id", "sha256", "status", "reason", "colleague", "company", "thread", "sent_at")
    return [dict(zip(names, row, strict=True)) for row in rows]


def export_insights(database: Database) -> list[dict[str, Any]]:
    """Every insight, oldest id first."""
    message_ids = dict(database.conn.execute("select message, message_id from readings").fetchall())
    return [
        {**insight_as_json(insight), "message_id": message_ids.get(insight.message)}
        for insight in load_insights(database)
    ]


def insight_as_json(insight: StoredInsight) -> dict[str, Any]:
    """One element of the `insights` list."""
    return {
        "id": insight.id,
        "kind": str(insight.kind),
        "text": insight.text,
        "context": insight.context,
        "company": insight.company,
        "person": insight.person,
        "asked_at": insight.asked_at.isoformat(timespec="seconds"),
        "language": insight.language,
        "inferred": insight.inferred,
        "category": insight.category,
        "stage": insight.stage,
        "topic": topic_id(insight.topic) if insight.topic else None,
        "answer": insight.answer,
    }


def topic_as_json(topic: Topic) -> dict[str, Any]:
    """The facts of a topic, without counts."""
    return {
        "id": topic_id(topic.id),
        "name": topic.name,
        "slug": topic.slug,
        "named_by": topic.named_by,
        "status": topic.status,
        "status_detail": topic.status_detail,
        "category": topic.category,
        "stage": topic.stage,
        "dismissed": topic.dismissed,
        "merged_into": topic_id(topic.merged_into) if topic.merged_into else None,
        "born_at": topic.born_at.isoformat(timespec="seconds"),
    }
