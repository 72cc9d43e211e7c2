"""Finds answers that were typed into a quoted message and are marked only by their colour or by initials."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harvester.splitting.closings import label_lines
from harvester.splitting.lines import Line
from harvester.splitting.machine import Segment
from harvester.splitting.phrases import fold
from harvester.splitting.stretches import SAYS, signing_names
from harvester.splitting.tables import Tables

HEX = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})$")
RGB = re.compile(r"rgba?\((\d{1,3})[\s,]{1,3}(\d{1,3})[\s,]{1,3}(\d{1,3})")
NAMED = frozenset((
    "red", "blue", "green", "purple", "navy", "maroon", "teal", "orange", "darkred", "darkblue", "darkgreen", "magenta",
    "fuchsia", "brown", "olive", "crimson", "royalblue", "mediumblue", "firebrick", "forestgreen", "indigo", "violet",
    "darkorange", "seagreen", "steelblue", "dodgerblue", "tomato", "orangered", "chocolate", "deeppink", "lime", "aqua",
))  # fmt: skip
# What browsers and Office give to links; a line in it is a link, not an answer.
LINK_COLORS = frozenset(("#0563c1", "#0000ee", "#1155cc", "#954f72", "#0078d4", "#467886", "#96607d"))
MIN_SATURATION = 60
# A line of plain text that its client had to break is longer than this.
LONG_LINE = 60
SENTENCE_ENDS = ".!?:;)\"'…。！？"


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring lines start..end-1 (empty ones left out at both ends) of one colour."""

    start: int
    end: int
    color: str


def separate_marked_answers(
    lines: Sequence[Line], segments: Sequence[Segment], tables: Tables, initials: str
) -> list[Segment]:
    """Segments in which the marked answers inside the answered message belong to the mail's own author.

    Only where it is unambiguous: one strong colour, in whole sentences, each below something of another colour, and
    either more than once or announced in the text above; or lines that begin with the sender's initials.
    """
    own = next((segment for segment in segments if segment.message.level == 0), None)
    if own is None or len(segments) < 2:
        return list(segments)
    colored = any(line.color for line in lines)
    announced = _is_announced(lines, segments, tables)
    found: list[Segment] = []
    for segment in segments:
        if announced and _is_arrowed(lines, segment):
            found.append(Segment(own.message, segment.start, segment.end))
            continue
        runs: list[_Run] = []
        if not segment.notice and segment.message.level == 1:
            runs = _answer_runs(lines, segment, tables, announced) if colored else []
            runs = runs or _initialled_runs(lines, segment, initials)
        at = segment.start
        for run in runs:
            found += [Segment(segment.message, at, run.start), Segment(own.message, run.start, run.end)]
            at = run.end
        if at < segment.end or not runs:
            found.append(Segment(segment.message, at, segment.end, segment.notice) if runs else segment)
    return found


def _is_arrowed(lines: Sequence[Line], segment: Segment) -> bool:
    """Announced answers behind ">>>" inside a message that is not itself quoted with marks (Outlook)."""
    message = segment.message
    if segment.notice or message.level < 2 or message.introduced or segment.start == 0:
        return False
    above = next((line for line in reversed(lines[max(0, segment.start - 5) : segment.start]) if line.text), None)
    return above is not None and above.depth == 0 and lines[segment.start].depth > 0


def _initialled_runs(lines: Sequence[Line], segment: Segment, initials: str) -> list[_Run]:
    """Lines such as `[TB] Yes.`, and as much of what follows as continues the sentence."""
    if not initials:
        return []
    marks = (f"[{initials}]", f"({initials})", f"{initials}:", f"<{initials}>", f"{initials}>", f"@{initials}:")
    runs: list[_Run] = []
    at = segment.start
    while at < segment.end:
        if not lines[at].text.lstrip().startswith(marks):
            at += 1
            continue
        end = at + 1
        while end < segment.end and _continues(lines[end - 1].text, lines[end].text, marks):
            end += 1
        runs.append(_Run(at, end, ""))
        at = end
    return runs


def _continues(above: str, text: str, marks: tuple[str, ...]) -> bool:
    """Whether a line goes on with the paragraph above, which broke off or is as long as lines get."""
    text = text.strip()
    if not text or text.startswith(marks):
        return False
    return above[-1:] not in SENTENCE_ENDS or len(above) >= LONG_LINE


def _is_announced(lines: Sequence[Line], segments: Sequence[Segment], tables: Tables) -> bool:
    """ "My answers in blue", "see below": in the sender's own words."""
    own = [line.text for s in segments if s.message.level == 0 and not s.notice for line in lines[s.start : s.end]]
    folded = fold(" ".join(own)[:6_000])
    return tables.inline_notes.matches(folded) or any(word in NAMED for word in re.findall(r"[a-z]+", folded))


def _answer_runs(lines: Sequence[Line], segment: Segment, tables: Tables, announced: bool) -> list[_Run]:
    author = segment.message.author
    chosen = lines[segment.start : segment.end]
    labels = label_lines(
        [line.text for line in chosen],
        [line.hint for line in chosen],
        signing_names(author.name, author.address),
        tables,
        first=True,
        last=True,
    )
    runs = _color_runs(chosen, labels, segment.start)
    colors = {run.color for run in runs if is_strong_color(run.color)}
    best = max(colors, key=lambda color: sum(run.end - run.start for run in runs if run.color == color), default="")
    answers = [run for at, run in enumerate(runs) if run.color == best and at > 0]
    if not best or len(answers) != sum(run.color == best for run in runs):
        return []
    sentences = [run for run in answers if _is_sentence(lines[run.end - 1].text)]
    if len(answers) + announced < 2 or len(sentences) * 3 < len(answers) * 2:
        return []
    return answers


def _color_runs(chosen: Sequence[Line], labels: Sequence[str], offset: int) -> list[_Run]:
    runs: list[_Run] = []
    for at, (line, label) in enumerate(zip(chosen, labels, strict=True), start=offset):
        if not line.text.strip():
            continue
        color = line.color if label == SAYS else ""
        if runs and runs[-1].color == color:
            runs[-1] = _Run(runs[-1].start, at + 1, color)
        else:
            runs.append(_Run(at, at + 1, color))
    return runs


def _is_sentence(text: str) -> bool:
    return len(text.split()) > 2 and (text[-1] in SENTENCE_ENDS or len(text.split()) > 8)


def is_strong_color(color: str) -> bool:
    """Neither black, white, grey nor the colour of links."""
    if not color or color in LINK_COLORS:
        return False
    if color in NAMED:
        return True
    match = HEX.match(color)
    if match:
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        channels = [int(digits[at : at + 2], 16) for at in (0, 2, 4)]
    else:
        numbers = RGB.match(color)
        if not numbers:
            return False
        channels = [int(numbers[at]) for at in (1, 2, 3)]
    return max(channels) - min(channels) >= MIN_SATURATION
