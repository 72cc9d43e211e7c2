"""A body as lines that carry their quote depth: here for plain text; html_lines does it for HTML."""

import re
from dataclasses import dataclass

MAX_DEPTH = 40
# Nobody reads more than this; what follows goes unread into the part in which the reading ended.
MAX_LINES = 6_000
MAX_LINE = 20_000
PREFIX = re.compile(r"[ \t]?(?:>[ \t]?)+")
INITIALS_PREFIX = re.compile(r"([A-Za-z]{1,3})>(?=\s|$)")
COMPARISON = re.compile(r"> ?\d{1,9}(?:[.,]\d{1,9})*\s")
LINE_ENDS = re.compile(r"\r\n?|\n|\x0b|\x0c|\x85|\u2028|\u2029")


@dataclass(slots=True)
class Line:
    """text: without quote marks, right-stripped. depth: how deep it is quoted.

    region: where (line number) the innermost HTML element ends that a mail client made for a quote, 0 for none.
    hint: what the HTML says the line is: "signature", "attribution", "headers", "image" (said by a picture), "rule"
    (then it is empty) or "".
    color: the colour of the whole line as the HTML styles it, "" for the default.
    """

    text: str
    depth: int = 0
    region: int = 0
    hint: str = ""
    color: str = ""


def read_plain_lines(text: str) -> tuple[list[Line], str]:
    """The lines of a text/plain body, and whatever lies behind MAX_LINES."""
    raw_lines, rest = _cut_lines(text)
    initials = _quoting_initials(raw_lines)
    raw_lines = _unify_bars(raw_lines)
    verbatim = _verbatim_lines(raw_lines)
    return [
        Line(raw.rstrip()) if at in verbatim else _read_line(raw, initials) for at, raw in enumerate(raw_lines)
    ], rest


def _cut_lines(text: str) -> tuple[list[str], str]:
    if "\r" in text or not text.isascii():
        text = LINE_ENDS.sub("\n", text)
    pieces = text.split("\n", MAX_LINES)
    rest = pieces.pop() if len(pieces) > MAX_LINES else ""
    return pieces, rest


def _read_line(raw: str, initials: frozenset[str]) -> Line:
    first = raw[:1]
    if raw.startswith(">>> ") and raw.rstrip().endswith(" >>>"):
        return Line(raw.rstrip())  # GroupWise frames its attributions like this
    if first == ">" or (first in " \t\ufeff" and raw[1:2] == ">"):
        match = PREFIX.match(raw.lstrip("\ufeff"))
        if match:
            return Line(raw[match.end() :].rstrip(), min(match.group().count(">"), MAX_DEPTH))
    elif initials and raw[1:4].find(">") >= 0:
        match = INITIALS_PREFIX.match(raw)
        if match and match.group(1) in initials:
            return Line(raw.strip(), 1)  # the initials stay: they are words
    return Line(raw.rstrip())


def _quoting_initials(raw_lines: list[str]) -> frozenset[str]:
    """Initials that some old programs put before each quoted line ("AK> text"), if used at least twice."""
    seen: dict[str, int] = {}
    for raw in raw_lines:
        if ">" in raw[1:4]:
            match = INITIALS_PREFIX.match(raw)
            if match:
                seen[match.group(1)] = seen.get(match.group(1), 0) + 1
    return frozenset(name for name, count in seen.items() if count > 1)


def _unify_bars(raw_lines: list[str]) -> list[str]:
    """Some programs quote with "| "; lines between two bars are a table."""
    barred = [raw[:2] in ("| ", "|") and not raw.rstrip().endswith(" |") for raw in raw_lines]
    if sum(barred) < 2 or any(raw[:1] == "|" and not bar for raw, bar in zip(raw_lines, barred, strict=True)):
        return raw_lines
    return [f">{raw[1:]}" if bar else raw for raw, bar in zip(raw_lines, barred, strict=True)]


def _verbatim_lines(raw_lines: list[str]) -> frozenset[int]:
    """Lines that begin with ">" without being quoted: inside a ``` fence, or "> 500 pieces" in a comparison."""
    found: set[int] = set()
    fence: int | None = None
    at = 0
    while at < len(raw_lines):
        raw = raw_lines[at]
        if raw.startswith("```"):
            if fence is not None:
                found.update(range(fence, at + 1))
            fence = at if fence is None else None
        elif raw[:1] == ">" and (at == 0 or raw_lines[at - 1][:1] != ">"):
            end = at
            while end < len(raw_lines) and raw_lines[end][:1] == ">":
                end += 1
            introduced = at > 0 and _introduces(raw_lines, at)
            if not introduced and all(COMPARISON.match(line) for line in raw_lines[at:end]):
                found.update(range(at, end))
            at = end
            continue
        at += 1
    return frozenset(found)


def _introduces(raw_lines: list[str], at: int) -> bool:
    """Whether the last words above line `at` end like an attribution."""
    above = next((raw.strip() for raw in reversed(raw_lines[max(0, at - 3) : at]) if raw.strip()), "")
    return above.endswith((":", "：", ">"))
