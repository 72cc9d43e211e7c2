"""From a mail to its parts: choose the better body, read its lines, find who says what, label the rest."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from harvester.records import Address, Mail, Part, Role
from harvester.splitting.closings import label_lines
from harvester.splitting.html_lines import read_html_lines, read_image_lines
from harvester.splitting.lines import Line, read_plain_lines
from harvester.splitting.machine import Message, Segment, assign_lines
from harvester.splitting.marked import separate_marked_answers
from harvester.splitting.openers import Opener, find_openers, separate_glued_lines
from harvester.splitting.participants import resolve_addresses
from harvester.splitting.phrases import fold
from harvester.splitting.stretches import BANNER, DISCLAIMER, IMAGE, MOBILE, SIGNATURE, UNDER_FOOTER, signing_names
from harvester.splitting.tables import Tables, load_tables

MAX_ATTACHED_DEPTH = 4
QUOTED_LINE = re.compile(r"^>", re.MULTILINE)
HTML_STRUCTURE = re.compile(r"blockquote|quote|RplyFwdMsg|border-(?:top|left)|appendonsend|<hr|&gt;", re.IGNORECASE)
# A page with this many words is no stub.
MANY_WORDS = 400
# Shares of the words of the plain text; HTML that shows fewer gives way.
ENOUGH, CLEARLY_LESS, TOO_LITTLE = 0.95, 0.8, 0.5
MAX_HEADING = 2_000
PREFIX = re.compile(r"\s{0,3}([^\W\d_]{1,15})(?:\[\d{1,3}\]|\(\d{1,3}\)|\*\d{1,3})?\s?[:：]")
ROLES = {
    SIGNATURE: Role.SIGNATURE,
    MOBILE: Role.NOTICE,
    BANNER: Role.NOTICE,
    IMAGE: Role.NOTICE,
    DISCLAIMER: Role.DISCLAIMER,
}


def split_mail(mail: Mail) -> tuple[Part, ...]:
    """All parts of a mail in reading order; every visible word is in exactly one. Attached mails follow, forwarded."""
    tables = load_tables()
    parts = _split_body(mail, tables) + _report_parts(mail)
    parts += _split_attached(mail, tables, depth=1)
    return pair_own_parts(parts)


def initials_of(sender: Address | None) -> str:
    """ "TB" for Tom Bexley, "" for somebody with fewer than two names."""
    words = sender.name.replace(",", " ").split() if sender else []
    return "".join(word[0] for word in words).upper() if 2 <= len(words) <= 3 else ""


def _split_body(mail: Mail, tables: Tables) -> list[Part]:
    lines, rest = read_body_lines(mail)
    lines = separate_glued_lines(lines, tables, mail.sent_at)
    openers = find_openers(lines, tables, mail.sent_at)
    openers = resolve_addresses(openers, mail)
    lines = deepen_unmarked_regions(lines, openers)
    segments = assign_lines(lines, openers, forward_subject=is_forward(mail.subject, openers, tables))
    segments = separate_marked_answers(lines, segments, tables, initials_of(mail.sender))
    parts = _make_parts(mail, lines, segments, tables)
    if rest.strip():
        parts = _append_rest(parts, rest.strip())
    return parts


def read_body_lines(mail: Mail) -> tuple[list[Line], str]:
    """The lines of the alternative that shows more, and what was too long to read.

    HTML has unbroken lines and the marks of its client; the plain text wins where only it shows the quote or the words.
    """
    text, html = mail.text or "", mail.html or ""
    if not html:
        return read_plain_lines(text)
    if text.strip() and QUOTED_LINE.search(text) and not HTML_STRUCTURE.search(html):
        return read_plain_lines(text)
    lines, rest = read_html_lines(html)
    if text.strip() and not rest and _shows_less(lines, text, mail.sent_at):
        return read_plain_lines(text)
    if not rest and not any(line.text for line in lines):
        return read_image_lines(html), ""
    return lines, rest


def _shows_less(lines: Sequence[Line], text: str, sent_at: datetime | None) -> bool:
    """Whether HTML lacks words that the plain text has ("click here to continue").

    HTML that marks a quote may lack more of them, unless the plain text shows a quote as well.
    """
    shown = sum(len(line.text.split()) for line in lines)
    typed = sum(any(map(str.isalnum, word)) and "://" not in word for word in text[:200_000].split())
    if shown > MANY_WORDS or shown >= typed * ENOUGH:
        return False
    is_marked = any(line.depth or line.region or line.hint not in ("", "rule") for line in lines)
    if not is_marked or shown < typed * TOO_LITTLE:
        return True
    plain, _ = read_plain_lines(text)
    is_quoting = any(line.depth for line in plain) or bool(find_openers(plain, load_tables(), sent_at))
    return is_quoting and shown < typed * CLEARLY_LESS


def is_forward(subject: str, openers: Sequence[Opener], tables: Tables) -> bool:
    """Whether the outermost prefix of the subject says that something is passed on.

    A prefix that answers in one language and forwards in another goes by the language of the first header block.
    """
    match = PREFIX.match(subject)
    prefix = fold(match[1]) if match is not None else ""
    forwarding = tables.forward_prefixes.get(prefix, frozenset())
    answering = tables.reply_prefixes.get(prefix, frozenset())
    if not forwarding or not answering:
        return bool(forwarding)
    language = next((opener.language for opener in openers if opener.language), "")
    return language in forwarding and language not in answering


def deepen_unmarked_regions(lines: list[Line], openers: Sequence[Opener]) -> list[Line]:
    """Elements that a client made for a quote, with neither an introduction nor a deeper quote in them, are quotes."""
    introduced = {lines[opener.start].region for opener in openers}
    starts: dict[int, int] = {}
    deepest: dict[int, int] = {}
    for at, line in enumerate(lines):
        if line.region:
            starts.setdefault(line.region, at)
            deepest[line.region] = max(deepest.get(line.region, 0), line.depth)
    bare = {
        region
        for region, start in starts.items()
        if region not in introduced and deepest[region] <= lines[start].depth and not _follows_opener(openers, start)
    }
    if not bare:
        return lines
    return [replace(line, depth=line.depth + 1) if line.region in bare else line for line in lines]


def _follows_opener(openers: Sequence[Opener], start: int) -> bool:
    """Whether an introduction stands right above a line (then it opens what follows by itself)."""
    return any(0 <= start - opener.end <= 3 for opener in openers)


def _append_rest(parts: list[Part], rest: str) -> list[Part]:
    if not parts:
        return [Part(Role.OWN, rest)]
    return [*parts[:-1], replace(parts[-1], text=f"{parts[-1].text}\n{rest}".strip())]


# ---------------------------------------------------------------- segments -> parts
def _make_parts(mail: Mail, lines: Sequence[Line], segments: Sequence[Segment], tables: Tables) -> list[Part]:
    parts: list[Part] = []
    begun: set[int] = set()
    ends = _last_segments(segments, lines)
    for number, segment in enumerate(segments):
        message = segment.message
        chosen = lines[segment.start : segment.end]
        if segment.notice:
            text = _join(chosen)
            if text:
                parts.append(Part(Role.NOTICE, text, depth=message.level, label="attribution"))
            continue
        if not any(line.text.strip() for line in chosen):
            if message.introduced and id(message) not in begun and number == ends.get(id(message)):
                parts.append(_part(message, mail, Role.OWN, ""))
            continue
        first = id(message) not in begun
        begun.add(id(message))
        parts += _label_segment(mail, message, chosen, tables, first=first, last=_may_end(segments, number, ends))
    return parts


def _last_segments(segments: Sequence[Segment], lines: Sequence[Line]) -> dict[int, int]:
    """id of message -> number of its last segment that holds words."""
    found: dict[int, int] = {}
    for number, segment in enumerate(segments):
        if not segment.notice and (
            id(segment.message) not in found or any(line.text.strip() for line in lines[segment.start : segment.end])
        ):
            found[id(segment.message)] = number
    return found


def _may_end(segments: Sequence[Segment], number: int, ends: dict[int, int]) -> bool:
    """A signature may stand where a message ends, and above the introduction of a quote."""
    message = segments[number].message
    if ends.get(id(message)) == number:
        return True
    following = segments[number + 1] if number + 1 < len(segments) else None
    return following is not None and following.notice


def _label_segment(
    mail: Mail, message: Message, lines: Sequence[Line], tables: Tables, *, first: bool, last: bool
) -> list[Part]:
    if message.level:
        names = signing_names(message.author.name, message.author.address)
    else:
        sender = mail.sender
        names = signing_names(sender.name, sender.address) if sender else frozenset()
    labels = label_lines(
        [line.text for line in lines], [line.hint for line in lines], names, tables, first=first, last=last
    )
    parts: list[Part] = []
    start = 0
    current: str | None = None
    for at, (line, label) in enumerate(zip(lines, labels, strict=True)):
        if not line.text.strip() or label == current:
            continue
        if current is not None:
            parts.append(_labelled_part(mail, message, current, lines[start:at]))
            start = at
        current = label
    if current is not None:
        parts.append(_labelled_part(mail, message, current, lines[start:]))
    return parts


def _labelled_part(mail: Mail, message: Message, label: str, lines: Sequence[Line]) -> Part:
    text = _join(lines)
    if label == UNDER_FOOTER:
        return _part(Message(message.level + 1), mail, Role.QUOTED, text)
    role = ROLES.get(label, Role.OWN)
    part = _part(message, mail, role, text)
    return replace(part, label=label) if role is Role.NOTICE else part


def _part(message: Message, mail: Mail, role: Role, text: str) -> Part:
    if role is Role.OWN and message.level:
        role = Role.FORWARDED if message.forwarded else Role.QUOTED if message.level == 1 else Role.HISTORY
    elif role is Role.QUOTED and message.level > 1:
        role = Role.HISTORY
    if not message.level:
        sender = mail.sender
        return Part(
            role,
            text,
            sender.address or None if sender else None,
            sender.name or None if sender else None,
            mail.sent_at,
        )
    return Part(role, text, message.author.address, message.author.name, message.sent_at, message.level)


def _join(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines).strip("\n ")


# ---------------------------------------------------------------- attached mails
def _split_attached(mail: Mail, tables: Tables, *, depth: int) -> list[Part]:
    parts: list[Part] = []
    if depth > MAX_ATTACHED_DEPTH:
        return parts
    for attached in mail.attached:
        heading = _heading(attached, depth - 1)
        parts += [heading] if heading.text else []
        inner = _split_body(attached, tables) + _report_parts(attached)
        if not inner:
            sender = attached.sender
            inner = [
                Part(
                    Role.OWN, "", sender.address if sender else None, sender.name if sender else None, attached.sent_at
                )
            ]
        parts += [_sink(part, depth) for part in inner]
        parts += _split_attached(attached, tables, depth=depth + 1)
    return parts


def _heading(attached: Mail, depth: int) -> Part:
    """The header fields that mail programs show above an attached mail."""
    found = [(name, attached.header(name)) for name in ("from", "to", "cc", "date", "subject")]
    text = "\n".join(f"{name.title()}: {value[:MAX_HEADING]}" for name, value in found if value)
    return Part(Role.NOTICE, text, depth=depth, label="attribution")


def _report_parts(mail: Mail) -> list[Part]:
    return [Part(Role.NOTICE, text, label="report") for text in mail.reports]


def _sink(part: Part, depth: int) -> Part:
    """A part of an attached mail as a part of the mail that carries it."""
    role = part.role
    if role is Role.OWN:
        role = Role.FORWARDED
    elif role is Role.QUOTED:
        role = Role.HISTORY
    return replace(part, role=role, depth=part.depth + depth)


# ---------------------------------------------------------------- who answers what
def pair_own_parts(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Own text below a quote answers the quote right above it; own text on top answers the first quote below."""
    said = (Role.QUOTED, Role.FORWARDED, Role.HISTORY)
    first = next((at for at, part in enumerate(parts) if part.role in (Role.QUOTED, Role.FORWARDED)), None)
    above: int | None = None
    paired: list[Part] = []
    for at, part in enumerate(parts):
        if part.role in said and part.text:
            above = at
        if part.role is Role.OWN:
            part = replace(part, answers=above if above is not None else first)
        paired.append(part)
    return tuple(paired)
