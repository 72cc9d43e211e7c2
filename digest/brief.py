"""Writes the one-page assignment for a writer, from the database to Markdown, HTML or Word. Reads only."""

from datetime import date, datetime
from pathlib import Path

from sqlite_utils import Database

from digest.brief_content import BriefMaterial, describe_brief
from digest.brief_docx import render_docx
from digest.brief_forms import render_html, render_markdown
from digest.brief_records import Brief
from digest.frame import load_frame
from digest.quotes import one_line
from digest.redacting import load_redaction
from digest.site import gather_site
from digest.site_inside import own_words_of
from harvester.config import Config
from harvester.errors import UsageError
from nlp.inside import look_inside
from nlp.inside_records import Inside, Show, show_as_is
from nlp.records import StoredInsight, topic_id
from nlp.store import all_topics, carrying_topics, find_topic, topic_insights

RENDERERS = {"md": render_markdown, "html": render_html}


def write_brief(
    config: Config, database: Database, shown_id: str, now: datetime, form: str = "md", folder: Path | None = None
) -> bytes:
    """The brief of a topic; of a merged one that of the topic that carries on. form: md | html | docx.

    folder: of reasons.toml, if any.
    """
    brief = gather_brief(config, database, shown_id, now, folder)
    return render_docx(brief, now) if form == "docx" else RENDERERS[form](brief).encode()


def gather_brief(config: Config, database: Database, shown_id: str, now: datetime, folder: Path | None = None) -> Brief:
    """What the brief says, in the language of the digest."""
    topic = find_topic(database, shown_id)
    carrier = carrying_topics(all_topics(database))[topic.id]
    content = gather_site(config, database, now, only=carrier, folder=folder)
    if not content.topics:
        shown = topic_id(carrier)
        raise UsageError(f"{shown} is dismissed; `answers topic restore {shown}` brings it back")
    show = _make_show(config, database)
    everything = topic_insights(database)
    insights = everything.get(carrier, ())
    inside = look_inside(database, everything, show, only=carrier, own_words=own_words_of(config.company))
    material = BriefMaterial(
        page=content.topics[0],
        facts=content.facts,
        inside=dict(inside).get(carrier, Inside()),
        sources=_sources(config, database, insights, show),
    )
    return describe_brief(material, load_frame(config.digest.language))


def _make_show(config: Config, database: Database) -> Show:
    """With [privacy] redact: masks names and numbers, and holds back what cannot be masked."""
    if not config.privacy.redact:
        return show_as_is
    redaction = load_redaction(database, config)

    def show(text: str) -> str | None:
        shown = redaction.redact(one_line(text))
        return shown if redaction.is_safe(shown) else None

    return show


def _sources(
    config: Config, database: Database, insights: tuple[StoredInsight, ...], show: Show
) -> dict[tuple[str, str], tuple[str, date]]:
    """(author, day of the question) -> subject and day of the mail that answers; the subject "" when it is unsafe."""
    rows = database.conn.execute(
        "select r.message, coalesce(r.subject, ''), coalesce((select max(p.name) from people p where p.address ="
        " r.colleague and p.is_colleague and p.name <> ''), substr(r.colleague, 1, instr(r.colleague, '@') - 1), ''),"
        " coalesce(r.sent_at, m.received_at, m.captured_at) from readings r join messages m on m.id = r.message"
    )
    known = {message: (subject, author, sent_at) for message, subject, author, sent_at in rows}
    found: dict[tuple[str, str], tuple[str, date]] = {}
    for insight in insights:
        if insight.answer and insight.message in known:
            subject, author, sent_at = known[insight.message]
            asked = insight.asked_at.astimezone(config.company.zone).date()
            sent = datetime.fromisoformat(sent_at).astimezone(config.company.zone).date()
            found.setdefault((one_line(author), asked.isoformat()), (show(subject) or "" if subject else "", sent))
    return found
