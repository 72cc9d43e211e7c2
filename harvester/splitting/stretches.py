"""A stretch of lines of one message, and what one line looks like: prose, greeting, contact, name, P.S."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harvester.splitting.phrases import fold
from harvester.splitting.tables import Tables

SAYS, SIGNATURE, MOBILE, BANNER, DISCLAIMER, UNDER_FOOTER = "", "signature", "mobile", "banner", "disclaimer", "under"
IMAGE = "image"
DELIMITER = re.compile(r"[ \t]*(?:-{2,3}|—{1,3}|–{2}|_{2,}|={4,}|\*{4,}|~{2,}|-{4,})[ \t]*$")
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
EDGE = " \t,.;:!*_-–—~|/\\\"'()[]>"
MAX_POSTSCRIPT = 12
MAX_FOLD = 600


@dataclass(frozen=True, slots=True)
class Stretch:
    """texts: stripped lines; folded: the same, folded and cut; names: how the author may sign, folded."""

    texts: Sequence[str]
    folded: Sequence[str]
    names: frozenset[str]
    tables: Tables


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


def is_prose(text: str) -> bool:
    """A sentence rather than a line of a signature."""
    words = len(text.split())
    if words < 7 and len(text) < 60:
        return text.endswith("?") and words > 2
    if WEB.search(text) or PHONE.search(text) or MAIL.search(text):
        return words > 25
    if text.count("|") > 1 or text.count("·") > 1 or text.count("•") > 1:
        return False
    return words >= 9 or (words >= 7 and text[-1] in ".!?")


def is_greeting(stretch: Stretch, at: int) -> bool:
    """ "Hello Li," in any of the languages: here a message begins."""
    bare = stretch.folded[at].strip(EDGE)
    return len(bare) <= 60 and (bare in stretch.tables.greetings or bare.split(" ")[0] in stretch.tables.greetings)


def is_name_line(text: str) -> bool:
    """Nothing but one to five words as names are written."""
    return len(text) <= 40 and NAME_LINE.fullmatch(text.strip(" *_,-–—")) is not None


def is_list_item(text: str) -> bool:
    """A bullet or a number in front."""
    return text[:2] in ("- ", "* ", "• ", "– ") or re.match(r"\d{1,2}[.)] ", text) is not None


def begins_with_name(stretch: Stretch, at: int) -> bool:
    """The author's name, or a line that begins with first and last name."""
    head = stretch.folded[at].strip(EDGE)
    return head in stretch.names or any(head.startswith(name) for name in stretch.names if " " in name)


def is_postscript(stretch: Stretch, at: int) -> bool:
    """A line that begins with "P.S." as any of the languages writes it."""
    folded = stretch.folded[at]
    if folded[:1] not in "pnsуз" and folded.isascii():
        return False
    head = folded[:18].partition(":")[0].partition(" ")[0].rstrip(" .:)-")
    return head in stretch.tables.postscripts


def is_under_postscript(stretch: Stretch, at: int) -> bool:
    """In the paragraph that a P.S. begins."""
    for above in range(at, max(-1, at - MAX_POSTSCRIPT), -1):
        if not stretch.texts[above]:
            return False
        if is_postscript(stretch, above):
            return True
    return False


def is_contact(stretch: Stretch, at: int) -> bool:
    """A line with a phone number, an address on the net, a job title or a company form."""
    return bool(contact_kind(stretch, at))


def contact_kind(stretch: Stretch, at: int) -> str:
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
