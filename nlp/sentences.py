"""Cuts the text of a part into sentences: lines, lists and paragraphs first, punctuation second.

Knows where a mail client broke a line and where the writer did. Linear in the length of the text.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from harvester.resources import data_folder

WRAP_COLUMNS = range(44, 101)  # mail clients wrap somewhere in here; longer lines are paragraphs
MIN_LONE_LINE = 66
MIN_JOINED = 40

_ITEM = re.compile(
    r"[ \t]{0,12}(?:[-*•‣–—·▪◦]|\(?(\d{1,2}|[a-hA-H])[.)](?!\d)|(?:Q|F|Nr\.?|No\.?)\s?(\d{1,2})[.:)])[ \t]+(?=\S)"
)
_RUNNING_ITEM = re.compile(r"(?:(?<=[.?!:]\s)|^)\s*\(?(\d|[a-h])\)\s+(?=\S)")  # in the middle of a paragraph
_END = re.compile(r"[.!?…。？！]+[\"'»”’)\]]*(?=\s|$)|[。？！]")
_LETTERS = re.compile(r"[^\W\d_]")
_LAST_WORD = re.compile(r"(\S{1,40})$")
_SPACES = re.compile(r"\s+")
_MONTH = re.compile(r"(?i)(?:jan|feb|mär|mar|apr|ma[iyj]|jun|jul|aug|sep|o[kc]t|nov|de[zc]|quartal)")
_TERMINAL = tuple(".?!:;…。？！")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as it reads, on one line.

    paragraph: counts from 0; sentences of one paragraph (or list item) share it.
    item: what stood before a list item ("-", "2"), "" in running text. start: offset of its first character.
    """

    text: str
    paragraph: int
    item: str
    start: int


@dataclass(frozen=True, slots=True)
class _Block:
    text: str
    item: str
    start: int


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """All sentences in reading order; nothing but white space and list markers is left out."""
    found = []
    blocks = (piece for block in _blocks(text) for piece in _split_running_list(block))
    for number, block in enumerate(blocks):
        for start, sentence in _sentences(block.text):
            found.append(Sentence(_SPACES.sub(" ", sentence), number, block.item, block.start + start))
    return tuple(found)


def _blocks(text: str) -> Iterator[_Block]:
    """Joins the lines that a mail client broke; keeps apart those that the writer broke."""
    width = _wrap_width(text)
    lines: list[str] = []
    item, start, offset, indent = "", 0, 0, 0
    last = ""
    for raw in text.splitlines(keepends=True):
        line = raw.strip()
        marker = _ITEM.match(raw)
        is_hanging = bool(item) and len(raw) - len(raw.lstrip()) > indent
        if lines and (
            not line or marker or not (is_hanging or _continues(last, line, width, is_joined=len(lines) > 1))
        ):
            yield _Block("\n".join(lines), item, start)
            lines, item = [], ""
        if line:
            if not lines:
                start = offset + len(raw) - len(raw.lstrip())
                if marker:
                    item = next((group for group in marker.groups() if group), "-")
                    line = raw[marker.end() :].strip()
                    start = offset + marker.end()
                    indent = len(raw) - len(raw.lstrip())
            lines.append(line)
            last = line
        offset += len(raw)
    if lines:
        yield _Block("\n".join(lines), item, start)


def _split_running_list(block: _Block) -> Iterator[_Block]:
    """ "We must know: (a) where it is kept. (b) for how long." Each item has to follow the one before it."""
    marks: list[re.Match[str]] = []
    last = block.item
    for mark in _RUNNING_ITEM.finditer(block.text):
        item = mark.group(1)
        is_next = len(last) == 1 and ord(item) == ord(last) + 1
        if is_next if last not in ("", "-") else item in "1a":
            marks.append(mark)
            last = item
    if len(marks) + bool(block.item) < 2:
        yield block
        return
    before = block.text[: marks[0].start()]
    if before.strip():
        yield _Block(before, block.item, block.start)
    ends = [mark.start() for mark in marks[1:]] + [len(block.text)]
    for mark, end in zip(marks, ends, strict=True):
        yield _Block(block.text[mark.end() : end], mark.group(1), block.start + mark.end())


def _wrap_width(text: str) -> int:
    """The column at which this text was wrapped, 0 when it was not."""
    lengths = [len(line.rstrip()) for line in text.splitlines()]
    widest = max(lengths, default=0)
    n_full = sum(length > widest - 12 for length in lengths)
    return widest if widest in WRAP_COLUMNS and (n_full > 1 or widest >= MIN_LONE_LINE) else 0


def _continues(last: str, line: str, width: int, *, is_joined: bool) -> bool:
    if not _LETTERS.search(line[:80]):
        return False
    first_word = line.split(None, 1)[0]
    is_full = bool(width) and len(last) + 1 + len(first_word) > width
    if last.endswith(_TERMINAL):
        return is_full and not last.endswith(":")
    # A line wrapped twice leaves stubs: full line, stub, full line, all in the middle of a sentence.
    return is_full or (line[0].islower() and (is_joined or len(last) >= MIN_JOINED))


def _sentences(block: str) -> Iterator[tuple[int, str]]:
    start = 0
    for match in _END.finditer(block):
        end = match.end()
        if end < len(block) and not _ends_sentence(block, match.start(), end, match.group()):
            continue
        sentence = block[start:end]
        if sentence.strip():
            yield start + len(sentence) - len(sentence.lstrip()), sentence.strip()
        start = end
    rest = block[start:]
    if rest.strip():
        yield start + len(rest) - len(rest.lstrip()), rest.strip()


def _ends_sentence(block: str, start: int, end: int, mark: str) -> bool:
    following = block[end : end + 40].lstrip().lstrip("\"'«»„“(¿¡[-–—*_")
    if "?" in mark or "？" in mark or "。" in mark:
        # "Word!, it takes": no end, the comma is caught by the look-ahead for white space.
        return True
    next_character = following[:1]
    if mark.startswith(("...", "…")) or "!" in mark:
        return not next_character.islower()
    word_match = _LAST_WORD.search(block[max(0, start - 40) : start])
    word = word_match.group(1).lower().lstrip("(\"'„“«[") if word_match else ""
    if word in _abbreviations() or (len(word) == 1 and word.isalpha()):
        # "No." and "Co." do end sentences too, when a capital follows a real sentence; abbreviations win.
        return word in {"no", "etc", "usw", "es", "co"} and next_character.isupper()
    # "am 28. gezahlt", "zum 1. Oktober"
    return not (word.isdigit() and (next_character.islower() or _MONTH.match(following)))


@cache
def _abbreviations() -> frozenset[str]:
    content = tomllib.loads((data_folder() / "insights" / "words.toml").read_text(encoding="utf-8"))
    return frozenset(content["abbreviations"])
