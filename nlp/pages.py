"""Existing content and what it has to do with topics: ListedPage -> StoredPage -> PageMatch -> TopicCoverage. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from nlp.records import Topic

COVERAGES = ("none", "partly", "answered")
VERDICTS = {"none": "new-page", "partly": "extend", "answered": "send"}
MOST_MATCHES = 5
# Parameters that campaigns and mail tools hang on an address; they never tell two pages apart.
TRACKING = ("utm_", "mc_", "hsa_", "_hs", "fbclid", "gclid", "msclkid", "ref", "source")


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page as its source lists it; "" and None for what the source does not say.

    changed_at: the source's own mark of the last change, only ever compared with itself.
    """

    url: str
    title: str = ""
    summary: str = ""
    text: str = ""
    published_on: date | None = None
    changed_at: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page that we know. gone_at: since when no source lists it any more; first_seen_at: when we learned of it."""

    id: int
    url: str
    title: str
    summary: str
    published_on: date | None
    first_seen_at: datetime
    gone_at: datetime | None = None

    @property
    def label(self) -> str:
        """Its title, or its address where it has none."""
        return self.title or self.url


@dataclass(frozen=True, slots=True)
class PageMatch:
    """What one page has to do with one topic.

    coverage: none (a person said so) | partly | answered. score: 0 to 1. reason: half a sentence for people.
    decided_by: "machine", or the person. links_sent: answers to the topic that carried the page's address.
    """

    topic: int
    page: StoredPage
    coverage: str
    score: float
    reason: str
    decided_by: str = "machine"
    links_sent: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether the page was there once and is not any more: it is shown, but answers nothing."""
        return self.page.gone_at is not None


@dataclass(frozen=True, slots=True)
class TopicCoverage:
    """Whether we have a page for a topic, and what follows.

    verdict: new-page | extend | send. best: the page to extend or to send, None for a new page.
    matches: all that are worth a look, the best first; those that a person ruled out and those that are gone last.
    """

    topic: int
    coverage: str
    verdict: str
    best: PageMatch | None
    matches: tuple[PageMatch, ...]

    @property
    def url(self) -> str:
        """The address to extend or to send, "" for a new page."""
        return self.best.page.url if self.best else ""


def cover_topic(topic: int, matches: Iterable[PageMatch]) -> TopicCoverage:
    """The best living match decides; what a person said goes before what the machine thinks."""
    ordered = tuple(sorted(matches, key=_worth))[:MOST_MATCHES]
    best = next((match for match in ordered if match.coverage != "none" and not match.is_gone), None)
    coverage = best.coverage if best else "none"
    return TopicCoverage(topic, coverage, VERDICTS[coverage], best, ordered)


def cover_published(topic: Topic, known: TopicCoverage | None, page: StoredPage) -> TopicCoverage:
    """The page that a person named when the topic was published answers it, whatever the machine thinks."""
    others = [match for match in (known.matches if known else ()) if page_key(match.page.url) != page_key(page.url)]
    same = [match for match in (known.matches if known else ()) if page_key(match.page.url) == page_key(page.url)]
    match = same[0] if same else PageMatch(topic.id, page, "answered", 1.0, "")
    named = replace(match, coverage="answered", score=1.0, reason="published for this topic", decided_by="status")
    return cover_topic(topic.id, (named, *others))


def page_key(url: str) -> str:
    """What tells pages apart: host and path in lower case, parameters that mean something; no scheme, no fragment."""
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return url.strip().lower()
    host = (parts.hostname or "").removeprefix("www.")
    path = parts.path.rstrip("/")
    for ending in ("/index.html", "/index.htm", "/index.php"):
        path = path.removesuffix(ending)
    query = [(key, value) for key, value in parse_qsl(parts.query) if not key.lower().startswith(TRACKING)]
    return f"{host}{port}{path}{'?' if query else ''}{urlencode(sorted(query))}".lower()


def is_web_address(url: str) -> bool:
    """Whether it can be the address of a page: http or https with a host, in one piece."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in url)


def merge_rulings(rulings: Mapping[tuple[int, int], PageMatch], carrier: Mapping[int, int]) -> tuple[PageMatch, ...]:
    """What people said about topics that were merged counts for the one that carries on, unless it has its own.

    rulings: by (topic, page).
    """
    own = {(topic, page): match for (topic, page), match in rulings.items() if carrier[topic] == topic}
    inherited = {
        (carrier[topic], page): replace(match, topic=carrier[topic])
        for (topic, page), match in sorted(rulings.items(), key=lambda item: item[0])
        if carrier[topic] != topic
    }
    return tuple((inherited | own).values())


def _worth(match: PageMatch) -> tuple[object, ...]:
    return (
        match.coverage == "none",
        match.is_gone,
        -COVERAGES.index(match.coverage),
        match.decided_by == "machine",
        -match.score,
        match.page.url,
    )
