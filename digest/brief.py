"""Writes the one-page assignment for a writer. Every line traces to a mail or a file; a blank says whom to ask."""

import re
import tomllib
from datetime import datetime

import jinja2
from sqlite_utils import Database

from digest.page_records import Facts, Point, TopicPage
from digest.quotes import one_line, shorten
from digest.site import gather_site
from digest.site_content import show_day
from harvester.config import Config
from harvester.errors import UsageError
from harvester.resources import data_folder, template_folder
from nlp.records import topic_id
from nlp.store import all_topics, carrying_topics, find_topic

# Characters that mean something in Markdown, so that the words of a mail stay words.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
# What begins a list, a heading underline or a numbered item at the start of a line.
_LINE_START = re.compile(r"^(?:([-+=])|(\d{1,9})([.)]))")
NOBODY = "a colleague of sales (nobody has answered it yet)"
MOST_TITLES = 3
MOST_POINTS = 6
ANSWER_LETTERS = 500
LINE_LETTERS = 160


def write_brief(config: Config, database: Database, shown_id: str, now: datetime) -> str:
    """The brief of a topic as Markdown; a merged topic's id gives the brief of the topic that carries on."""
    topic = find_topic(database, shown_id)
    carrier = carrying_topics(all_topics(database))[topic.id]
    content = gather_site(config, database, now, only=carrier)
    if not content.topics:
        shown = topic_id(carrier)
        raise UsageError(f"{shown} is dismissed; `answers topic restore {shown}` brings it back")
    return render_brief(content.topics[0], content.facts)


def render_brief(page: TopicPage, facts: Facts) -> str:
    """Markdown that shows the words of mails as words: no links, markup or HTML of theirs."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        autoescape=False,  # Markdown; every mail's text goes through `md`
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        topic_id=topic_id,
        day=show_day,
        md=escape_markdown,
        md_line=lambda text: escape_markdown(shorten(one_line(text), LINE_LETTERS)),
        md_quote=lambda text: quote_markdown(shorten(text, ANSWER_LETTERS)),
    )
    structures = tomllib.loads((data_folder() / "brief" / "structure.toml").read_text(encoding="utf-8"))
    return environment.get_template("brief/brief.md.j2").render(
        page=page,
        facts=facts,
        titles=working_titles(page),
        asked=page.questions[:MOST_POINTS],
        worries=(*page.pains, *page.needs)[:MOST_POINTS],
        unanswered=unanswered_questions(page),
        conflicts=[group for group in page.answers if group.figures],
        sections=structures[page.ranked.topic.category]["sections"],
        expert=page.experts[0][0] if page.experts else NOBODY,
    )


def working_titles(page: TopicPage) -> tuple[str, ...]:
    """The topic's name and the most central questions, each once."""
    texts = [page.name, *(shorten(point.voice.text, 100) for point in page.questions)]
    return tuple(dict.fromkeys(texts))[:MOST_TITLES]


def unanswered_questions(page: TopicPage) -> tuple[Point, ...]:
    """Questions to which no mail holds an answer: what to ask the expert."""
    return tuple(
        point for point in page.questions if not any(voice.answered for voice in (point.voice, *point.others))
    )[:3]


def escape_markdown(text: str) -> str:
    """One line in which no character is markup."""
    escaped = _MARKDOWN.sub(r"\\\1", one_line(text))
    return _LINE_START.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", escaped)


def quote_markdown(text: str) -> str:
    """Lines of a quotation, without empty ones."""
    return "\n> ".join(escape_markdown(line) for line in text.splitlines() if line.strip())
