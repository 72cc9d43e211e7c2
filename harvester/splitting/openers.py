"""Finds what introduces a quote: attribution lines, header blocks, separators and forward markers.

Says where they stand and whom they name; what follows from that is the machine's business.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from harvester.splitting.attributions import (
    is_old_gmail,
    is_without_colon,
    may_end_attribution,
    may_end_without_colon,
    read_attribution,
    read_unfinished,
)
from harvester.splitting.authors import NOBODY, Author, find_address
from harvester.splitting.dates import parse_date
from harvester.splitting.headers import (
    HeaderBlock,
    label_of,
    looks_like_unknown_label,
    read_header_block,
    read_one_line_block,
    read_stacked_block,
    read_unknown_block,
)
from harvester.splitting.lines import Line
from harvester.splitting.phrases import fold
from harvester.splitting.tables import Tables

ATTRIBUTION, HEADERS, SEPARATOR = "attribution", "headers", "separator"
RULE = re.compile(r"[-_=*~‐‑–—─━]{5,}$")
MARKER = re.compile(r"[-_=*~‐‑–—─━#>+ \t]{0,80}([^-_=*~‐‑–—─━#>+ \t].{0,90}?)(?: ?[-_=*~‐‑–—─━#<+]{2,}|$)")
BLOCK_DISTANCE = 4
# Every try costs a constant; a body that provokes more than this was not written by a mail client.
MAX_TRIES = 400
MAX_GLUED = 40
MAX_MARKED = 12
CLOSING = ("end ", "ende ", "fin ", "fine ", "fim ", "koniec ", "konec ", "slut ", "einde ", "конец ", "sfârșit")


@dataclass(frozen=True, slots=True)
class Opener:
    """Lines start..end-1 introduce a message by `author`.

    forwarded: a marker says that it was passed on. closing: a marker says that a quoted message ends here.
    language: of the header block's labels. marker_only: "reply above this line", which is quoted back on top as well.
    """

    start: int
    end: int
    kind: str
    author: Author = NOBODY
    sent_at: datetime | None = None
    forwarded: bool = False
    closing: bool = False
    language: str = ""
    marker_only: bool = False


def separate_glued_lines(lines: list[Line], tables: Tables, sent_at: datetime | None) -> list[Line]:
    """Lines in which a quote follows its attribution at once become two (Yahoo on Android)."""
    found: list[Line] = []
    tries = 0
    for line in lines:
        text = line.text
        colon = text.find(":   ", 20, 300) if len(text) > 40 and line.region == 0 else -1
        if colon > 0 and tries < MAX_GLUED:
            tries += 1
            if read_unfinished(text[:colon], tables, sent_at) is not None:
                found += [replace(line, text=text[: colon + 1]), replace(line, text=text[colon + 1 :].strip())]
                continue
        found.append(line)
    return found


def find_openers(lines: Sequence[Line], tables: Tables, sent_at: datetime | None) -> list[Opener]:
    """All openers in order; they do not overlap."""
    found: list[Opener] = []
    at = floor = tries = 0
    count = len(lines)
    while at < count:
        text = lines[at].text
        if not text or len(text) > 2_000:
            at += 1
            continue
        is_label = (":" in text or "：" in text) and label_of(text) in tables.labels
        is_bare = len(text) <= 14 and fold(text).rstrip(" :") in tables.labels
        is_end = may_end_attribution(text) or is_without_colon(text) or may_end_without_colon(text, tables)
        is_unknown = not is_label and "@" in text and looks_like_unknown_label(text)
        is_unknown = is_unknown or (not is_label and _precedes_addresses(lines, at) and looks_like_unknown_label(text))
        tries += is_label or is_end or is_bare or is_unknown
        opener = None
        if tries < MAX_TRIES:
            if _may_mark(text):
                opener = _read_marker(lines, at, tables, sent_at)
            if opener is None and is_label:
                opener = _read_block(lines, at, floor, tables, sent_at)
            if opener is None and is_unknown:
                block = read_unknown_block(lines, at, tables, sent_at)
                opener = _as_opener(block) if block is not None else None
            if opener is None and is_bare:
                opener = _read_stacked(lines, at, floor, tables, sent_at)
            if opener is None and is_end:
                opener = _read_attribution(lines, at, floor, tables, sent_at)
        if opener is None and lines[at].hint in ("attribution", "headers"):
            opener = _read_marked_lines(lines, at, floor, tables, sent_at)
        if opener is None:
            at += 1
            continue
        found.append(opener)
        at = floor = opener.end
    return found


def _read_marked_lines(
    lines: Sequence[Line], at: int, floor: int, tables: Tables, sent_at: datetime | None
) -> Opener | None:
    """Lines that the client itself marked as introducing a quote, in a language nobody taught us."""
    hint = lines[at].hint
    if at > floor and lines[at - 1].hint == hint and lines[at - 1].text:
        return None  # an ordinary reader follows from here on
    end = at
    while end < min(len(lines), at + MAX_MARKED) and lines[end].hint == hint:
        end += 1
    text = " ".join(line.text for line in lines[at:end]).strip()
    if not text or len(text) > 1_000 or not (find_address(text) or any(map(str.isdigit, text))):
        return None
    if hint == "headers" and sum(looks_like_unknown_label(line.text) for line in lines[at:end]) < 2:
        return None
    kind = ATTRIBUTION if hint == "attribution" else HEADERS
    return Opener(at, end, kind, _guess_author(text), parse_date(fold(text), tables, before=sent_at))


def _guess_author(text: str) -> Author:
    """The first address, and the capitalised words right before it."""
    match = find_address(text)
    if match is None:
        return NOBODY
    words: list[str] = []
    for word in reversed(text[: match.start()].rstrip("<([ \"'").split()):
        if len(words) == 4 or not word[0].isalpha() or word[0].islower() or word.endswith((":", ",", "：")):
            break
        words.insert(0, word.strip("\"'<>"))
    return Author(" ".join(words) or None, match.group().lower())


def _precedes_addresses(lines: Sequence[Line], at: int) -> bool:
    """Thunderbird begins its blocks with subject and date; the people come third."""
    return ":" in lines[at].text and at + 2 < len(lines) and "@" in lines[at + 2].text


def _may_mark(text: str) -> bool:
    return text.lstrip()[0] in "-_=*~‐‑–—─━>+#" or len(text) <= 60


def _read_marker(lines: Sequence[Line], at: int, tables: Tables, sent_at: datetime | None) -> Opener | None:
    """A forward marker or separator, a rule above a header block, and the block that belongs to them."""
    text = lines[at].text.strip()
    is_rule = RULE.match(text) is not None
    match = MARKER.match(text)
    if is_rule:
        block = _block_after(lines, at + 1, tables, sent_at, ruled=True)
        return replace(block, start=at) if block is not None and block.start - at <= 2 else None
    if match is None or len(text) > 2_000:
        return None
    phrase = fold(match[1]).strip(" :*_|>").rstrip(" :")
    dashed = match.start(1) >= 2 or text[-2:] in ("--", "__", "==", "**", "‐‐")
    kind = _marker_kind(phrase, dashed, tables)
    if not kind and phrase.startswith(tables.reply_above):
        return Opener(at, at + 1, SEPARATOR, marker_only=True)
    if not kind:
        return None
    if phrase.startswith(CLOSING):
        return Opener(at, at + 1, SEPARATOR, closing=True) if dashed else None
    forwarded = kind == "forwarded"
    glued = (
        read_one_line_block(text[match.end() :].lstrip(" -_="), tables, sent_at) if match.end() < len(text) else None
    )
    if glued is not None:
        return Opener(at, at + 1, HEADERS, glued[0], glued[1], forwarded)
    block = _block_after(lines, at + 1, tables, sent_at, marked=True)
    if block is not None:
        return replace(block, start=at, forwarded=forwarded)
    if not dashed and not (forwarded and text.rstrip("* ").endswith((":", "："))):
        return None
    return _join_attribution(Opener(at, at + 1, SEPARATOR, forwarded=forwarded), lines, tables, sent_at)


def _join_attribution(marker: Opener, lines: Sequence[Line], tables: Tables, sent_at: datetime | None) -> Opener:
    """A separator may stand above an ordinary attribution (Proton)."""
    first = next((at for at in range(marker.end, min(len(lines), marker.end + 3)) if lines[at].text.strip()), None)
    if first is None or lines[first].depth != lines[marker.start].depth:
        return marker
    for last in range(first, min(len(lines), first + 3)):
        if not lines[last].text:
            break
        if may_end_attribution(lines[last].text):
            found = read_attribution(lines, last, first, tables, sent_at)
            if found is not None and found.start == first:
                return replace(marker, end=found.end, kind=ATTRIBUTION, author=found.author, sent_at=found.sent_at)
            break
    return marker


def _marker_kind(phrase: str, dashed: bool, tables: Tables) -> str:
    if phrase in tables.forwarded:
        return "forwarded"
    if phrase in tables.original:
        return "original"
    if dashed and len(phrase) > 12:
        words = phrase.split()
        for size in (4, 3, 2):
            start = " ".join(words[:size])
            if start in tables.forwarded and len(words) > size:
                return "forwarded"
            if start in tables.original and len(words) > size and size > 2:
                return "original"
    return ""


def _block_after(
    lines: Sequence[Line],
    at: int,
    tables: Tables,
    sent_at: datetime | None,
    *,
    marked: bool = False,
    ruled: bool = False,
) -> Opener | None:
    """The header block that begins within a few empty lines. marked, ruled: a marker or a ruler announces it."""
    for start in range(at, min(len(lines), at + BLOCK_DISTANCE)):
        text = lines[start].text.strip()
        if not text or RULE.match(text):
            continue
        if label_of(lines[start].text) in tables.labels:
            block = read_header_block(lines, start, tables, sent_at, lenient=marked or ruled, colonless=marked)
            return _as_opener(block) if block is not None else None
        if not marked:
            return None
        block = read_header_block(lines, start, tables, sent_at, colonless=True)
        block = block or read_unknown_block(lines, start, tables, sent_at)
        return _as_opener(block) if block is not None else None
    return None


def _plain_block(
    lines: Sequence[Line], at: int, tables: Tables, sent_at: datetime | None, *, lenient: bool = False
) -> Opener | None:
    block = read_header_block(lines, at, tables, sent_at, lenient=lenient)
    return None if block is None else _as_opener(block)


def _as_opener(block: HeaderBlock) -> Opener:
    return Opener(block.start, block.end, HEADERS, block.author, block.sent_at, language=block.language)


def _read_block(lines: Sequence[Line], at: int, floor: int, tables: Tables, sent_at: datetime | None) -> Opener | None:
    """A header block, with the unfinished attribution that some programs put right above it."""
    above = at - 1
    if above >= floor and not lines[above].text.strip():
        above -= 1
    unfinished = None
    if above >= floor and lines[above].depth == lines[at].depth and 10 < len(lines[above].text) < 200:
        text = lines[above].text
        if any(map(str.isdigit, text)):
            unfinished = read_unfinished(text.rstrip(":："), tables, sent_at)
    lenient = unfinished is not None or _is_below_rule(lines, at)
    block = _plain_block(lines, at, tables, sent_at, lenient=lenient)
    if block is not None and unfinished is not None:
        return replace(block, start=above, sent_at=block.sent_at or unfinished[1])
    return _with_date_line(block, lines, floor, tables, sent_at) if block is not None else None


def _read_stacked(
    lines: Sequence[Line], at: int, floor: int, tables: Tables, sent_at: datetime | None
) -> Opener | None:
    if "to" not in tables.labels[fold(lines[at].text).rstrip(" :")]:
        return None
    block = read_stacked_block(lines, at, floor, tables, sent_at)
    return None if block is None else _as_opener(block)


def _is_below_rule(lines: Sequence[Line], at: int) -> bool:
    """Whether a ruler, or a client's own mark for headers, leaves little doubt that a block follows."""
    if lines[at].hint == "headers":
        return True
    return any(line.hint == "rule" or RULE.match(line.text.strip()) is not None for line in lines[max(0, at - 2) : at])


def _with_date_line(
    block: Opener, lines: Sequence[Line], floor: int, tables: Tables, sent_at: datetime | None
) -> Opener:
    """Some put "Message of : 12/12/2016" right above the block."""
    above = block.start - 1
    if above < floor or not 10 < len(lines[above].text) < 80 or lines[above].depth != lines[block.start].depth:
        return block
    text = lines[above].text
    moment = parse_date(fold(text), tables, before=sent_at)
    words = [word for word in text.split() if word[0].isalpha()]
    if moment is None or len(words) > 4 or words == text.split() or not text[0].isalpha():
        return block
    return replace(block, start=above, sent_at=block.sent_at or moment)


def _read_attribution(
    lines: Sequence[Line], at: int, floor: int, tables: Tables, sent_at: datetime | None
) -> Opener | None:
    text = lines[at].text
    if is_without_colon(text):
        unfinished = read_unfinished(text, tables, sent_at) if is_old_gmail(text, lines, at) else None
        if unfinished is not None:
            return Opener(at, at + 1, ATTRIBUTION, *unfinished)
    found = read_attribution(lines, at, floor, tables, sent_at)
    if found is None:
        return None
    opener = Opener(found.start, found.end, ATTRIBUTION, found.author, found.sent_at)
    block = _block_after(lines, found.end, tables, sent_at)
    return replace(block, start=found.start) if block is not None and block.start - found.end <= 1 else opener
