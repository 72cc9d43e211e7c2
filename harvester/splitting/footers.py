"""What programs put around a message: warnings of gateways above it, lines of apps and legal text below it."""

import re

from harvester.splitting.phrases import fold
from harvester.splitting.stretches import (
    BANNER,
    DELIMITER,
    DISCLAIMER,
    EDGE,
    MOBILE,
    SIGNATURE,
    UNDER_FOOTER,
    Stretch,
    is_greeting,
    is_name_line,
    is_postscript,
    is_prose,
)
from harvester.splitting.tables import Tables

TAG = re.compile(r"[\[(*<\s]{0,6}([^\W\d_][\w -]{1,30}?)\s{0,2}[\])*>]{0,4}\s{0,2}(?:[:!–—-]|$)")
MAX_FOOTERS = 4


def label_banners(stretch: Stretch, labels: list[str]) -> None:
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
        size = 1 if _is_sensitivity(stretch, at, end) else _banner_size(stretch, at, min(end, at + 8))
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


def _banner_size(stretch: Stretch, start: int, end: int) -> int:
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


def _is_sensitivity(stretch: Stretch, start: int, end: int) -> bool:
    """How secret a mail is, put above it by a program: "Public", "Classification: Internal", alone in its paragraph."""
    if end > start + 1 or not any(stretch.texts[end:]):
        return False
    name, _, label = stretch.folded[start].strip(EDGE).rpartition(":")
    tables = stretch.tables
    return label.strip(EDGE) in tables.sensitivity and (not name or name.strip(EDGE) in tables.sensitivity_names)


def _has_tag(text: str, tables: Tables) -> bool:
    """`[EXTERNAL]`, `EXTERNAL EMAIL: ...`: in capitals or brackets, alone or before a colon."""
    match = TAG.match(text)
    if match is None or fold(match[1]) not in tables.banner_tags:
        return False
    return match[1].isupper() or text[0] in "[*(<" or not match[1].isascii()


def label_disclaimers(stretch: Stretch, labels: list[str]) -> None:
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


def _disclaimer_start(stretch: Stretch, start: int, end: int) -> int | None:
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


def is_mobile_footer(folded: str, tables: Tables) -> bool:
    """ "Sent from my iPhone" and its kin, alone on a line."""
    bare = folded.strip(" *_-–—>.[]()")
    return (5 if bare.isascii() else 3) < len(bare) <= 160 and tables.mobile.matches(
        bare.partition("<")[0].partition("http")[0].strip(" ([:")
    )


def label_mobile(stretch: Stretch, labels: list[str]) -> None:
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
        told = [k for k in below if is_prose(stretch.texts[k]) or is_greeting(stretch, k)]
        if told and not any(is_postscript(stretch, k) for k in below):
            if any(stretch.texts[:at]):
                for k in range(below[0], len(labels)):
                    labels[k] = labels[k] or UNDER_FOOTER
            return
        above = at - 1
        if above > 0 and not labels[above] and not stretch.texts[above - 1] and is_name_line(stretch.texts[above]):
            labels[above] = SIGNATURE
