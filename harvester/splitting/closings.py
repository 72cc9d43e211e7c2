"""Tells what a message says from what is only attached to it: banners, signatures, mobile footers, legal text.

Looks at one stretch of one message at a time. A P.S. below a signature is still what the message says.
"""

from collections.abc import Sequence

from harvester.splitting.footers import is_mobile_footer, label_banners, label_disclaimers, label_mobile
from harvester.splitting.phrases import fold
from harvester.splitting.signatures import label_delimiters, label_tail
from harvester.splitting.stretches import (
    BANNER,
    DISCLAIMER,
    IMAGE,
    MAX_FOLD,
    MOBILE,
    SAYS,
    SIGNATURE,
    Stretch,
    is_greeting,
    is_postscript,
)
from harvester.splitting.tables import Tables


def label_lines(
    texts: Sequence[str], hints: Sequence[str], names: frozenset[str], tables: Tables, *, first: bool, last: bool
) -> list[str]:
    """One label per line. first: this begins the message (banners). last: it ends it (signatures)."""
    stripped = [text.strip() for text in texts]
    folded = [fold(text[:MAX_FOLD]) for text in stripped]
    stretch = Stretch(stripped, folded, names, tables)
    labels = [SAYS] * len(texts)
    _label_hints(stretch, hints, labels)
    if first:
        label_banners(stretch, labels)
    if last:
        label_disclaimers(stretch, labels)
        label_mobile(stretch, labels)
        label_tail(stretch, labels, first)
        if SIGNATURE in labels:
            label_disclaimers(stretch, labels)
        label_delimiters(stretch, labels)
    return labels


def _label_hints(stretch: Stretch, hints: Sequence[str], labels: list[str]) -> None:
    for at, hint in enumerate(hints):
        if hint in (SIGNATURE, BANNER, MOBILE, IMAGE):
            footer = hint == SIGNATURE and is_mobile_footer(stretch.folded[at], stretch.tables)
            labels[at] = MOBILE if footer else hint
    marked = [at for at, label in enumerate(labels) if label == SIGNATURE and stretch.texts[at]]
    below = [at for at in range(marked[-1] + 1, len(labels)) if stretch.texts[at]] if marked else []
    if below and len(below) <= 12 and not any(is_postscript(stretch, at) or is_greeting(stretch, at) for at in below):
        for at in below:
            labels[at] = labels[at] or DISCLAIMER
