"""Gives a brief its form in Word: one page whatever the mails hold, and whichever font stands in for ours."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import Any

from digest.brief_records import Brief, Line, Section
from digest.quotes import shorten

# What XML 1.0 cannot hold (2.2); Word refuses such a file.
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ACCENT, SOFT = "0A5C7F", "566072"
LINK_LETTERS = 40  # an address that is broken costs two lines more
TICK = "☐"
NAME_SIZE = 17.0  # points, as all lengths below
FONT_SIZES = (9.0, 8.5, 8.0, 7.5, 7.0, 6.5)
HEADING_LARGER, HEADING_BEFORE, HEADING_AFTER = 1.0, 5.0, 1.0
PAGE_WIDTH, PAGE_HEIGHT, COLUMN_WIDTH, INDENT = 510.0, 774.0, 245.0, 11.0
# Where Calibri is missing a wider font takes its place. Letters and lines of Noto Sans, the widest that is usual, as
# parts of the font size.
LETTER_WIDTH, LINE_HEIGHT = 0.58, 1.37


def render_docx(brief: Brief, now: datetime) -> bytes:
    """A Word document of one page, in two columns, with real headings and links."""
    import docx
    from docx.shared import Mm, Pt

    document = docx.Document()
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(15)
    page.top_margin = page.bottom_margin = Mm(12)
    _style_document(document, fitting_size(brief), Pt)
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


def fitting_size(brief: Brief) -> float:
    """The largest of FONT_SIZES, in points, at which all of a brief fits its page; else the smallest."""
    return next((size for size in FONT_SIZES if _height(brief, size) <= PAGE_HEIGHT), FONT_SIZES[-1])


def _height(brief: Brief, size: float) -> float:
    """Points from the first line to the end of the longer column, as columns break between lines."""
    heading = size + HEADING_LARGER
    head = (
        _lines(brief.name, NAME_SIZE, PAGE_WIDTH) * NAME_SIZE
        + (1 + _lines(f"{brief.advice}. {brief.reason}", size, PAGE_WIDTH)) * size
    )
    columns = sum(_lines(text, size, COLUMN_WIDTH - INDENT) for text in _paragraphs(brief)) * size
    columns += sum(_lines(section.heading, heading, COLUMN_WIDTH) for section in brief.sections) * heading
    gaps = len(brief.sections) * (HEADING_BEFORE + HEADING_AFTER)
    # A heading stays with what follows it, which can leave some lines of the first column empty.
    return (head + columns / 2 + 2 * size) * LINE_HEIGHT + gaps / 2


def _paragraphs(brief: Brief) -> Iterator[str]:
    for section in brief.sections:
        if section.ask:
            yield section.ask
        shown = [f"{_shown(line)} ({line.note})" if line.note else _shown(line) for line in section.lines]
        yield from [", ".join(shown)] if section.form == "words" else shown
    yield brief.small


def _shown(line: Line) -> str:
    return shorten(line.text, LINK_LETTERS) if line.href else line.text


def _lines(text: str, size: float, width: float) -> int:
    """A word that is longer than a line begins on one of its own, as Word and Writer have it."""
    room = width / (size * LETTER_WIDTH)
    full, used = 0, 0.0
    for word in text.split():
        length = _width(word)
        if used and used + 1 + length > room:
            full, used = full + 1, 0.0
        used += length + (1 if used else 0)
        if used > room:
            full += 1 + int(used // room)
            used %= room
    return full + 1


def _width(text: str) -> float:
    """In letters of usual width; those of East Asia are twice as wide, and capitals are wider than small letters."""
    return sum(1.8 if unicodedata.east_asian_width(one) in "WF" else 1.3 if one.isupper() else 1.0 for one in text)


def _style_document(document: Any, size: float, points: Any) -> None:
    from docx.shared import RGBColor

    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", points(size)
    normal.paragraph_format.space_after = normal.paragraph_format.space_before = points(0)
    headings = (("Heading 1", NAME_SIZE, 0.0), ("Heading 2", size + HEADING_LARGER, HEADING_BEFORE))
    for name, larger, before in headings:
        style = document.styles[name]
        style.font.name, style.font.size, style.font.bold = "Calibri", points(larger), True
        style.font.color.rgb = RGBColor.from_string(ACCENT if name == "Heading 2" else "1D2430")
        style.paragraph_format.space_before, style.paragraph_format.space_after = points(before), points(HEADING_AFTER)
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
        _add_link(paragraph, _shown(line), line.href)
    else:
        paragraph.add_run(_xml(_shown(line))).italic = is_quote or None
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
