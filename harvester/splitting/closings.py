"""Tells what a message says from what is only attached to it: banners, signatures, mobile footers, legal text.

Looks at one stretch of one message at a time. A P.S. below a signature is still what the message says.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harvester.splitting.phrases import fold
from harvester.splitting.tables import Tables

SAYS, SIGNATURE, MOBILE, BANNER, DISCLAIMER, UNDER_FOOTER = "", "signature", "mobile", "banner", "disclaimer", "under"
IMAGE = "image"
DELIMITER = re.compile(r"[ \t]*(?:-{2,3}|—{1,3}|–{2}|_{2,}|={4,}|\*{4,}|~{2,}|-{4,})[ \t]*$")
STRICT_DELIMITER = re.compile(r"-- ?$|—$")
PHONE = re.compile(
    r"(?:\+|\(0|\b0|\b1[-. ]|\(\+?)[\d(][\d ()./\-–]{5,22}\d|\b\d{3}[-. ]\d{3,4}[-. ]?\d{2,4}\b|\(\d{3}\) ?\d{3}"
)
WEB = re.compile(
    r"https?://|\bwww\.|\b[\w-]{2,40}\.(?:com|de|net|org|io|eu|co\.uk|fr|nl|it|es|pl|example|ch|at|se|dk|no|fi)\b"
)
MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.")
INLINE_IMAGE = re.compile(r"\[(?:image|cid|logo)[:\s][^\]]{0,200}\]|<[^<>]{0,60}\.(?:png|jpe?g|gif)>", re.IGNORECASE)
CAPITALISED = r"[^\W\d_a-zß-öø-ÿ][\w'’.-]*"
PARTICLES = "van|von|de|der|den|di|da|dos|del|la|le|el|bin|zu|y|e"
NAME_LINE = re.compile(rf"{CAPITALISED}(?: (?:{CAPITALISED}|{PARTICLES})){{0,4}}")
DASHED_NAME = re.compile(r"[ \t]*(?:[-~]{1,2}( ?)|[–—] ?)(" + NAME_LINE.pattern + r")$")
TAG = re.compile(r"[\[(*<\s]{0,6}([^\W\d_][\w -]{1,30}?)\s{0,2}[\])*>]{0,4}\s{0,2}(?:[:!–—-]|$)")
EDGE = " \t,.;:!*_-–—~|/\\\"'()[]>"
MAX_TAIL = 30
MAX_FOOTERS = 4
MAX_POSTSCRIPT = 12
LONG_RULE = 20
MAX_FOLD = 600


@dataclass(frozen=True, slots=True)
class _Stretch:
    """texts: stripped lines; folded: the same, folded and cut; names: how the author may sign, folded."""

    texts: Sequence[str]
    folded: Sequence[str]
    names: frozenset[str]
    tables: Tables


def label_lines(
    texts: Sequence[str], hints: Sequence[str], names: frozenset[str], tables: Tables, *, first: bool, last: bool
) -> list[str]:
    """One label per line. first: this begins the message (banners). last: it ends it (signatures)."""
    stripped = [text.strip() for text in texts]
    folded = [fold(text[:MAX_FOLD]) for text in stripped]
    stretch = _Stretch(stripped, folded, names, tables)
    labels = [SAYS] * len(texts)
    _label_hints(stretch, hints, labels)
    if first:
        _label_banners(stretch, labels)
    if last:
        _label_disclaimers(stretch, labels)
        _label_mobile(stretch, labels)
        _label_tail(stretch, labels, first)
        _label_delimiters(stretch, labels)
    return labels


def signing_names(name: str | None, address: str | None) -> frozenset[str]:
    """How somebody may sign: full name, both orders, first name, initials, the local part's words."""
    found: set[str] = set()
    if name:
        words = [word for word in re.split(r"[\s,]+", fold(name).strip(EDGE)) if word.strip(EDGE)]
        if 0 < len(words) <= 5:
            found |= {
                " ".join(words),
                words[0],
                words[-1] + " " + " ".join(words[:-1]),
                " ".join(words[1:] + words[:1]),
            }
            if len(words) > 1:
                found |= {words[-1], "".join(word[0] for word in words), words[0] + " " + words[-1]}
                found |= {words[0][0] + ". " + words[-1], words[0] + " " + words[-1][0] + "."}
    if address:
        local = [word for word in re.split(r"[._\d-]+", address.partition("@")[0].lower()) if len(word) > 1]
        if 0 < len(local) <= 3:
            found |= {" ".join(local), local[0]}
    return frozenset(word.strip(EDGE) for word in found if len(word.strip(EDGE)) > 1)


# ---------------------------------------------------------------- what the HTML says
def _label_hints(stretch: _Stretch, hints: Sequence[str], labels: list[str]) -> None:
    for at, hint in enumerate(hints):
        if hint in (SIGNATURE, BANNER, MOBILE, IMAGE):
            footer = hint == SIGNATURE and is_mobile_footer(stretch.folded[at], stretch.tables)
            labels[at] = MOBILE if footer else hint
    marked = [at for at, label in enumerate(labels) if label == SIGNATURE and stretch.texts[at]]
    below = [at for at in range(marked[-1] + 1, len(labels)) if stretch.texts[at]] if marked else []
    if below and len(below) <= 12 and not any(_is_postscript(stretch, at) or _is_greeting(stretch, at) for at in below):
        for at in below:
            labels[at] = labels[at] or DISCLAIMER


# ---------------------------------------------------------------- banners
def _label_banners(stretch: _Stretch, labels: list[str]) -> None:
    """Warnings that a mail gateway put above the text: one of the first paragraphs, beginning with a known phrase."""
    at = seen = 0
    count = len(stretch.texts)
    while at < count and seen < 3:
        if not stretch.texts[at]:
            at += 1
            continue
        end = at
        while end < count and stretch.texts[end]:
            end += 1
        size = _banner_size(stretch, at, min(end, at + 8))
        if not size:
            if seen or not _is_short_frame(stretch.texts[at]):
                break
            seen += 1
            at += 1
            continue
        for position in range(at, at + size):
            labels[position] = BANNER
        at += size
        seen += 1


def _is_short_frame(text: str) -> bool:
    return len(text) <= 3 or DELIMITER.match(text) is not None


def _banner_size(stretch: _Stretch, start: int, end: int) -> int:
    """How many of the lines belong to the banner that begins at start."""
    banners = stretch.tables.banners
    opening = " ".join(stretch.folded[start : start + 2])[:160]
    tagged = _has_tag(stretch.texts[start], stretch.tables)
    if not tagged and not any(begin <= 30 for begin, _ in banners.spans(opening)):
        return 0
    last = start
    for at in range(start, end):
        if at == start or banners.matches(stretch.folded[at]):
            last = at
    sentence_end = last
    while sentence_end < end - 1 and stretch.texts[sentence_end][-1] not in ".!]*":
        sentence_end += 1
    return (sentence_end if stretch.texts[sentence_end][-1] in ".!]*" else last) + 1 - start


def _has_tag(text: str, tables: Tables) -> bool:
    """`[EXTERNAL]`, `EXTERNAL EMAIL: ...`: in capitals or brackets, alone or before a colon."""
    match = TAG.match(text)
    if match is None or fold(match[1]) not in tables.banner_tags:
        return False
    return match[1].isupper() or text[0] in "[*(<" or not match[1].isascii()


# ---------------------------------------------------------------- legal text
def _label_disclaimers(stretch: _Stretch, labels: list[str]) -> None:
    """Paragraphs at the end that speak the language of lawyers and virus scanners."""
    end = len(stretch.texts)
    while end > 0:
        while end > 0 and (not stretch.texts[end - 1] or labels[end - 1]):
            end -= 1
        start = end
        while start > 0 and stretch.texts[start - 1] and not labels[start - 1]:
            start -= 1
        if start == end:
            return
        begin = _disclaimer_start(stretch, start, end)
        if begin is None:
            return
        for at in range(begin, end):
            labels[at] = DISCLAIMER
        if begin > start:
            return
        end = start


def _disclaimer_start(stretch: _Stretch, start: int, end: int) -> int | None:
    """Where legal text begins in a paragraph; None when it holds none."""
    phrases = stretch.tables.disclaimers
    joined = " ".join(stretch.folded[start:end])[:4_000]
    spans = phrases.spans(joined)
    words = len(joined.split())
    if not spans:
        heading = joined.strip(EDGE)
        return start if heading in ("disclaimer", "confidentiality notice", "legal notice") else None
    if len(spans) == 1 and words > 12 and spans[0][0] > 60 and not joined.startswith(("this ", "diese ")):
        return None
    if len(spans) == 1 and words <= 4:
        return None
    for at in range(start, end):
        if phrases.matches(stretch.folded[at]) or phrases.matches(" ".join(stretch.folded[at : at + 2])):
            return at if len(" ".join(stretch.folded[at:end]).split()) > 4 else None
    return start


# ---------------------------------------------------------------- mobile footers
def is_mobile_footer(folded: str, tables: Tables) -> bool:
    """ "Sent from my iPhone" and its kin, alone on a line."""
    bare = folded.strip(" *_-–—>.[]()")
    return (5 if bare.isascii() else 3) < len(bare) <= 160 and tables.mobile.matches(
        bare.partition("<")[0].partition("http")[0].strip(" ([:")
    )


def _label_mobile(stretch: _Stretch, labels: list[str]) -> None:
    """Footers of apps; what stands below one without being typed by the author was quoted without an introduction."""
    footers = 0
    for at, folded in enumerate(stretch.folded):
        if labels[at] or not folded or not is_mobile_footer(folded, stretch.tables):
            continue
        labels[at] = MOBILE
        footers += 1
        if footers > MAX_FOOTERS:
            continue
        below = [k for k in range(at + 1, len(labels)) if stretch.texts[k] and not labels[k]]
        told = [k for k in below if _is_prose(stretch.texts[k]) or _is_greeting(stretch, k)]
        if told and not any(_is_postscript(stretch, k) for k in below):
            if any(stretch.texts[:at]):
                for k in range(below[0], len(labels)):
                    labels[k] = labels[k] or UNDER_FOOTER
            return
        above = at - 1
        if above > 0 and not labels[above] and not stretch.texts[above - 1] and _is_name_line(stretch.texts[above]):
            labels[above] = SIGNATURE


# ---------------------------------------------------------------- signatures
def _label_delimiters(stretch: _Stretch, labels: list[str]) -> None:
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


def _label_tail(stretch: _Stretch, labels: list[str], first: bool) -> None:
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
        if _is_postscript(stretch, at):
            while at <= end and stretch.texts[at]:
                at += 1
            continue
        if stretch.texts[at] and not labels[at]:
            if label == SIGNATURE and at > start and _is_prose(stretch.texts[at]):
                label = DISCLAIMER
            elif label == DISCLAIMER and _is_greeting(stretch, at):
                label = UNDER_FOOTER
            labels[at] = label
        at += 1


def _tail_start(stretch: _Stretch, open_lines: Sequence[int], first: bool, below: bool) -> int | None:
    """The first line from which on everything is signature."""
    earliest = open_lines[0]
    for index in range(max(0, len(open_lines) - MAX_TAIL - 1), len(open_lines)):
        at, rest = open_lines[index], open_lines[index + 1 :]
        if not _starts_tail(stretch, at, rest):
            continue
        if first and index == 0 and not _may_be_all_signature(stretch, at, rest):
            continue
        if index == 1 and first and _is_greeting(stretch, earliest) and not rest:
            continue
        return at
    return _contact_block(stretch, open_lines, first, below)


def _may_be_all_signature(stretch: _Stretch, at: int, rest: Sequence[int]) -> bool:
    return DELIMITER.match(stretch.texts[at]) is not None and len(rest) > 1


def _starts_tail(stretch: _Stretch, at: int, rest: Sequence[int]) -> bool:
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


def _signs(stretch: _Stretch, at: int, bare: str) -> bool:
    return bare in stretch.names or _is_sign_off(bare, stretch) or _is_dashed_name(stretch, at)


def _is_dashed_name(stretch: _Stretch, at: int) -> bool:
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


def _holds_full_name(stretch: _Stretch, at: int) -> bool:
    """The author's first and last name, with at most two more words ("Adam L. 'Duncan' Beberg")."""
    words = set(re.findall(r"\w+", stretch.folded[at]))
    return any(
        " " in name and set(name.split()) <= words and len(words) <= len(name.split()) + 2 for name in stretch.names
    )


def _delimits(stretch: _Stretch, text: str, rest: Sequence[int]) -> bool:
    """Whether what stands below a delimiter is a signature: short lines, or the strict delimiter and not too much."""
    prose = sum(_is_prose(stretch.texts[at]) for at in rest if not _is_under_postscript(stretch, at))
    if STRICT_DELIMITER.match(text):
        return prose <= 3
    if len(text) >= LONG_RULE and prose <= 2 and len(rest) <= 8 and any(_is_contact(stretch, at) for at in rest):
        return True  # what mailing lists and free mailers put below every mail
    if text.startswith(("-", "_", "—", "–", "~")) and prose == 0:
        if len(text) > 3 or text.startswith("_"):
            return len(rest) <= 15 and (len(rest) <= 3 or any(_is_contact(stretch, at) for at in rest))
        return True
    return False


def _is_compact(stretch: _Stretch, rest: Sequence[int]) -> bool:
    """What follows a sign-off or a name is a signature: no sentences outside a P.S., unless below a formal block."""
    if not rest:
        return True
    if len(stretch.texts[rest[0]]) > 80:
        return False
    for index, at in enumerate(rest):
        if _is_prose(stretch.texts[at]) and not _is_under_postscript(stretch, at):
            return _is_formal(stretch, rest[:index])
    return True


def _is_formal(stretch: _Stretch, block: Sequence[int]) -> bool:
    """A name and more: after that, sentences are small print."""
    if len(block) < 2:
        return False
    named = [at for at in block if _begins_with_name(stretch, at)]
    contacts = sum(_is_contact(stretch, at) for at in block)
    return (bool(named) and (len(named) > 1 or contacts > 0 or len(block) > 3)) or contacts > 1


def _begins_with_name(stretch: _Stretch, at: int) -> bool:
    head = stretch.folded[at].strip(EDGE)
    return head in stretch.names or any(head.startswith(name) for name in stretch.names if " " in name)


def _is_under_postscript(stretch: _Stretch, at: int) -> bool:
    for above in range(at, max(-1, at - MAX_POSTSCRIPT), -1):
        if not stretch.texts[above]:
            return False
        if _is_postscript(stretch, above):
            return True
    return False


def _is_postscript(stretch: _Stretch, at: int) -> bool:
    folded = stretch.folded[at]
    if folded[:1] not in "pnsуз" and folded.isascii():
        return False
    head = folded[:18].partition(":")[0].partition(" ")[0].rstrip(" .:)-")
    return head in stretch.tables.postscripts


def _is_prose(text: str) -> bool:
    """A sentence rather than a line of a signature."""
    words = len(text.split())
    if words < 7 and len(text) < 60:
        return text.endswith("?") and words > 2
    if WEB.search(text) or PHONE.search(text) or MAIL.search(text):
        return words > 25
    if text.count("|") > 1 or text.count("·") > 1 or text.count("•") > 1:
        return False
    return words >= 9 or (words >= 7 and text[-1] in ".!?")


def _is_sign_off(bare: str, stretch: _Stretch) -> bool:
    tables = stretch.tables
    if not bare or len(bare) > 70:
        return False
    if bare in tables.sign_offs:
        return True
    if bare.split(maxsplit=1)[0].strip(EDGE) not in tables.sign_off_starts:
        return False
    pieces = [piece.strip(EDGE) for piece in re.split(r"[,/|;!.]| - | – |\band\b|\bund\b|\by\b|\bet\b|&", bare)]
    pieces = [piece for piece in pieces if piece]
    if not pieces or pieces[0] not in tables.sign_offs:
        return False
    return all(
        piece in tables.sign_offs or piece in stretch.names or (len(piece.split()) <= 2 and len(piece) <= 24)
        for piece in pieces[1:]
    )


def _is_greeting(stretch: _Stretch, at: int) -> bool:
    bare = stretch.folded[at].strip(EDGE)
    return len(bare) <= 60 and (bare in stretch.tables.greetings or bare.split(" ")[0] in stretch.tables.greetings)


def _is_name_line(text: str) -> bool:
    return len(text) <= 40 and NAME_LINE.fullmatch(text.strip(" *_,-–—")) is not None


def _is_contact(stretch: _Stretch, at: int) -> bool:
    """A line with a phone number, an address on the net, a job title or a company form."""
    return bool(_contact_kind(stretch, at))


def _contact_kind(stretch: _Stretch, at: int) -> str:
    """phone, net, label, title, company; "" for a line that could stand in any text."""
    text, folded = stretch.texts[at], stretch.folded[at]
    words = len(text.split())
    if len(text) > 160 or words > 14:
        return ""
    head = folded.partition(":")[0].strip(EDGE)
    if ":" in folded and head in stretch.tables.contact_labels:
        return "label"
    if PHONE.search(text):
        return "phone"
    if WEB.search(folded) or MAIL.search(text) or INLINE_IMAGE.search(text):
        return "net"
    if words > 10 or text[-1] in ".?!":
        return ""
    if stretch.tables.titles.matches(folded):
        return "title"
    company = any(word.strip(",;|()*") in stretch.tables.company_forms for word in folded.split()[-3:])
    return "company" if company else ""


def _contact_block(stretch: _Stretch, open_lines: Sequence[int], first: bool, below: bool) -> int | None:
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


def _is_name_block(stretch: _Stretch, paragraph: Sequence[int]) -> bool:
    """A full name and a line or two below it ("Ann Lee / via mobile"), closing a text that announces no list."""
    texts = [stretch.texts[at] for at in paragraph]
    above = next((stretch.texts[at] for at in range(paragraph[0] - 1, -1, -1) if stretch.texts[at]), "")
    return (
        1 < len(texts) <= 4
        and not above.endswith((":", ","))
        and len(texts[0].split()) in (2, 3)
        and _is_name_line(texts[0])
        and all(len(text.split()) <= 6 and text[-1] not in ".?!:," for text in texts)
        and not any(_is_name_line(text) and len(text.split()) == 2 for text in texts[1:])
    )


def _block_inside(stretch: _Stretch, paragraph: Sequence[int]) -> int | None:
    """A signature that follows the last sentence without an empty line: a name line, then two contact lines."""
    for index in range(max(1, len(paragraph) - MAX_TAIL), len(paragraph) - 1):
        at = paragraph[index]
        below = paragraph[index + 1 :]
        named = stretch.folded[at].strip(EDGE) in stretch.names
        if (named or _is_name_line(stretch.texts[at])) and all(
            len(stretch.texts[k]) <= 90 and not _is_prose(stretch.texts[k]) for k in below
        ):
            contacts = sum(_is_contact(stretch, k) for k in below)
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


def _paragraph_kind(stretch: _Stretch, paragraph: Sequence[int]) -> str:
    """contact: the core of a signature. name, short: may belong to one. "": is said by the author."""
    texts = [stretch.texts[at] for at in paragraph]
    if len(texts) > 14 or any(_is_prose(text) or _is_list_item(text) for text in texts):
        return ""
    kinds = [kind for at in paragraph if (kind := _contact_kind(stretch, at))]
    named = _begins_with_name(stretch, paragraph[0])
    like_name = _is_name_line(re.split(r"[,|]", texts[0])[0].strip(" *"))
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


def _is_list_item(text: str) -> bool:
    return text[:2] in ("- ", "* ", "• ", "– ") or re.match(r"\d{1,2}[.)] ", text) is not None
