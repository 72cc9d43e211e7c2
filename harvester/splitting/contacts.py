"""Finds a signature that nothing introduces: paragraphs at the end that are made of names and contact lines."""

import re
from collections.abc import Sequence

from harvester.splitting.stretches import (
    EDGE,
    Stretch,
    begins_with_name,
    contact_kind,
    is_contact,
    is_list_item,
    is_name_line,
    is_prose,
)

MAX_TAIL = 30


def find_contact_block(stretch: Stretch, open_lines: Sequence[int], first: bool, below: bool) -> int | None:
    """Paragraphs at the end made of contact lines, with the name above them."""
    paragraphs = _paragraphs(open_lines)
    start: int | None = None
    gap = 0 if below else 1
    for number in range(len(paragraphs) - 1, -1, -1):
        paragraph = paragraphs[number]
        if number == 0 and first:
            inside = _block_inside(stretch, paragraph) if start is None else None
            return inside if inside is not None else start
        kind = _paragraph_kind(stretch, paragraph)
        if kind == "contact":
            start, gap = paragraph[0], 0
        elif (kind == "name" and start is not None) or (
            start is None and number == len(paragraphs) - 1 and _is_name_block(stretch, paragraph)
        ):
            return paragraph[0]
        elif kind and gap < 2:
            gap += 1
        else:
            inside = _block_inside(stretch, paragraph) if start is None else None
            return inside if inside is not None else start
    return start


def _is_name_block(stretch: Stretch, paragraph: Sequence[int]) -> bool:
    """A full name and a line or two below it ("Ann Lee / via mobile"), closing a text that announces no list."""
    texts = [stretch.texts[at] for at in paragraph]
    above = next((stretch.texts[at] for at in range(paragraph[0] - 1, -1, -1) if stretch.texts[at]), "")
    return (
        1 < len(texts) <= 4
        and not above.endswith((":", ","))
        and len(texts[0].split()) in (2, 3)
        and is_name_line(texts[0])
        and all(len(text.split()) <= 6 and text[-1] not in ".?!:," for text in texts)
        and not any(is_name_line(text) and len(text.split()) == 2 for text in texts[1:])
    )


def _block_inside(stretch: Stretch, paragraph: Sequence[int]) -> int | None:
    """A signature that follows the last sentence without an empty line: a name line, then two contact lines."""
    for index in range(max(1, len(paragraph) - MAX_TAIL), len(paragraph) - 1):
        at = paragraph[index]
        below = paragraph[index + 1 :]
        named = stretch.folded[at].strip(EDGE) in stretch.names
        if (named or is_name_line(stretch.texts[at])) and all(
            len(stretch.texts[k]) <= 90 and not is_prose(stretch.texts[k]) for k in below
        ):
            contacts = sum(is_contact(stretch, k) for k in below)
            if contacts >= (1 if named else 2):
                return at
    return None


def _paragraphs(open_lines: Sequence[int]) -> list[list[int]]:
    paragraphs: list[list[int]] = []
    previous = -2
    for at in open_lines:
        if at == previous + 1:
            paragraphs[-1].append(at)
        else:
            paragraphs.append([at])
        previous = at
    return paragraphs


def _paragraph_kind(stretch: Stretch, paragraph: Sequence[int]) -> str:
    """contact: the core of a signature. name, short: may belong to one. "": is said by the author."""
    texts = [stretch.texts[at] for at in paragraph]
    if len(texts) > 14 or any(is_prose(text) or is_list_item(text) for text in texts):
        return ""
    kinds = [kind for at in paragraph if (kind := contact_kind(stretch, at))]
    named = begins_with_name(stretch, paragraph[0])
    like_name = is_name_line(re.split(r"[,|]", texts[0])[0].strip(" *"))
    if kinds and (named or (like_name and (len(kinds) > 1 or len(texts) > 2))):
        return "contact"
    # Addresses alone may be what the mail is about; a phone number or a label beside them tells the signature.
    if len(set(kinds)) > 1 and len(kinds) * 2 >= len(texts) and not {"phone", "label", "title"}.isdisjoint(kinds):
        return "contact"
    if kinds and kinds.count("label") * 2 >= len(texts) and len(kinds) > 1:
        return "contact"
    if len(texts) == 1 and (named or (like_name and len(texts[0].split()) > 1)):
        return "name"
    return "short" if len(texts) <= 2 and all(len(text) <= 50 for text in texts) else ""
