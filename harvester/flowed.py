"""Undoes format=flowed (RFC 3676): soft line breaks joined, quote marks kept, stuffing removed."""

SIGNATURE = "-- "


def join_flowed(text: str, *, delete_space: bool) -> str:
    """The paragraphs of a flowed body, one a line, each with its quote marks.

    delete_space: the DelSp parameter; the space that marks a soft break is no part of the text.
    """
    paragraphs: list[str] = []
    pieces: list[str] = []
    open_depth = -1  # of the paragraph that the next line may continue, -1 for none
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        is_signature = content == SIGNATURE
        # Many programs leave a space before a blank line; the blank line still ends the paragraph.
        if depth != open_depth or is_signature or not content:
            _close(paragraphs, pieces, open_depth)
        is_soft = content.endswith(" ") and not is_signature
        pieces.append(content[:-1] if is_soft and delete_space else content)
        open_depth = depth
        if not is_soft:
            _close(paragraphs, pieces, depth)
            open_depth = -1
    _close(paragraphs, pieces, open_depth)
    return "\n".join(paragraphs)


def _close(paragraphs: list[str], pieces: list[str], depth: int) -> None:
    if pieces:
        text = "".join(pieces)
        text = text if text == SIGNATURE else text.rstrip(" ")
        paragraphs.append(f"{'>' * depth} {text}".rstrip() if depth > 0 and text != SIGNATURE else "> " * depth + text)
        pieces.clear()
