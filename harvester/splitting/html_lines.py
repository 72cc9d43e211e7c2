"""An HTML body as lines that carry their quote depth, read from the DOM before any words are looked at.

Knows the marks that mail clients leave around quotes and signatures; knows no language.
"""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from harvester.splitting.html_marks import (
    ATTRIBUTION_MARKS,
    BLOCKS,
    COLOR,
    HEADER_MARKS,
    HIDDEN,
    LEFT_BORDER,
    NO_MARGIN,
    QUOTE_MARKS,
    SIGNATURE_MARKS,
    SKIPPED,
    SPACED,
    TOP_BORDER,
    is_indentation,
)
from harvester.splitting.html_nesting import limit_nesting
from harvester.splitting.lines import MAX_DEPTH, MAX_LINES, PREFIX, Line

MAX_ANCHORS = 500
MAX_IMAGES = 200
MAX_ALTERNATIVE = 500
# `Li <li@globex.example>` that nobody escaped; the parser would take it for an element.
BARE_ADDRESS = re.compile(r"<((?:mailto:)?[\w.+%'-]{1,80}@[\w.-]{1,120})>")
SPACE = re.compile(r"[ \t\r\n\f\xa0\u2000-\u200a\u202f\u3000]+")
INVISIBLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF, 0x00AD, 0x034F]
)


@dataclass(slots=True)
class _Open:
    """An element that is open: what to undo when it closes."""

    node: LexborNode
    depth: int
    hint: str
    color: str
    region: int
    block: bool
    spaced: bool
    pre: bool


@dataclass(slots=True)
class _Anchor:
    """A link that is being read. line: number of the line it begins in."""

    url: str
    line: int
    pieces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Writer:
    """Collects text into lines; and links, if asked to."""

    lines: list[Line] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    colors: set[str] = field(default_factory=set)
    depth: int = 0
    hint: str = ""
    color: str = ""
    regions: list[int] = field(default_factory=list)
    line_regions: list[int] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    region: int = 0
    region_count: int = 0
    pre: bool = False
    full: bool = False
    rest: list[str] = field(default_factory=list)
    links: list[_Anchor] | None = None
    anchor: _Anchor | None = None

    def text(self, text: str) -> None:
        if self.full:
            self.rest.append(text)
            return
        if self.pre and "\n" in text:
            first, *others = text.replace("\r", "").split("\n")
            self.pieces.append(first)
            for other in others:
                self.end_line(force=True)
                self.pieces.append(other)
            return
        self.pieces.append(text)
        if self.anchor is not None:
            self.anchor.pieces.append(text)
        if not text.isspace():
            self.colors.add(self.color)

    def end_line(self, *, force: bool = False) -> None:
        """Close the line if there is one; force: an empty one counts, too (<br>)."""
        if not self.pieces and not force:
            return
        text = "".join(self.pieces)
        text = text.replace("\xa0", " ").rstrip() if self.pre else SPACE.sub(" ", text).strip()
        if not text.isascii():
            text = text.translate(INVISIBLE).strip() if not self.pre else text
        self.pieces.clear()
        if not text and not force:
            self.colors.clear()
            return
        if len(self.lines) >= MAX_LINES:
            self.full = True
            self.rest.append(text)
            return
        color = next(iter(self.colors)) if len(self.colors) == 1 else ""
        self.colors.clear()
        depth = self.depth
        if text[:1] == ">":
            match = PREFIX.match(text)
            if match:
                depth = min(depth + match.group().count(">"), MAX_DEPTH)
                text = text[match.end() :]
        self.lines.append(Line(text, depth, 0, self.hint, color))
        self.line_regions.append(self.region)

    def rule(self) -> None:
        """An empty line that remembers to have been a ruler."""
        if not self.full:
            self.lines.append(Line("", self.depth, 0, "rule"))
            self.line_regions.append(self.region)

    def blank(self) -> None:
        """One empty line, unless there is one already."""
        if self.lines and self.lines[-1].text and not self.full:
            self.lines.append(Line("", self.depth, 0, self.hint))
            self.line_regions.append(self.region)


def read_html_lines(html: str) -> tuple[list[Line], str]:
    """The visible lines of an HTML body, and the text of whatever lies behind the limit on lines."""
    tree = _parse(html)
    root = tree.root
    writer = _Writer()
    if root is not None:
        _walk(root, writer)
    writer.end_line()
    for line, region in zip(writer.lines, writer.line_regions, strict=True):
        line.region = writer.ends.get(region, len(writer.lines)) if region else 0
    return writer.lines, " ".join(writer.rest)


def read_html_links(html: str) -> list[tuple[str, str, str]]:
    """(address, text of the link, text of the line it stands in) of all web links, in order."""
    tree = _parse(html)
    writer = _Writer(links=[])
    if tree.root is not None:
        _walk(tree.root, writer)
    writer.end_line()
    lines = writer.lines
    return [
        (link.url, SPACE.sub(" ", "".join(link.pieces)).strip(), lines[link.line].text)
        for link in writer.links or ()
        if link.line < len(lines)
    ]


def read_image_lines(html: str) -> list[Line]:
    """What a page made of pictures says: its title and what stands in place of each picture; nothing of other pages."""
    tree = _parse(html)
    spoken = [title.text() for title in tree.css("title")[:1]]
    spoken += [image.attributes.get("alt") or "" for image in tree.css("img[alt]")[:MAX_IMAGES]]
    texts = dict.fromkeys(SPACE.sub(" ", text[:MAX_ALTERNATIVE].translate(INVISIBLE)).strip() for text in spoken)
    return [Line(text, hint="image") for text in texts if any(map(str.isalnum, text))]


def _parse(html: str) -> LexborHTMLParser:
    return LexborHTMLParser(limit_nesting(BARE_ADDRESS.sub(r"&lt;\1&gt;", html)))


def _walk(root: LexborNode, writer: _Writer) -> None:
    """Depth first without recursion."""
    stack: list[_Open] = []
    node: LexborNode | None = root
    while node is not None:
        entered = _enter(node, writer, stack)
        following = node.child if entered else None
        if following is None:
            if entered:
                _leave(stack.pop(), writer)
            following = node.next
            while following is None and stack:
                parent = stack.pop()
                _leave(parent, writer)
                following = parent.node.next
        node = following


def _enter(node: LexborNode, writer: _Writer, stack: list[_Open]) -> bool:
    """Handle the start of a node; True if its children are to be read."""
    tag = node.tag or ""
    if tag == "-text":
        text = node.text_content
        if text:
            writer.text(text)
        return False
    if tag == "br":
        writer.end_line(force=True)
        return False
    if tag in SKIPPED or tag[:1] in "_!-" or tag == "img":
        return False
    if tag == "hr":
        writer.end_line()
        writer.rule()
        return False
    if tag == "select":
        writer.text(_chosen_option(node))
        return False
    attributes = node.attributes
    style = attributes.get("style") or ""
    if "hidden" in attributes or (style and HIDDEN.search(style[:2_000])):
        return False
    block = tag in BLOCKS
    spaced = tag in SPACED and not (
        tag == "p" and ("Mso" in (attributes.get("class") or "") or NO_MARGIN.search(style[:2_000]))
    )
    stack.append(_Open(node, writer.depth, writer.hint, writer.color, writer.region, block, spaced, writer.pre))
    if block:
        writer.end_line()
        if spaced:
            writer.blank()
    elif tag in ("td", "th"):
        writer.pieces.append(" ")
    _read_marks(tag, attributes, style[:2_000], writer)
    if tag == "a" and writer.links is not None and len(writer.links) < MAX_ANCHORS:
        _open_anchor(attributes.get("href") or "", writer)
    if tag == "li":
        writer.pieces.append("- ")
    elif tag in ("pre", "textarea"):
        writer.pre = True
    return True


def _chosen_option(select: LexborNode) -> str:
    """The one option of a form field that is on view."""
    options = select.css("option")
    chosen = next((option for option in options if "selected" in option.attributes), options[0] if options else None)
    return f" {chosen.text()} " if chosen is not None else ""


def _open_anchor(href: str, writer: _Writer) -> None:
    url = href.strip()
    writer.anchor = None
    if url[:8].lower().startswith(("http://", "https://")) and len(url) <= 2_000 and writer.links is not None:
        writer.anchor = _Anchor(url, len(writer.lines))
        writer.links.append(writer.anchor)


def _read_marks(tag: str, attributes: dict[str, str | None], style: str, writer: _Writer) -> None:
    """Quote depth, region, hint and colour from the element itself."""
    if style and "color" in style:
        match = COLOR.search(style)
        if match:
            writer.color = match[1].lower()
    if tag == "font" and attributes.get("color"):
        writer.color = (attributes.get("color") or "").lower()[:20]
    marks = f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('name') or ''}"[:600].strip()
    if tag == "blockquote":
        if not is_indentation(attributes, style):
            writer.depth = min(writer.depth + 1, MAX_DEPTH)
            writer.hint = ""
        return
    if tag == "signature":
        writer.hint = "signature"
        return
    if tag == "div" and style and "border" in style:
        _read_borders(style, writer)
    if not marks:
        return
    if QUOTE_MARKS.search(marks):
        writer.region_count += 1
        writer.region = writer.region_count
        writer.hint = ""
    if SIGNATURE_MARKS.search(marks):
        writer.hint = "signature"
    elif ATTRIBUTION_MARKS.search(marks):
        writer.hint = "attribution"
    elif HEADER_MARKS.search(marks):
        writer.hint = "headers"


def _read_borders(style: str, writer: _Writer) -> None:
    """A bar on the left is a quote (GMX, Outlook with prefixes); one on top stands above Outlook's headers."""
    if LEFT_BORDER.search(style) and "padding" in style:
        writer.depth = min(writer.depth + 1, MAX_DEPTH)
        writer.hint = ""
    elif TOP_BORDER.search(style):
        writer.hint = "headers"


def _leave(opened: _Open, writer: _Writer) -> None:
    if writer.anchor is not None and opened.node.tag == "a":
        writer.anchor = None
    if opened.block or opened.depth != writer.depth or (writer.hint and opened.hint != writer.hint):
        writer.end_line()
    if opened.region != writer.region:
        writer.ends[writer.region] = len(writer.lines)
    if opened.spaced:
        writer.blank()
    writer.depth, writer.hint, writer.color = opened.depth, opened.hint, opened.color
    writer.region, writer.pre = opened.region, opened.pre
