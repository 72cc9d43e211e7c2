"""Gives a brief its form as text: Markdown, and HTML that prints on one page. Words of mails stay words in both."""

import re
from functools import lru_cache

import jinja2

from digest.brief_records import Brief
from digest.web_links import host_of
from harvester.resources import template_folder

# Characters that mean something in Markdown, so that the words of a mail stay words.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
# What begins a list, a heading underline or a numbered item at the start of a line.
_LINE_START = re.compile(r"^(?:([-+=])|(\d{1,9})([.)]))")


def render_markdown(brief: Brief) -> str:
    """Markdown that shows the words of mails as words: no links, markup or HTML of theirs."""
    environment = _environment(autoescape=False)  # every text goes through `md`
    environment.filters["md"] = escape_markdown
    return environment.get_template("brief/brief.md.j2").render(brief=brief)


def render_html(brief: Brief) -> str:
    """One self-contained file: no script, no address that is loaded."""
    environment = _environment(autoescape=True)
    environment.filters["host"] = host_of
    template = environment.get_template("brief/brief.html.j2")
    style = (template_folder() / "brief" / "brief.css").read_text(encoding="utf-8")
    return template.render(brief=brief, style=style)


def escape_markdown(text: str) -> str:
    """One line in which no character is markup."""
    escaped = _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
    return _LINE_START.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", escaped)


@lru_cache(maxsize=2)
def _environment(*, autoescape: bool) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
