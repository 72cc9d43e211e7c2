"""Reads sitemaps, feeds, page lists, HTML and Markdown into ListedPage. Pure: bytes in, records out; loads nothing.

What comes in is hostile: no entity is expanded, nothing external is loaded, every text is bounded.
"""

import csv
import io
import re
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

from lxml import etree
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from harvester.errors import BrokenSource
from nlp.pages import ListedPage, is_web_address

MOST_UNPACKED = 50_000_000
TITLE_LETTERS, SUMMARY_LETTERS, TEXT_LETTERS, URL_LETTERS = 300, 1_000, 20_000, 2_000
NOT_CONTENT = "script,style,noscript,template,svg,nav,header,footer,aside,form,iframe,dialog"
_FRONT_LINE = re.compile(r"^([A-Za-z_][\w-]{0,40})\s{0,5}[:=]\s{0,5}(.{0,2000})$")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


@dataclass(frozen=True, slots=True)
class Listing:
    """What one document lists. sitemaps: further documents. is_complete: False for a feed, which shows the newest only.

    has_text: False when it names addresses alone.
    """

    pages: tuple[ListedPage, ...] = ()
    sitemaps: tuple[str, ...] = ()
    is_complete: bool = True
    has_text: bool = True


def unpack(name: str, data: bytes) -> bytes:
    """The content of a .gz file, bounded; anything else as it is."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = machine.decompress(data, MOST_UNPACKED + 1)
    except zlib.error as error:
        raise BrokenSource(f"{name} is a damaged gz file; nothing was changed") from error
    if len(plain) > MOST_UNPACKED:
        raise BrokenSource(f"{name} unpacks to more than {MOST_UNPACKED // 1_000_000} MB; nothing was changed")
    if not machine.eof:
        raise BrokenSource(f"{name} is a gz file that ends too early; nothing was changed")
    return plain


def read_document(name: str, data: bytes) -> Listing:
    """A sitemap, sitemap index, RSS or Atom feed (by its root element), else a list of pages as CSV."""
    plain = unpack(name, data)
    head = plain[:2_000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return read_xml(name, plain)
    return Listing(read_list(name, plain))


def read_xml(name: str, data: bytes) -> Listing:
    """By the root element."""
    root = _parse_xml(name, data)
    kind = _local(root)
    if kind == "urlset":
        return Listing(tuple(_sitemap_pages(root)), has_text=False)
    if kind == "sitemapindex":
        return Listing(sitemaps=tuple(filter(None, (_child(one, "loc") for one in root))), has_text=False)
    if kind in ("rss", "feed", "RDF"):
        return Listing(tuple(_feed_pages(root)), is_complete=False)
    if kind == "html":
        raise BrokenSource(f"{name} is an HTML page, not a sitemap or feed; nothing was changed")
    raise BrokenSource(f"{name} is XML, but neither a sitemap nor a feed (<{kind}>); nothing was changed")


def read_list(name: str, data: bytes) -> tuple[ListedPage, ...]:
    """CSV with the columns url, title, published, summary; only url is required."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenSource(f"{name} is not UTF-8 text (save it as CSV UTF-8); nothing was changed") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BrokenSource(f"{name} is not a readable CSV file ({error}); nothing was changed") from error
    columns = [(column or "").strip().lower() for column in (rows[0] if rows else {})]
    if not rows or "url" not in columns:
        raise BrokenSource(f"{name}: the first line must name the columns url,title,published,summary")
    return tuple(_list_page(name, line, row) for line, row in enumerate(rows, start=2) if any(row.values()))


def read_html(data: bytes | str, url: str) -> ListedPage:
    """Title, description, date and the main text of a page, without navigation and footers.

    url: where it was found; "" for a file, which may name its address itself.
    """
    tree = LexborHTMLParser(data[:5_000_000])
    canonical = _attribute(tree, "link[rel=canonical]", "href")
    published = _attribute(tree, 'meta[property="article:published_time"]', "content") or _attribute(
        tree, "time[datetime]", "datetime"
    )
    title_node = tree.css_first("title")
    heading = tree.css_first("h1")
    title = _meta(tree, "og:title") or _node_text(title_node) or _node_text(heading)
    language = (tree.root.attributes.get("lang") or "")[:2].lower() if tree.root else ""
    for node in tree.css(NOT_CONTENT):
        node.decompose()
    main = tree.css_first("main") or tree.css_first("article") or tree.body
    text = _clean(main.text(separator=" ") if main else "", TEXT_LETTERS)
    return ListedPage(
        url=url or _web_address(canonical),
        title=_clean(title, TITLE_LETTERS),
        summary=_clean(_meta(tree, "description") or _meta(tree, "og:description"), SUMMARY_LETTERS),
        text=text,
        published_on=_day(published),
        language=language if language.isalpha() else "",
    )


def read_markdown(data: str, url: str) -> ListedPage:
    """Front matter (YAML-like or TOML) and text; the first heading is the title when the front matter names none."""
    front, body = _front_matter(data[:5_000_000])
    html = MarkdownIt("commonmark", {"html": False}).render(body[:500_000])
    page = read_html(f"<html><body><main>{html}</main></body></html>", url)
    tree = LexborHTMLParser(html)
    named = front.get("url") or front.get("permalink") or front.get("canonical") or front.get("canonical_url") or ""
    summary = front.get("summary") or front.get("description") or front.get("excerpt") or ""
    return replace(
        page,
        url=_web_address(named) or url,
        title=_clean(front.get("title") or _node_text(tree.css_first("h1")), TITLE_LETTERS),
        summary=_clean(summary, SUMMARY_LETTERS),
        published_on=_day(front.get("date") or front.get("published") or ""),
        language=front.get("lang", front.get("language", ""))[:2].lower(),
    )


def title_from_address(url: str) -> str:
    """ "/blog/price-per-seat.html" -> "Price per seat": all that a bare sitemap tells about a page."""
    path = unquote(urlsplit(url).path).rstrip("/")
    last = path.rpartition("/")[2].rpartition(".")[0] or path.rpartition("/")[2]
    words = " ".join(last.replace("-", " ").replace("_", " ").split())
    return _clean(words[:1].upper() + words[1:], TITLE_LETTERS)


def strip_site_name(pages: Sequence[ListedPage]) -> tuple[ListedPage, ...]:
    """Titles without the ending that most of them share ("... | Acme"): it tells nothing about any of them."""
    endings = Counter(ending for page in pages for ending in [_site_ending(page.title)] if ending)
    common = {ending for ending, count in endings.items() if count >= max(3, len(pages) / 2)}
    return tuple(
        replace(page, title=page.title.removesuffix(ending).strip())
        if (ending := _site_ending(page.title)) in common and ending
        else page
        for page in pages
    )


def _site_ending(title: str) -> str:
    for mark in (" | ", " – ", " — ", " - ", " · "):
        head, found, tail = title.rpartition(mark)
        if found and head:
            return f"{mark}{tail}"
    return ""


def _parse_xml(name: str, data: bytes) -> etree._Element:
    # A page list needs no entities; who declares some wants them expanded, a billion times or from our disk.
    if b"<!ENTITY" in data.replace(b"\0", b""):
        raise BrokenSource(f"{name} declares XML entities, which no sitemap or feed needs; nothing was changed")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        where = f"line {error.lineno}" if isinstance(error, etree.XMLSyntaxError) and error.lineno else "unreadable"
        raise BrokenSource(f"{name} is not well-formed XML ({where}); nothing was changed") from error


def _sitemap_pages(root: etree._Element) -> Iterable[ListedPage]:
    for entry in root:
        if _local(entry) == "url" and (url := _web_address(_child(entry, "loc"))):
            yield ListedPage(url, changed_at=_clean(_child(entry, "lastmod"), 40))


def _feed_pages(root: etree._Element) -> Iterable[ListedPage]:
    for entry in root.iter():
        if _local(entry) not in ("item", "entry"):
            continue
        url = _web_address(_child(entry, "link") or _atom_link(entry) or _child(entry, "guid"))
        if not url:
            continue
        body = _child(entry, "encoded") or _child(entry, "content")
        summary = _child(entry, "description") or _child(entry, "summary")
        day = next(filter(None, (_child(entry, name) for name in ("published", "pubDate", "date", "updated"))), "")
        yield ListedPage(
            url=url,
            title=_plain(_child(entry, "title"), TITLE_LETTERS),
            summary=_plain(summary, SUMMARY_LETTERS),
            text=_plain(body, TEXT_LETTERS),
            published_on=_day(day),
            changed_at=_clean(_child(entry, "updated"), 40),
        )


def _atom_link(entry: etree._Element) -> str:
    links = [one for one in entry if _local(one) == "link" and one.get("rel", "alternate") == "alternate"]
    return str(links[0].get("href", "")) if links else ""


def _child(parent: etree._Element, name: str) -> str:
    for one in parent:
        if _local(one) == name:
            return "".join(one.itertext()).strip()
    return ""


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _list_page(name: str, line: int, row: dict[str | None, object]) -> ListedPage:
    cells = {(key or "").strip().lower(): str(value or "").strip() for key, value in row.items() if key}
    url = _web_address(cells.get("url", ""))
    if not url:
        raise BrokenSource(
            f"{name}, line {line}: {cells.get('url', '')[:80]!r} is not a web address; nothing was changed"
        )
    day = cells.get("published", "")
    if day and _day(day) is None:
        raise BrokenSource(
            f"{name}, line {line}: published = {day[:40]!r}: write dates like 2026-04-03; nothing was changed"
        )
    return ListedPage(
        url=url,
        title=_plain(cells.get("title", ""), TITLE_LETTERS),
        summary=_plain(cells.get("summary", ""), SUMMARY_LETTERS),
        text=_plain(cells.get("text", ""), TEXT_LETTERS),
        published_on=_day(day),
        language=cells.get("language", "")[:2].lower(),
    )


def _web_address(url: str) -> str:
    """The address if it is one of the web, else nothing."""
    cleaned = _INVISIBLE.sub("", url).strip()
    return cleaned if len(cleaned) <= URL_LETTERS and is_web_address(cleaned) else ""


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """(keys in lower case, the rest). Lists and nesting are passed over: only plain values matter here."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() not in ("---", "+++"):
        return {}, text
    fence = lines[0].strip()
    end = next((place for place, line in enumerate(lines[1:400], start=1) if line.strip() == fence), None)
    if end is None:
        return {}, text
    body = "\n".join(lines[end + 1 :])
    if fence == "+++":
        try:
            table = tomllib.loads("\n".join(lines[1:end]))
        except tomllib.TOMLDecodeError:
            return {}, body
        return {key.lower(): str(value) for key, value in table.items() if not isinstance(value, list | dict)}, body
    found = (_FRONT_LINE.match(line) for line in lines[1:end])
    return {one[1].lower(): one[2].strip().strip("\"'") for one in found if one and one[2].strip()}, body


def _plain(text: str, most: int) -> str:
    """Feeds and lists hold HTML as often as text."""
    return _clean(LexborHTMLParser(text[:500_000]).text(separator=" ") if "<" in text or "&" in text else text, most)


def _clean(text: str | None, most: int) -> str:
    return " ".join(_INVISIBLE.sub("", (text or "")[: most * 4]).split())[:most].strip()


def _node_text(node: object) -> str:
    return node.text(separator=" ") if node is not None else ""  # type: ignore[attr-defined]


def _meta(tree: LexborHTMLParser, name: str) -> str:
    return _attribute(tree, f'meta[property="{name}"]', "content") or _attribute(
        tree, f'meta[name="{name}"]', "content"
    )


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get(name) or "").strip() if node else ""


def _day(text: str) -> date | None:
    """From ISO 8601 or the dates of mails and RSS."""
    cleaned = text.strip()
    try:
        return date.fromisoformat(cleaned[:10])
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(cleaned).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
