"""Writes the one-page assignment for a writer. Every line traces to a mail or a file; a blank says whom to ask."""

import re
import tomllib
from datetime import datetime

import jinja2
from sqlite_utils import Database

from digest.page_records import Facts, TopicPage
from digest.quotes import one_line, shorten
from digest.site import gather_site
from harvester.config import Config
from harvester.errors import UsageError
from harvester.resources import data_folder, template_folder
from nlp.records import topic_id
from nlp.store import all_topics, carrying_topics, find_topic

# Characters that mean something in Markdown, so that the words of a mail stay words.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")
NOBODY = "nobody has answered it yet"
MOST_TITLES = 3


def write_brief(config: Config, database: Database, shown_id: str, now: datetime) -> str:
    """The brief of a topic as Markdown; a merged topic's id gives the brief of the topic that carries on."""
    topic = find_topic(database, shown_id)
    carrier = carrying_topics(all_topics(database))[topic.id]
    content, _ = gather_site(config, database, now)
    page = next((page for page in content.topics if page.ranked.topic.id == carrier), None)
    if page is None:
        raise UsageError(
            f"{topic_id(topic.id)} is dismissed; `answers topic restore {topic_id(topic.id)}` brings it back"
        )
    return render_brief(page, content.facts)


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
        md=escape_markdown,
        md_line=lambda text: escape_markdown(shorten(one_line(text), 280)),
        md_quote=lambda text: "\n> ".join(escape_markdown(line) for line in text.splitlines()),
    )
    structures = tomllib.loads((data_folder() / "brief" / "structure.toml").read_text(encoding="utf-8"))
    return environment.get_template("brief/brief.md.j2").render(
        page=page,
        facts=facts,
        titles=working_titles(page),
        sections=structures[page.ranked.topic.category]["sections"],
        expert=page.experts[0][0] if page.experts else NOBODY,
    )


def working_titles(page: TopicPage) -> tuple[str, ...]:
    """The topic's name and the most central questions, each once."""
    texts = [page.name, *(shorten(voice.text, 100) for voice in page.questions)]
    return tuple(dict.fromkeys(texts))[:MOST_TITLES]


def escape_markdown(text: str) -> str:
    """One line in which no character is markup."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))
