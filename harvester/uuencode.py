"""Cuts uuencoded files out of a plain text body, as old Outlook and Unix mailers put them there."""

import re

from harvester.records import Attachment

_BEGIN = re.compile(r"(?m)^begin [0-7]{3,4} (\S[^\n]{0,200})\n")


def cut_uuencoded(text: str) -> tuple[str, tuple[Attachment, ...]]:
    """The text without its uuencoded files, and those files as attachments."""
    if "\nbegin " not in text and not text.startswith("begin "):
        return text, ()
    kept: list[str] = []
    files: list[Attachment] = []
    position = 0
    for match in _BEGIN.finditer(text):
        if match.start() < position:
            continue
        size, end = _measure(text, match.end())
        if size:
            kept.append(text[position : match.start()])
            name = match[1].replace("\\", "/").rsplit("/", 1)[-1].strip()
            files.append(Attachment(name, "application/octet-stream", size))
            position = end
    kept.append(text[position:])
    return "".join(kept), tuple(files)


def _measure(text: str, start: int) -> tuple[int, int]:
    """(decoded size, end) of the data that begins at `start`; size 0 when it is ordinary text after all."""
    size = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end].rstrip("\r")
        start = end + 1
        if line == "end":
            return size, start
        if line in ("", "`", " "):
            continue
        length = (ord(line[0]) - 32) & 63
        if len(line) > 62 or not " " <= line[0] <= "`" or len(line) - 1 < (length * 4 + 2) // 3:
            return 0, start
        size += length
    return 0, start
