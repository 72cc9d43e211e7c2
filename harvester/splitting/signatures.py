"""Finds where the signature of a message begins: at a delimiter, a closing, the author's name, or a contact block."""

import re
from collections.abc import Sequence

from harvester.splitting.contacts import MAX_TAIL, find_contact_block
from harvester.splitting.stretches import (
    DELIMITER,
    DISCLAIMER,
    EDGE,
    NAME_LINE,
    SAYS,
    SIGNATURE,
    UNDER_FOOTER,
    Stretch,
    begins_with_name,
    is_contact,
    is_greeting,
    is_postscript,
    is_prose,
    is_under_postscript,
)

DASHED_NAME = re.compile(r"[ \t]*(?:[-~]{1,2}( ?)|[–—] ?)(" + NAME_LINE.pattern + r")$")
STRICT_DELIMITER = re.compile(r"-- ?$|—$")
# "Greetings from Ulm", "Viele Grüße aus dem Norden"
FROM_PLACE = re.compile(r" (?:aus|from|de|depuis|da|dal|dalla|desde|uit|vanuit|från|fra|z|ze|az?)(?: \w{2,20}){1,3}$")
LONG_RULE = 20


def label_delimiters(stretch: Stretch, labels: list[str]) -> None:
    """A delimiter belongs to what it delimits."""
    below = SAYS
    for at in range(len(labels) - 1, -1, -1):
        if not stretch.texts[at]:
            continue
        if not labels[at] and below and DELIMITER.match(stretch.texts[at]):
            labels[at] = SIGNATURE
            return
        if not labels[at]:
            return
        below = labels[at]


def label_tail(stretch: Stretch, labels: list[str], first: bool) -> None:
    """The signature, small print below it, and a message that an app quoted there without introducing it."""
    open_lines = [at for at, text in enumerate(stretch.texts) if text and not labels[at]]
    if not open_lines:
        return
    below = any(label in (SIGNATURE, DISCLAIMER) for label in labels[open_lines[-1] :])
    start = _tail_start(stretch, open_lines, first, below)
    if start is None:
        return
    at = start
    end = open_lines[-1]
    label = SIGNATURE
    while at <= end:
        if is_postscript(stretch, at):
            while at <= end and stretch.texts[at]:
                at += 1
            continue
        if stretch.texts[at] and not labels[at]:
            if label == SIGNATURE and at > start and is_prose(stretch.texts[at]):
                label = DISCLAIMER
            elif label == DISCLAIMER and is_greeting(stretch, at):
                label = UNDER_FOOTER
            labels[at] = label
        at += 1


def _tail_start(stretch: Stretch, open_lines: Sequence[int], first: bool, below: bool) -> int | None:
    """The first line from which on everything is signature."""
    earliest = open_lines[0]
    for index in range(max(0, len(open_lines) - MAX_TAIL - 1), len(open_lines)):
        at, rest = open_lines[index], open_lines[index + 1 :]
        if not _starts_tail(stretch, at, rest):
            continue
        if first and index == 0 and not _may_be_all_signature(stretch, at, rest):
            continue
        if index == 1 and first and is_greeting(stretch, earliest) and not rest:
            continue
        return at
    return find_contact_block(stretch, open_lines, first, below)


def _may_be_all_signature(stretch: Stretch, at: int, rest: Sequence[int]) -> bool:
    return DELIMITER.match(stretch.texts[at]) is not None and len(rest) > 1


def _starts_tail(stretch: Stretch, at: int, rest: Sequence[int]) -> bool:
    text, folded = stretch.texts[at], stretch.folded[at]
    if len(text) > 90:
        return False
    if DELIMITER.match(text):
        return bool(rest) and _delimits(stretch, text, rest)
    bare = folded.strip(EDGE)
    if not bare:
        return False
    if rest and DELIMITER.match(stretch.texts[rest[0]]) and _signs(stretch, at, bare):
        return _delimits(stretch, stretch.texts[rest[0]], rest[1:])
    if _is_sign_off(bare, stretch):
        if not rest:
            return "," in bare  # "LG, Eva"; a closing without a name is left to the text it closes
        return _is_compact(stretch, rest) and not _is_sign_off(stretch.folded[rest[0]].strip(EDGE), stretch)
    if bare in stretch.names and len(text) <= len(bare) + 6:
        return _is_compact(stretch, rest)
    if len(rest) <= 12 and _is_dashed_name(stretch, at):
        return _is_compact(stretch, rest)
    return False


def _signs(stretch: Stretch, at: int, bare: str) -> bool:
    return bare in stretch.names or _is_sign_off(bare, stretch) or _is_dashed_name(stretch, at)


def _is_dashed_name(stretch: Stretch, at: int) -> bool:
    """`-Bob` or `— Bob` below an empty line; `- Bob` is the item of a list unless that is the author's name."""
    text = stretch.texts[at]
    if text[0] in "-–—~" and len(text) < 50 and _holds_full_name(stretch, at):
        return True
    match = DASHED_NAME.match(text)
    if match is None or (at and stretch.texts[at - 1].startswith(stretch.texts[at][0])):
        return False
    if match[2].casefold().strip(EDGE) in stretch.names:
        return True
    return not match[1] and at > 0 and not stretch.texts[at - 1]


def _holds_full_name(stretch: Stretch, at: int) -> bool:
    """The author's first and last name, with at most two more words ("Adam L. 'Duncan' Beberg")."""
    words = set(re.findall(r"\w+", stretch.folded[at]))
    return any(
        " " in name and set(name.split()) <= words and len(words) <= len(name.split()) + 2 for name in stretch.names
    )


def _delimits(stretch: Stretch, text: str, rest: Sequence[int]) -> bool:
    """Whether what stands below a delimiter is a signature: short lines, or the strict delimiter and not too much."""
    prose = sum(is_prose(stretch.texts[at]) for at in rest if not is_under_postscript(stretch, at))
    if STRICT_DELIMITER.match(text):
        return prose <= 3
    if len(text) >= LONG_RULE and prose <= 2 and len(rest) <= 8 and any(is_contact(stretch, at) for at in rest):
        return True  # what mailing lists and free mailers put below every mail
    if text.startswith(("-", "_", "—", "–", "~")) and prose == 0:
        if len(text) > 3 or text.startswith("_"):
            return len(rest) <= 15 and (len(rest) <= 3 or any(is_contact(stretch, at) for at in rest))
        return True
    return False


def _is_compact(stretch: Stretch, rest: Sequence[int]) -> bool:
    """What follows a sign-off or a name is a signature: no sentences outside a P.S., unless below a formal block."""
    if not rest:
        return True
    if len(stretch.texts[rest[0]]) > 80:
        return False
    for index, at in enumerate(rest):
        if is_prose(stretch.texts[at]) and not is_under_postscript(stretch, at):
            return _is_formal(stretch, rest[:index])
    return True


def _is_formal(stretch: Stretch, block: Sequence[int]) -> bool:
    """A name and more: after that, sentences are small print."""
    if len(block) < 2:
        return False
    named = [at for at in block if begins_with_name(stretch, at)]
    contacts = sum(is_contact(stretch, at) for at in block)
    return (bool(named) and (len(named) > 1 or contacts > 0 or len(block) > 3)) or contacts > 1


def _is_sign_off(bare: str, stretch: Stretch) -> bool:
    tables = stretch.tables
    if not bare or len(bare) > 70:
        return False
    if bare in tables.sign_offs:
        return True
    if bare.split(maxsplit=1)[0].strip(EDGE) not in tables.sign_off_starts:
        return False
    pieces = [piece.strip(EDGE) for piece in re.split(r"[,/|;!.]| - | – |\band\b|\bund\b|\by\b|\bet\b|&", bare)]
    pieces = [piece for piece in pieces if piece]
    if not pieces or (pieces[0] not in tables.sign_offs and FROM_PLACE.sub("", pieces[0]) not in tables.sign_offs):
        return False
    return all(
        piece in tables.sign_offs or piece in stretch.names or (len(piece.split()) <= 2 and len(piece) <= 24)
        for piece in pieces[1:]
    )
