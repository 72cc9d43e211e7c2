"""Lists the pages of one source: sitemap, feed, CSV or folder, from a file or over https. Reads; stores nothing."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from publicsuffixlist import PublicSuffixList

from harvester.errors import AnswersError, BrokenSource, NotFetched, ServiceDown, UsageError
from harvester.web import Fetched, Fetcher, check_address, is_address
from nlp.page_reading import (
    MOST_UNPACKED,
    Listing,
    read_document,
    read_html,
    read_markdown,
    strip_site_name,
    title_from_address,
)
from nlp.pages import ListedPage, page_key

MOST_PAGES = 5_000
MOST_SITEMAPS = 200
MOST_FETCHED = 1_000  # in one go; the next run goes on with those that are missing
MOST_PAGE_BYTES = 5_000_000
DOWN_AFTER = 3  # pages in a row that the host does not answer for
MARKDOWN, HTML = (".md", ".markdown"), (".html", ".htm")


@dataclass(frozen=True, slots=True)
class Listed:
    """All that a source lists. is_complete: what is missing from it is gone (not so with a feed).

    unread: pages whose text could not be fetched or may not be. left: pages beyond what one run fetches.
    """

    source: str
    pages: tuple[ListedPage, ...]
    is_complete: bool
    unread: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for. fetch: read the pages themselves; None: when the source is an address.

    base_url: where the files of a folder are published.
    """

    source: str
    fetch: bool | None = None
    base_url: str = ""


def list_pages(
    wish: Wish,
    fetcher: Fetcher,
    changes: Mapping[str, str],
    progress: Callable[[int], None] = lambda count: None,
) -> Listed:
    """Everything that the source lists, each page once.

    changes: page key -> the mark of its last change when its text was read; such a page is not fetched again.
    Raises UsageError, BrokenSource, NotFetched or ServiceDown; each sentence stands alone.
    """
    if is_address(wish.source):
        check_address(wish.source)
        listing = _gather(_read_address(wish.source, fetcher), fetcher)
        pages = _once(listing.pages)
        if wish.fetch is not False and not listing.has_text:
            return _read_pages(wish.source, listing, pages, fetcher, changes, progress)
        return _listed(wish.source, listing, pages)
    path = Path(wish.source).expanduser()
    if not path.exists():
        raise UsageError(f"{wish.source} does not exist; name a sitemap, feed, CSV, folder or https address")
    source = str(path.resolve())
    if path.is_dir():
        pages = _once(tuple(_read_folder(path, wish.base_url)))
        if not pages:
            raise BrokenSource(f"{path} holds no Markdown or HTML files; nothing was changed")
        return _listed(source, Listing(pages), pages)
    listing = _read_file(path)
    if listing.sitemaps and not wish.fetch:
        raise UsageError(
            f"{path} is an index of {len(listing.sitemaps)} sitemaps on the web; --fetch reads them,"
            " or name one that you have downloaded"
        )
    if wish.fetch and not listing.has_text:
        listing = _gather(listing, fetcher)
        return _read_pages(source, listing, _once(listing.pages), fetcher, changes, progress)
    return _listed(source, listing, _once(listing.pages))


def _listed(source: str, listing: Listing, pages: tuple[ListedPage, ...]) -> Listed:
    if not pages:
        raise BrokenSource(f"{source} lists no pages; nothing was changed")
    named = [page if page.title else replace(page, title=title_from_address(page.url)) for page in pages]
    return Listed(source, strip_site_name(named), listing.is_complete)


def _read_file(path: Path) -> Listing:
    data = _read_bytes(path, MOST_UNPACKED + 1)
    if len(data) > MOST_UNPACKED:
        raise BrokenSource(f"{path} is larger than {MOST_UNPACKED // 1_000_000} MB; nothing was changed")
    return read_document(str(path), data)


def _read_bytes(path: Path, most: int) -> bytes:
    """The beginning of a file. Devices and pipes have no end and no size: they are no sources."""
    if not path.is_file():
        raise UsageError(f"{path} is no file; name a sitemap, feed, CSV, folder or https address")
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise AnswersError(f"{path} cannot be read ({error.strerror}); nothing was changed") from error


def _read_address(url: str, fetcher: Fetcher) -> Listing:
    try:
        got = fetcher.fetch(url)
    except NotFetched as error:
        raise NotFetched(f"{error}; nothing was changed") from error
    return read_document(url, got.body)


def _gather(listing: Listing, fetcher: Fetcher) -> Listing:
    """The pages of a sitemap index: one level deep, as the protocol has it."""
    if not listing.sitemaps:
        return listing
    if len(listing.sitemaps) > MOST_SITEMAPS:
        raise BrokenSource(f"an index of {len(listing.sitemaps)} sitemaps is too long; name one of them")
    inner = [_read_address(url, fetcher) for url in listing.sitemaps]
    pages = tuple(page for one in inner for page in one.pages)
    return Listing(pages, is_complete=all(one.is_complete for one in inner), has_text=all(o.has_text for o in inner))


def _once(pages: tuple[ListedPage, ...]) -> tuple[ListedPage, ...]:
    if len(pages) > MOST_PAGES:
        raise BrokenSource(f"the source lists {len(pages)} pages, more than {MOST_PAGES}; nothing was changed")
    return tuple({page_key(page.url): page for page in reversed(pages)}.values())[::-1]


def _read_pages(
    source: str,
    listing: Listing,
    pages: tuple[ListedPage, ...],
    fetcher: Fetcher,
    changes: Mapping[str, str],
    progress: Callable[[int], None],
) -> Listed:
    """Fetch the pages that are new or have changed, those without a known text first."""
    known = {page_key(page.url): _is_known(page, changes) for page in pages}
    wanted = [page for page in pages if not known[page_key(page.url)]]
    wanted.sort(key=lambda page: page_key(page.url) in changes)
    home = _site_of(source) if is_address(source) else ""
    read: dict[str, ListedPage] = {}
    unread = down = 0
    for page in wanted[:MOST_FETCHED]:
        try:
            read[page_key(page.url)] = _read_page(page, fetcher, home)
            down = 0
        except ServiceDown:
            down += 1
            unread += 1
            if down == DOWN_AFTER:
                raise
        except AnswersError:
            unread += 1
        progress(1)
    complete = tuple(read.get(page_key(page.url), page) for page in pages)
    # A page that is known keeps its title; only one that was never read is named by its address.
    named = tuple(
        page if page.title or page_key(page.url) in changes else replace(page, title=title_from_address(page.url))
        for page in complete
    )
    if not named:
        raise BrokenSource(f"{source} lists no pages; nothing was changed")
    left = max(0, len(wanted) - MOST_FETCHED)
    return Listed(source, strip_site_name(named), listing.is_complete, unread, left)


def _is_known(page: ListedPage, changes: Mapping[str, str]) -> bool:
    return bool(page.changed_at) and changes.get(page_key(page.url)) == page.changed_at


def _read_page(page: ListedPage, fetcher: Fetcher, home: str) -> ListedPage:
    if home and _site_of(page.url) != home:
        raise NotFetched(f"{page.url} belongs to another site")
    if not fetcher.is_allowed(page.url):
        raise NotFetched(f"robots.txt does not want {page.url} to be read")
    got: Fetched = fetcher.fetch(page.url, MOST_PAGE_BYTES)
    if got.content_type and "html" not in got.content_type:
        raise NotFetched(f"{page.url} is no HTML page")
    if home and _site_of(got.url) != home:
        raise NotFetched(f"{page.url} leads to another site")
    read = read_html(got.body, page.url)
    return replace(read, changed_at=page.changed_at, published_on=read.published_on or page.published_on)


def _site_of(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return str(_suffixes().privatesuffix(host) or host)


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _read_folder(folder: Path, base_url: str) -> Iterator[ListedPage]:
    """Markdown and HTML files in order of their paths; links that lead out of the folder are not followed."""
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            is_page = name.lower().endswith((*MARKDOWN, *HTML)) and not name.startswith(".")
            if not is_page or path.is_symlink() or not path.is_file():
                continue
            yield _read_page_file(path, path.relative_to(folder).as_posix(), base_url)


def _read_page_file(path: Path, place: str, base_url: str) -> ListedPage:
    try:
        text = _read_bytes(path, MOST_PAGE_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenSource(f"{path} is not UTF-8 text; nothing was changed") from error
    page = read_html(text, "") if path.name.lower().endswith(HTML) else read_markdown(text, "")
    return replace(page, url=page.url or _published_at(place, base_url), title=page.title or title_from_address(place))


def _published_at(place: str, base_url: str) -> str:
    """ "blog/index.md" -> ".../blog/", "pricing.md" -> ".../pricing"; without a base the file's own place."""
    if not base_url:
        return place
    bare, _, ending = place.rpartition(".")
    if ending.lower() in ("md", "markdown"):
        head, _, last = bare.rpartition("/")
        bare = head if last in ("index", "_index", "README") else bare
        return urljoin(base_url.rstrip("/") + "/", bare)
    return urljoin(base_url.rstrip("/") + "/", place)
