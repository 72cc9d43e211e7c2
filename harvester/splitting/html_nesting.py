"""Keeps HTML flat enough for a parser: cuts the tags that nest deeper, or stand closer, than those of any mail."""

import re

# Lexbor's tree builder is quadratic in the depth of open blocks: 200,000 nested <div> take minutes.
MAX_NESTING = 256
MAX_TAGS = 40_000
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,20})")
ANY_TAG = re.compile(r"<[^<>]{0,4000}>")
VOID = frozenset(("br", "hr", "img", "meta", "link", "input", "area", "base", "col", "wbr", "source", "param", "embed"))


def limit_nesting(html: str) -> str:
    """The same HTML without the tags that would nest deeper than any mail does."""
    if html.count("<") < MAX_NESTING:
        return html
    depth = count = 0
    kept: list[str] = []
    at = 0
    for match in TAG.finditer(html):
        name = match[2].lower()
        if name in VOID:
            continue
        count += 1
        if count > MAX_TAGS:
            return "".join([*kept, html[at : match.start()], ANY_TAG.sub(" ", html[match.start() :])])
        closes = bool(match[1])
        depth = depth if closes else depth + 1
        if depth > MAX_NESTING:
            kept += [html[at : match.start()], "" if closes else " "]
            at = _tag_end(html, match.end())
        depth = max(0, depth - 1) if closes else depth
    return "".join([*kept, html[at:]]) if kept else html


def _tag_end(html: str, at: int) -> int:
    end = html.find(">", at, at + 4_000)
    return end + 1 if end >= 0 else at
