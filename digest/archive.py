"""Makes the web copies of the digests that went out, for the site's archive. Pure but for reading what it is given.

Nothing is composed again: a copy is made from the bytes that were sent, with its styles moved into a file, because the
pages' Content-Security-Policy allows none in the page itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser
from sqlite_utils import Database

from digest.frame import Frame
from digest.mail import make_environment
from digest.store import load_all_entries
from harvester.resources import template_folder

FOLDER = "digests"
STYLES = ("digest.css", "kept.css", "archive.css")
ARCHIVED = ("sent", "unknown")
WRITTEN = re.compile(r"\d{4}-(?:W\d{2}|M\d{2})\Z", re.ASCII)
CONTENT_POLICY = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class ArchivedDigest:
    """A digest as it was sent. period: 2026-W47 or 2026-M11. sent_at: None for one that was only written to look at."""

    period: str
    audience: str
    subject: str
    sent_at: datetime | None
    html: str

    @property
    def path(self) -> str:
        """Its folder below the archive."""
        return f"{self.period}/"


def load_archive(database: Database, outbox: Path) -> tuple[ArchivedDigest, ...]:
    """Everything that went out, the newest first; before the first one, what was written to look at."""
    sent = [
        read_mail(entry.mail, entry.week, entry.audience, entry.covers_until)
        for entry in load_all_entries(database)
        if entry.state in ARCHIVED and entry.mail
    ]
    if not sent:
        sent = [
            read_mail(path.read_bytes(), path.parent.name, "marketing", None)
            for path in sorted(outbox.glob("*/digest.eml"))
            if WRITTEN.match(path.parent.name)
        ]
    return tuple(reversed(sent))


def read_mail(raw: bytes, period: str, audience: str, sent_at: datetime | None) -> ArchivedDigest:
    """Subject and HTML of a mail that we composed."""
    mail = message_from_bytes(raw, policy=policy.default)
    body = mail.get_body(("html",))
    html = str(body.get_content()) if body is not None else ""
    return ArchivedDigest(period, audience, str(mail["Subject"] or ""), sent_at, html)


def render_archive(
    digests: Sequence[ArchivedDigest], company: str, frame: Frame, base_url: str
) -> Iterator[tuple[str, bytes]]:
    """The files of the archive as (path, bytes): a list, one page per digest, their styles. Nothing for none."""
    if not digests:
        return
    index = make_environment().get_template("digest/archive.html.j2")
    yield (
        f"{FOLDER}/index.html",
        index.render(digests=digests, company=company, frame=frame, policy=CONTENT_POLICY).encode(),
    )
    styles = [(template_folder() / "digest" / name).read_text(encoding="utf-8") for name in STYLES]
    yield f"{FOLDER}/digest.css", "".join(styles).encode()
    for digest in digests:
        yield f"{FOLDER}/{digest.path}index.html", make_page(digest, frame, base_url).encode()


def make_page(digest: ArchivedDigest, frame: Frame, base_url: str) -> str:
    """The mail's HTML as a page: no style in it, links to our own pages relative, and a way back."""
    tree = LexborHTMLParser(digest.html)
    for node in tree.css("style"):
        node.decompose()
    for node in tree.css("[style]"):
        del node.attrs["style"]
    for node in tree.css("a[href]"):
        node.attrs["href"] = _nearer(node.attributes.get("href") or "", base_url)
    html = tree.html or ""
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
        '<meta name="robots" content="noindex, nofollow"><meta name="referrer" content="no-referrer">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="../digest.css">'
    )
    back = f'<nav class="back"><a class="link" href="../index.html">{frame.say("archive.all")}</a></nav><main>'
    html = _without_comments(html).replace("</head>", f"{head}</head>", 1)
    return html.replace("<body>", f"<body>{back}", 1).replace("</body>", "</main></body>", 1) + "\n"


def _nearer(address: str, base_url: str) -> str:
    base = base_url.rstrip("/") + "/"
    if not base_url or not address.startswith(base):
        return address
    rest = address.removeprefix(base)
    return f"../../{rest}index.html" if rest.endswith("/") or not rest else f"../../{rest}"


def _without_comments(html: str) -> str:
    """What was for Outlook alone. Linear: each comment is looked for once."""
    pieces = []
    while True:
        head, found, tail = html.partition("<!--")
        pieces.append(head)
        if not found:
            return "".join(pieces)
        html = tail.partition("-->")[2]
