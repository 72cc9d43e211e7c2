"""Gives a brief its form: Markdown, HTML that prints on one page, Word. Words of mails stay words in all of them."""

import re
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from typing import Any

import jinja2

from digest.brief_records import Brief, Line, Section
from digest.web_links import host_of
from harvester.resources import template_folder

# Characters that mean something in Markdown, so that the words of a mail stay words.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
# What begins a list, a heading underline or a numbered item at the start of a line.
_LINE_START = re.compile(r"^(?:([-+=])|(\d{1,9})([.)]))")
# What XML 1.0 cannot hold (2.2); Word refuses such a file.
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ACCENT, SOFT = "0A5C7F", "566072"
TICK = "☐"


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


def render_docx(brief: Brief, now: datetime) -> bytes:
    """A Word document of one page, in two columns, with real headings and links."""
    import docx
    from docx.shared import Mm, Pt

    document = docx.Document()
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(15)
    page.top_margin = page.bottom_margin = Mm(12)
    _style_document(document, Pt)
    document.core_properties.title = _xml(f"{brief.title}: {brief.name}")
    document.core_properties.author = ""
    document.core_properties.language = brief.language
    document.core_properties.created = document.core_properties.modified = now.replace(tzinfo=None)
    document.add_heading(_xml(brief.name), level=1)
    _add_paragraph(document, " · ".join((brief.title, *brief.facets)), soft=True)
    paragraph = document.add_paragraph()
    paragraph.add_run(_xml(f"{brief.advice}. ")).bold = True
    paragraph.add_run(_xml(brief.reason))
    _start_columns(document)
    for section in brief.sections:
        _add_section(document, section)
    _add_paragraph(document, brief.small, soft=True)
    written = BytesIO()
    document.save(written)
    return written.getvalue()


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


def _style_document(document: Any, points: Any) -> None:
    from docx.shared import RGBColor

    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", points(9)
    normal.paragraph_format.space_after = normal.paragraph_format.space_before = points(0)
    for name, size, before in (("Heading 1", 17, 0), ("Heading 2", 10, 5)):
        style = document.styles[name]
        style.font.name, style.font.size, style.font.bold = "Calibri", points(size), True
        style.font.color.rgb = RGBColor.from_string(ACCENT if name == "Heading 2" else "1D2430")
        style.paragraph_format.space_before, style.paragraph_format.space_after = points(before), points(1)
        style.paragraph_format.keep_with_next = True
        # The theme's font would win over the one named here.
        fonts = style.element.rPr.rFonts
        for attribute in list(fonts.attrib):
            if "Theme" in attribute or "theme" in attribute:
                del fonts.attrib[attribute]


def _start_columns(document: Any) -> None:
    """What follows stands in two columns on the same page."""
    from docx.enum.section import WD_SECTION
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    section = document.add_section(WD_SECTION.CONTINUOUS)
    columns = section._sectPr.find(qn("w:cols"))
    if columns is None:
        columns = OxmlElement("w:cols")
        section._sectPr.append(columns)
    columns.set(qn("w:num"), "2")
    columns.set(qn("w:space"), "400")


def _add_section(document: Any, section: Section) -> None:
    document.add_heading(_xml(section.heading), level=2)
    if section.ask:
        _add_paragraph(document, section.ask, soft=True)
    if section.form == "words":
        _add_words(document, section.lines)
        return
    for number, line in enumerate(section.lines, start=1):
        marks = {"numbered": f"{number}.", "ticks": TICK, "lines": "•"}
        _add_line(document, line, marks.get(section.form, ""), is_quote=section.form == "quotes")


def _add_line(document: Any, line: Line, mark: str, *, is_quote: bool) -> None:
    from docx.shared import Mm

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.left_indent = Mm(4)
    if mark:
        paragraph.paragraph_format.first_line_indent = Mm(-4)
        paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(4))
        paragraph.add_run(f"{mark}\t")
    if line.href:
        _add_link(paragraph, line.text, line.href)
    else:
        paragraph.add_run(_xml(line.text)).italic = is_quote or None
    if line.note:
        _soften(paragraph.add_run(_xml(f" ({line.note})")))


def _add_words(document: Any, lines: tuple[Line, ...]) -> None:
    paragraph = document.add_paragraph()
    for place, line in enumerate(lines):
        paragraph.add_run(_xml(line.text)).bold = True
        _soften(paragraph.add_run(_xml(f" ({line.note})" + (", " if place < len(lines) - 1 else ""))))


def _add_paragraph(document: Any, text: str, *, soft: bool) -> None:
    run = document.add_paragraph().add_run(_xml(text))
    if soft:
        _soften(run)


def _add_link(paragraph: Any, text: str, href: str) -> None:
    """python-docx 1.2 reads hyperlinks but has no call that adds one."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    relation = paragraph.part.relate_to(_xml(href), RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), relation)
    run = paragraph.add_run(_xml(text))
    run.font.underline, run.font.color.rgb = True, RGBColor.from_string(ACCENT)
    link.append(run._r)
    paragraph._p.append(link)


def _soften(run: Any) -> None:
    from docx.shared import RGBColor

    run.font.color.rgb = RGBColor.from_string(SOFT)


def _xml(text: str) -> str:
    return _NOT_XML.sub("", text)
