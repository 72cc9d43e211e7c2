"""Reads the block of header lines that Outlook, forwards and many others put above a quoted message."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from harvester.splitting.authors import Author, find_address, read_author
from harvester.splitting.dates import parse_date
from harvester.splitting.lines import Line
from harvester.splitting.phrases import fold
from harvester.splitting.tables import Tables

MAX_BLOCK_LINES = 40
MAX_VALUE_LINE = 600
PEOPLE = frozenset(("from", "to", "cc", "bcc", "reply_to"))
UNKNOWN_LABEL = re.compile(r"[ \t]{0,4}\*{0,2}[^\W\d_][\w' .-]{0,24}\*{0,2}[ \xa0]?[:：]\*{0,2}(?!//)(.+)")
MOMENT = re.compile(r"(?=.{0,80}?\d{4})(?=.{0,80}?\d{1,2}[:.]\d{2})")
COLON = re.compile("[:：]")
Labels = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """Lines start..end-1. language: the code of the language of its labels."""

    start: int
    end: int
    author: Author
    sent_at: datetime | None
    language: str = ""


@dataclass(slots=True)
class _Field:
    labels: Labels
    values: list[str] = field(default_factory=list)

    @property
    def value(self) -> str:
        return " ".join(self.values)


def label_of(text: str) -> str:
    """What stands before the first colon, folded, if that is short enough for a label."""
    match = COLON.search(text, 1, 42)
    return fold(text[: match.start()].strip(" \t*_>|•·\ufeff\u200e\u200f")).rstrip(". ") if match else ""


def read_header_block(
    lines: Sequence[Line],
    at: int,
    tables: Tables,
    sent_at: datetime | None,
    *,
    lenient: bool = False,
    colonless: bool = False,
) -> HeaderBlock | None:
    """The block that begins at line `at`, if at least three labels of one language and an address or a date say so.

    lenient: what stands above leaves no doubt that a block follows. colonless: labels may stand without colon.
    """
    fields, end = _collect_fields(lines, at, tables, colonless)
    if len(fields) < (1 if colonless or lenient else 2):
        return None
    values, language = _name_fields(fields)
    if "sent" not in values:
        values |= _unlabelled_date(fields, tables, sent_at)
    if "from" not in values or not (lenient or _is_convincing(values, tables, sent_at)):
        return None
    if len(values) < 2 and find_address(values["from"]) is None:
        return None
    sent = fold(values.get("sent", ""))
    moment = parse_date(sent, tables, before=sent_at, languages=frozenset((language,)))
    return HeaderBlock(at, end, read_author(values["from"]), moment, language)


def read_unknown_block(lines: Sequence[Line], at: int, tables: Tables, sent_at: datetime | None) -> HeaderBlock | None:
    """A block in a language nobody taught us: label-like lines with two addresses and a moment among them."""
    values: list[str] = []
    position = at
    while position < min(len(lines), at + 9):
        match = UNKNOWN_LABEL.match(lines[position].text[:MAX_VALUE_LINE])
        if match is None or lines[position].depth != lines[at].depth:
            break
        values.append(match[1].strip(" \t*"))
        position += 1
    moment = next((value for value in values if MOMENT.search(value)), None)
    people = [value for value in values if find_address(value)]
    if len(values) < 3 or moment is None or not people:
        return None
    if len(people) < 2 and (len(values) < 4 or find_address(values[0]) is None or values[0][-1] not in ">])"):
        return None
    return HeaderBlock(at, position, read_author(people[0]), parse_date(fold(moment), tables, before=sent_at))


def looks_like_unknown_label(text: str) -> bool:
    """A cheap look at a line that may begin such a block."""
    return len(text) < 300 and UNKNOWN_LABEL.match(text) is not None


def read_stacked_block(
    lines: Sequence[Line], at: int, floor: int, tables: Tables, sent_at: datetime | None
) -> HeaderBlock | None:
    """Notes' block: a line with the author, one with the date, then labels that stand above their values.

    at: the line of a label for recipients, standing alone.
    """
    above = [position for position in range(max(floor, at - 5), at) if lines[position].text.strip()]
    if len(above) < 2:
        return None
    moment = parse_date(fold(lines[above[-1]].text), tables, before=sent_at)
    if moment is None or len(lines[above[-1]].text) > 60 or len(lines[above[-2]].text) > 120:
        return None
    position = end = at
    last_label: Labels = {}
    while position < min(len(lines), at + MAX_BLOCK_LINES):
        text = lines[position].text.strip(" :*")
        known = tables.labels.get(fold(text)) if 0 < len(text) <= 30 else None
        if known is not None:
            last_label = known
            end = position + 1
        elif text:
            if not last_label:
                break
            end = position + 1
            if "subject" in last_label:
                return HeaderBlock(above[-2], end, read_author(lines[above[-2]].text), moment)
            last_label = {} if "cc" in last_label else last_label
        position += 1
    return None


def read_one_line_block(text: str, tables: Tables, sent_at: datetime | None) -> tuple[Author, datetime | None] | None:
    """A whole block glued into one line, as Yahoo's plain text has it: `From: A <a@x>To: b@ySent: ...`."""
    marks = list(tables.glued_labels.finditer(text[:2_000]))[:20]
    if not marks or marks[0].start() > 3:
        return None
    fields = []
    for number, mark in enumerate(marks):
        stop = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        label = fold(mark[1]).rstrip(". ")
        if label in tables.labels:
            fields.append(_Field(tables.labels[label], [text[mark.end() : stop].strip()]))
    if len(fields) < 3:
        return None
    values, language = _name_fields(fields)
    if "from" not in values:
        return None
    sent = fold(values.get("sent", ""))
    return read_author(values["from"]), parse_date(sent, tables, before=sent_at, languages=frozenset((language,)))


def _collect_fields(lines: Sequence[Line], at: int, tables: Tables, colonless: bool) -> tuple[list[_Field], int]:
    depth = lines[at].depth
    indent = _indent(lines[at].text)
    fields: list[_Field] = []
    end = position = at
    last = min(len(lines), at + MAX_BLOCK_LINES)
    while position < last:
        line = lines[position]
        text = line.text
        if not text.strip():
            position += 1
            if position - end > 2 or not fields:
                break
            continue
        label, value = _label_and_value(text, tables, colonless)
        known = tables.labels.get(label) if label else None
        if line.depth != depth and not (fields and _is_open(fields[-1])):
            break
        if known is not None and not (fields and _is_empty_people(fields[-1]) and "@" in label):
            if position > end and not _goes_on(fields, known):
                break
            fields.append(_Field(known, [value]))
        elif fields and _belongs_to(fields[-1], lines, position, end, indent, tables):
            fields[-1].values.append(text.strip(" \t*"))
        elif fields and position == end and label and _is_foreign_label(lines, position, tables):
            fields.append(_Field({}, [value]))
        else:
            break
        position += 1
        end = position
    return fields, end


def _belongs_to(last: _Field, lines: Sequence[Line], position: int, end: int, indent: int, tables: Tables) -> bool:
    """Whether a line without label goes on with the value of the last one."""
    text = lines[position].text
    if position == end and (_continues(last, text, indent) or _is_broken_off(last, lines, position, tables)):
        return True
    return not last.value and position - end <= 1 and len(text) < 200


def _is_broken_off(last: _Field, lines: Sequence[Line], position: int, tables: Tables) -> bool:
    """A word or two lines of them between a person and the next label ("On Behalf Of / Li / Chen")."""
    if PEOPLE.isdisjoint(last.labels) or len(lines[position].text.split()) > 6:
        return False
    return any(label_of(line.text) in tables.labels for line in lines[position + 1 : position + 3] if line.text)


def _label_and_value(text: str, tables: Tables, colonless: bool) -> tuple[str, str]:
    label = label_of(text)
    if label and (label in tables.labels or not colonless):
        return label, COLON.split(text, maxsplit=1)[1].strip(" \t*")
    if colonless:
        words = text.strip(" \t*").split(maxsplit=3)
        for size in (3, 2, 1):
            label = fold(" ".join(words[:size]))
            if len(words) > size and label in tables.labels:
                return label, text.strip(" \t*").split(maxsplit=size)[size]
    match = COLON.search(text)
    return (label_of(text), text[match.end() :].strip(" \t*")) if match else ("", "")


def _unlabelled_date(fields: Sequence[_Field], tables: Tables, sent_at: datetime | None) -> dict[str, str]:
    """The value under a label nobody knows, if it is a date."""
    for item in fields:
        if not item.labels and parse_date(fold(item.value), tables, before=sent_at) is not None:
            return {"sent": item.value}
    return {}


def _is_foreign_label(lines: Sequence[Line], position: int, tables: Tables) -> bool:
    """One label nobody knows, in the middle of a block of known ones."""
    following = lines[position + 1].text if position + 1 < len(lines) else ""
    return bool(following) and len(lines[position].text) < 200 and label_of(following) in tables.labels


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _is_open(last: _Field) -> bool:
    value = last.value
    return value.count("<") > value.count(">") or value.count("[") > value.count("]")


def _is_empty_people(last: _Field) -> bool:
    return not last.value and not PEOPLE.isdisjoint(last.labels)


def _goes_on(fields: list[_Field], known: Labels) -> bool:
    """After an empty line a label goes on with the block only if its field has not been named yet."""
    named = {name for item in fields for name in item.labels}
    return not set(known) <= named


def _continues(last: _Field, text: str, indent: int) -> bool:
    value = last.values[-1]
    if PEOPLE.isdisjoint(last.labels):
        return _indent(text) > indent + 1 and len(last.values) < 3 and "subject" in last.labels
    if len(last.values) > 30:
        return False
    return (
        value.endswith((",", ";", "<", "(", ":", "["))
        or _is_open(last)
        or (find_address(text) is not None and len(text.split()) <= 8)
    )


def _name_fields(fields: Sequence[_Field]) -> tuple[dict[str, str], str]:
    """Field name -> value, and the language: read in the one language (English helps) that knows most of the labels."""
    votes: dict[str, int] = {}
    for item in fields:
        for code in {code for codes in item.labels.values() for code in codes}:
            votes[code] = votes.get(code, 0) + 1
    if not votes:
        return {}, ""
    best = max(votes, key=lambda code: (votes[code], code == "en"))
    values: dict[str, str] = {}
    for item in fields:
        names = [name for name, codes in item.labels.items() if best in codes]
        names = names or [name for name, codes in item.labels.items() if "en" in codes]
        if votes[best] < 2 or not names:
            names = names or list(item.labels)
        for name in names:
            if name not in values:
                values[name] = item.value
                break
    return values, best


def _is_convincing(values: Mapping[str, str], tables: Tables, sent_at: datetime | None) -> bool:
    people = any(find_address(values.get(name, "")) for name in ("from", "to", "cc"))
    sent = values.get("sent", "")
    dated = bool(sent) and parse_date(fold(sent), tables, before=sent_at) is not None
    if len(values) >= 3:
        return (people or dated) and (people or "subject" in values)
    return find_address(values["from"]) is not None and (dated or "subject" in values)
