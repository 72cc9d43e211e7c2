"""Reads mails from files: .eml, folders of them, mbox and Maildir. Knows nothing of what the mails say."""

import hashlib
import mailbox
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from harvester.errors import UsageError
from harvester.records import RawMail


def read_mails(paths: tuple[Path, ...]) -> Iterator[RawMail]:
    """Every mail below the paths, in a stable order; a path that holds none is a UsageError before anything is read."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: not found; name a mail, a folder of mails, an mbox file or a Maildir")
    for path in paths:
        yield from _read(path)


def count_mails(paths: tuple[Path, ...]) -> int | None:
    """How many mails `read_mails` will give, when the file system alone tells; None with an mbox among them."""
    count = 0
    for path in paths:
        if path.is_dir():
            count += len(_mail_files(path))
        elif _is_mbox(path):
            return None
        else:
            count += 1
    return count


def hash_mail(raw: bytes) -> str:
    """The identity of a mail."""
    return hashlib.sha256(raw).hexdigest()


def _read(path: Path) -> Iterator[RawMail]:
    if path.is_dir():
        for file in _mail_files(path):
            yield from _read(file)
    elif _is_mbox(path):
        yield from _read_mbox(path)
    else:
        raw = path.read_bytes()
        changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        yield RawMail(raw, hash_mail(raw), path, changed_at)


def _mail_files(folder: Path) -> list[Path]:
    if _is_maildir(folder):
        # Flags and delivery state are in the name; both folders hold whole mails (https://cr.yp.to/proto/maildir.html).
        return sorted(p for part in ("cur", "new") for p in (folder / part).iterdir() if p.is_file())
    return sorted(p for p in folder.rglob("*") if p.is_file() and _looks_like_mail(p))


def _is_maildir(folder: Path) -> bool:
    return (folder / "cur").is_dir() and (folder / "new").is_dir()


def _looks_like_mail(path: Path) -> bool:
    in_maildir = path.parent.name in ("cur", "new")
    hidden = path.name.startswith(".")
    return not hidden and (in_maildir or path.suffix.lower() == ".eml" or path.suffix.lower() == ".mbox")


def _is_mbox(path: Path) -> bool:
    # Some programs leave the envelope line in a single saved mail; an .eml file is one mail all the same.
    if path.suffix.lower() == ".eml":
        return False
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _read_mbox(path: Path) -> Iterator[RawMail]:
    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.keys(), start=1):
            raw = _unescape_from(box.get_bytes(key))
            yield RawMail(raw, hash_mail(raw), Path(f"{path}#{number}"), None)
    finally:
        box.close()


def _unescape_from(raw: bytes) -> bytes:
    # mboxrd: ">From " in a body was "From "; one ">" less (https://www.loc.gov/preservation/digital/formats/fdd/fdd000385.shtml).
    head, separator, body = raw.partition(b"\n\n")
    if b"\n>From " not in separator + body:
        return raw
    lines = body.split(b"\n")
    return (
        head
        + separator
        + b"\n".join(
            line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line for line in lines
        )
    )
