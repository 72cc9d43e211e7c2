"""Decides for every line which message of the conversation it belongs to: one pass with a stack of open messages."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from harvester.splitting.authors import NOBODY, Author
from harvester.splitting.lines import Line
from harvester.splitting.openers import ATTRIBUTION, HEADERS, Opener


@dataclass(slots=True)
class Message:
    """One message of the conversation. level: 0 for the mail itself, 1 for what it answers, ..."""

    level: int
    author: Author = NOBODY
    sent_at: datetime | None = None
    forwarded: bool = False
    introduced: bool = False


@dataclass(slots=True)
class Segment:
    """Lines start..end-1 stand together and belong to one message. notice: they introduce a quote in it."""

    message: Message
    start: int
    end: int
    notice: bool = False


@dataclass(slots=True)
class _Frame:
    """A message that is open. depth: quote depth at which its lines stand. until: line at which its HTML region ends.

    quoted: what it quoted last; more of the same may follow below an answer.
    """

    message: Message
    depth: int
    until: int = 0
    quoted: Message | None = None


@dataclass(slots=True)
class _Machine:
    lines: Sequence[Line]
    forward_subject: bool
    segments: list[Segment] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    pending: Opener | None = None


def assign_lines(lines: Sequence[Line], openers: Sequence[Opener], *, forward_subject: bool) -> list[Segment]:
    """All lines as segments in order. forward_subject: the mail's subject says that it passes something on."""
    machine = _Machine(lines, forward_subject, stack=[_Frame(Message(0), 0)])
    at = 0
    for opener in openers:
        _run(machine, at, opener.start)
        _open(machine, opener)
        at = opener.end
    _run(machine, at, len(lines))
    if machine.pending is not None:
        _push(machine, machine.pending, machine.stack[-1].depth + 1)
    return machine.segments


def _run(machine: _Machine, at: int, end: int) -> None:
    """Ordinary lines."""
    for position in range(at, end):
        line = machine.lines[position]
        if line.text.strip():
            _enter_depth(machine, position)
        _append(machine, machine.stack[-1].message, position, position + 1)


def _enter_depth(machine: _Machine, position: int) -> None:
    line = machine.lines[position]
    stack = machine.stack
    if line.depth < stack[-1].depth and _is_lazy(machine, position):
        return
    while len(stack) > 1 and (stack[-1].depth > line.depth or _has_left(stack[-1], position)):
        stack.pop()
    pending, machine.pending = machine.pending, None
    for depth in range(stack[-1].depth + 1, line.depth + 1):
        _push(machine, pending, depth)
        pending = None
    if pending is not None:
        _push(machine, pending, line.depth)


def _has_left(frame: _Frame, position: int) -> bool:
    return 0 < frame.until <= position


def _is_lazy(machine: _Machine, position: int) -> bool:
    """One line without its quote mark in the middle of a quote: a program broke a long line and forgot the mark."""
    lines = machine.lines
    top = machine.stack[-1]
    if not 0 < position < len(lines) - 1 or not lines[position - 1].depth == top.depth == lines[position + 1].depth:
        return False
    above, text = lines[position - 1].text, lines[position].text
    if not above.strip():
        return False
    if top.message.forwarded:
        return True
    if above.count("(") > above.count(")") and text.count(")") > text.count("("):
        return True
    # A word or two that did not fit any more; an answer would follow the end of a sentence.
    return len(above) + len(text.split()[0]) > 62 and len(text) < 30 and above[-1] not in ".?!:"


def _push(machine: _Machine, opener: Opener | None, depth: int, until: int = 0) -> None:
    parent = machine.stack[-1]
    level = parent.message.level + 1
    message = parent.quoted or Message(level)
    if opener is not None:
        message = Message(level, opener.author, opener.sent_at, opener.forwarded, introduced=True)
    parent.quoted = message
    machine.stack.append(_Frame(message, depth, until))
    if opener is not None:
        _append(machine, message, opener.end, opener.end)


def _append(machine: _Machine, message: Message, start: int, end: int, *, notice: bool = False) -> None:
    segments = machine.segments
    if segments and segments[-1].message is message and not notice and not segments[-1].notice:
        segments[-1].end = end
    else:
        segments.append(Segment(message, start, end, notice))


def _open(machine: _Machine, opener: Opener) -> None:
    lines = machine.lines
    depth = lines[opener.start].depth
    following = _next_line(lines, opener.end)
    _flush_pending(machine, lines[opener.start])
    stack = machine.stack
    # Outlook puts the older messages of a thread into elements side by side.
    stays = opener.kind == HEADERS and not opener.forwarded
    while len(stack) > 1 and (stack[-1].depth > depth or (not stays and _has_left(stack[-1], opener.start))):
        stack.pop()
    # The last line of an attribution may only look quoted ("> wrote:" after a broken address); that of a block is.
    body_depth = max(depth, lines[opener.end - 1].depth) if opener.kind != ATTRIBUTION else depth
    if opener.closing:
        _append(machine, stack[-1].message, opener.start, opener.end, notice=True)
        if len(stack) > 1:
            stack.pop()
        return
    begins_block = stack[-1].depth < depth
    for missing in range(stack[-1].depth + 1, depth):
        _push(machine, None, missing)
    marked = following is not None and following.depth > body_depth
    if begins_block:
        if marked:
            _push(machine, None, depth)
        else:
            # The quoted block begins with the line that says who wrote it (Apple, Outlook in a blockquote).
            _append(machine, stack[-1].message, opener.start, opener.end, notice=True)
            _push(machine, _judge(machine, opener, marked=True), depth)
            return
    _append(machine, stack[-1].message, opener.start, opener.end, notice=True)
    if opener.marker_only and not marked and not _has_own_words(machine):
        return
    if marked or body_depth > depth:
        machine.pending = _judge(machine, opener, marked=True)
        if body_depth > depth and not marked:
            _push(machine, machine.pending, body_depth)
            machine.pending = None
        return
    if following is None or not _is_stripped_quote(machine, opener):
        _push(machine, _judge(machine, opener, marked=False), depth, lines[opener.start].region)


def _flush_pending(machine: _Machine, line: Line) -> None:
    if machine.pending is not None:
        pending, machine.pending = machine.pending, None
        _push(machine, pending, max(line.depth, machine.stack[-1].depth))


def _next_line(lines: Sequence[Line], at: int) -> Line | None:
    return next((line for line in lines[at : at + 40] if line.text.strip()), None)


def _judge(machine: _Machine, opener: Opener, *, marked: bool) -> Opener:
    """Whether the message was passed on: a marker says so, or the subject when the quote looks like Outlook's."""
    level = machine.stack[-1].message.level
    if opener.forwarded or level > 0 or not machine.forward_subject:
        return opener
    return opener if opener.kind == ATTRIBUTION and marked else _as_forwarded(opener)


def _as_forwarded(opener: Opener) -> Opener:
    return replace(opener, forwarded=True)


def _has_own_words(machine: _Machine) -> bool:
    return any(
        not segment.notice
        and segment.message.level == 0
        and any(line.text.strip() for line in machine.lines[segment.start : segment.end])
        for segment in machine.segments[:50]
    )


def _is_stripped_quote(machine: _Machine, opener: Opener) -> bool:
    """An attribution on top of everything with unmarked, unindented text below: the sender removed the quote."""
    if (
        opener.kind != ATTRIBUTION
        or machine.forward_subject
        or machine.stack[-1].message.level
        or opener.kind == HEADERS
    ):
        return False
    lines = machine.lines
    if lines[opener.start].region or lines[opener.start].hint or _has_own_words(machine):
        return False
    below = [line.text for line in lines[opener.end : opener.end + 200] if line.text.strip()]
    return any(not text[0].isspace() for text in below)
