"""Gives a digest its form: HTML, the text twin, and the MIME bytes that go out. Sends nothing.

The texts of mails are hostile: escaped by the template, and never written into a header without re-encoding.
"""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes, policy
from email.charset import QP, Charset
from email.generator import BytesGenerator
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import format_datetime, getaddresses
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from urllib.parse import quote

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest.frame import Frame
from digest.quotes import one_line
from digest.records import Digest, ExecutiveNote, OutgoingMail
from digest.web_links import host_of, safe_href
from harvester.errors import AnswersError
from harvester.resources import template_folder

Letter = Digest | ExecutiveNote
TEXT_COLUMNS = 72
MOST_BYTES = 60_000
OWN_MARK = "X-Answers-Harvester"
# Words carry the meaning; the shape beside them helps the eye and does not depend on colour.
TREND_MARKS = {"new": "◆", "back": "◇", "rising": "▲", "falling": "▼", "steady": "="}
COVERAGE_MARKS = {"none": "○", "partly": "◐", "answered": "●"}


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom. to: shown in the header. receipt: our own mailbox, an envelope recipient more, or ""."""

    sender: str
    sender_name: str
    to: tuple[str, ...]
    receipt: str = ""
    owner: str = ""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody whom SMTP is told, once each, lower case."""
        everybody = (*self.to, self.receipt) if self.receipt else self.to
        return tuple(dict.fromkeys(address.lower() for address in everybody))

    @property
    def domain(self) -> str:
        """The domain that our ids live under."""
        return self.sender.rpartition("@")[2].lower()


def render_html(digest: Letter, frame: Frame) -> str:
    """The HTML body: tables, inline styles, no image, nothing loaded."""
    page = make_environment().get_template(f"digest/{_template(digest)}.html.j2").render(_context(digest, frame))
    inliner = css_inline.CSSInliner(keep_style_tags=False, load_remote_stylesheets=False)
    return "\n".join(line.strip() for line in inliner.inline(page).splitlines() if line.strip()) + "\n"


def render_text(digest: Letter, frame: Frame) -> str:
    """The same content for plain-text readers and screen readers, 72 columns wide."""
    text = make_environment().get_template(f"digest/{_template(digest)}.txt.j2").render(_context(digest, frame))
    lines: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        # One empty line between things, none below a rule: what a template cannot keep count of.
        if line or (lines and lines[-1] and not lines[-1].startswith("---")):
            lines.append(line)
    return "\n".join(lines) + "\n"


def build_digest_mail(digest: Digest, frame: Frame, envelope: Envelope, now: datetime) -> OutgoingMail:
    """The mail that is frozen and sent. The same digest, envelope and `now` give the same bytes.

    When it would exceed 60 kB, the last of the top topics are left out.
    """
    mail = _build(digest, frame, envelope, now)
    while len(mail.raw) > MOST_BYTES and len(digest.top) > 1:
        digest = replace(digest, top=digest.top[:-1])
        mail = _build(digest, frame, envelope, now)
    return mail


def build_note_mail(note: ExecutiveNote, frame: Frame, envelope: Envelope, now: datetime) -> OutgoingMail:
    """The monthly note, frozen and sent as the digest is."""
    return _build(note, frame, envelope, now)


def _template(digest: Letter) -> str:
    return "executive" if isinstance(digest, ExecutiveNote) else "digest"


def _build(digest: Letter, frame: Frame, envelope: Envelope, now: datetime) -> OutgoingMail:
    html, text = render_html(digest, frame), render_text(digest, frame)
    message_id = digest_message_id(digest.audience, digest.week, envelope.domain)
    unsubscribe = envelope.owner or envelope.sender
    headers = (
        ("From", _mailbox(envelope.sender_name, envelope.sender)),
        ("To", ", ".join(envelope.to)),
        ("Subject", _encode_text("Subject", digest.subject)),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id),
        ("List-Id", f"<{digest.audience}-digest.{envelope.domain}>"),
        ("List-Unsubscribe", f"<{pause_link(unsubscribe, digest.audience)}>"),
        ("Auto-Submitted", "auto-generated"),
        (OWN_MARK, f"digest; week={digest.week}; audience={digest.audience}"),
        ("Content-Language", digest.language),
    )
    raw = _to_bytes(headers, text, html)
    return OutgoingMail(message_id, envelope.sender, envelope.recipients, raw, html, text)


def build_notice(subject: str, paragraphs: Iterable[str], envelope: Envelope, key: str, now: datetime) -> OutgoingMail:
    """A plain note to the owner about the program itself. key: makes the Message-ID, with the moment."""
    text = "\n\n".join(textwrap.fill(one_line(p), TEXT_COLUMNS, break_on_hyphens=False) for p in paragraphs) + "\n"
    moment = now.strftime("%Y%m%dT%H%M%S")
    message_id = f"<notice.{_token(key)}.{moment}@{envelope.domain}>"
    headers = (
        ("From", _mailbox(envelope.sender_name, envelope.sender)),
        ("To", ", ".join(envelope.to)),
        ("Subject", _encode_text("Subject", subject)),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id),
        ("Auto-Submitted", "auto-generated"),
        (OWN_MARK, "notice"),
    )
    return OutgoingMail(message_id, envelope.sender, envelope.recipients, _to_bytes(headers, text, None), "", text)


def digest_message_id(audience: str, week: str, domain: str) -> str:
    """Follows from audience and week alone, so that a second copy is recognised as the same mail."""
    return f"<digest.{week}.{audience}.{_token(f'{audience} {week} {domain}')}@{domain}>"


def pause_link(address: str, audience: str) -> str:
    """A mailto link: no state ever changes by following a web link."""
    return f"mailto:{quote(address, safe='@+')}?subject={quote(f'Pause the {audience} digest')}"


def _token(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def _to_bytes(headers: tuple[tuple[str, str], ...], text: str, html: str | None) -> bytes:
    body = _part("plain", text)
    message: MIMEMultipart | MIMENonMultipart = body
    if html is not None:
        # The boundary follows from the content: the same digest is the same bytes.
        message = MIMEMultipart("alternative", boundary=f"=_{_token(text + html)}")
        message.attach(body)
        message.attach(_part("html", html))
    for name, value in headers:
        message[name] = value
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=policy.compat32.clone(linesep="\r\n", max_line_length=998)).flatten(
        message
    )
    raw = out.getvalue()
    _check_headers(raw, headers)
    return raw


def _part(subtype: str, text: str) -> MIMENonMultipart:
    charset = Charset("utf-8")
    charset.body_encoding = QP
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part.set_payload(text, charset)
    return part


def _encode_text(name: str, value: str) -> str:
    # policy.default would decode "=?utf-8?q?x=0D=0ABcc:...?=" and write a real Bcc line (CPython 3.11.7 and 3.12.1);
    # Header() takes the characters as they are, and "=?" itself is encoded away.
    clean = one_line(value)
    needs_encoding = not clean.isascii() or "=?" in clean
    return Header(clean, "utf-8" if needs_encoding else "us-ascii", maxlinelen=76, header_name=name).encode()


def _check_headers(raw: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    """Read our own bytes again: exactly the intended header lines and recipients, or nothing is sent."""
    found = message_from_bytes(raw, policy=policy.compat32)
    mime = {"content-type", "mime-version", "content-transfer-encoding"}
    names = sorted(name.lower() for name in found.keys() if name.lower() not in mime)  # noqa: SIM118 - not a dict
    intended = sorted(name.lower() for name, _ in headers)
    to = [address for _, address in getaddresses(found.get_all("To", []))]
    intended_to = [address for _, address in getaddresses([value for name, value in headers if name == "To"])]
    if names != intended or to != intended_to:
        raise AnswersError("the composed mail does not read back as intended; it was not sent")


def _mailbox(name: str, address: str) -> str:
    plain = "".join(c for c in one_line(name) if c not in '"\\<>()[]@,;:=?')[:100]
    if not plain.isascii():
        return f"{Header(plain, 'utf-8').encode()} <{address}>"
    return f'"{plain}" <{address}>'


@lru_cache(maxsize=1)
def make_environment() -> Environment:
    """The templates of mails; everything in HTML is escaped, a forgotten value is an error."""
    environment = Environment(
        loader=FileSystemLoader(template_folder()),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["wrap"] = _wrap
    environment.filters["weblink"] = safe_href
    environment.filters["host"] = host_of
    return environment


def _context(digest: Letter, frame: Frame) -> dict[str, object]:
    shared: dict[str, object] = {
        "digest": digest,
        "frame": frame,
        "trend_marks": TREND_MARKS,
        "coverage_marks": COVERAGE_MARKS,
        "pause_link": pause_link(digest.pause_address, digest.audience) if digest.pause_address else "",
    }
    if isinstance(digest, ExecutiveNote):
        return shared
    year, week = digest.week.split("-W")
    most = max((max(t.companies, t.companies_before) for t in (*digest.top, *digest.new)), default=1)
    days = (digest.news.until.date() - digest.news_since).days
    return {
        **shared,
        "year": year,
        "week": str(int(week)),
        "most_companies": max(most, 1),
        "is_weekly": days <= 8,
    }


def _wrap(text: str, indent: int = 0, first: str = "") -> str:
    """first: what stands before the first line, as wide as `indent`."""
    # A web address must stay whole to be clickable; any other endless word is broken.
    whole = "://" in text
    return textwrap.fill(
        text,
        TEXT_COLUMNS,
        initial_indent=first.rjust(indent),
        subsequent_indent=" " * indent,
        break_long_words=not whole,
        break_on_hyphens=False,
    )
