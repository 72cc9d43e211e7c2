"""Which conversation a mail belongs to, and whether its text was seen before. Pure; the store passes what is known."""

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from harvester.records import Mail, Part, Role
from harvester.resources import data_folder

MIN_HASHED_LETTERS = 40  # shorter texts ("Thanks, see below") are the same in many conversations
MAX_PREFIXES = 10
SAME_MAIL_SECONDS = 120

_NO_LETTERS = re.compile(r"[\W_]+")


def text_hash(text: str) -> str:
    """The same for the same words, whatever their line breaks, quote marks, case and width; "" when there are none."""
    letters = _NO_LETTERS.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return hashlib.sha256(letters.encode("utf-8", "replace")).hexdigest()[:32] if letters else ""


def linked_ids(mail: Mail) -> tuple[str, ...]:
    """The Message-IDs that this mail names as its ancestors, the closest first, a mail that it passes on included."""
    # Several attached mails are a collection; they need not belong together.
    inner = mail.attached[0] if len(mail.attached) == 1 else None
    attached = (inner.message_id, *linked_ids(inner)) if inner else ()
    return tuple(dict.fromkeys((*reversed(mail.in_reply_to), *reversed(mail.references), *filter(None, attached))))


def quote_hashes(parts: Iterable[Part]) -> tuple[str, ...]:
    """Hashes of what the mail quotes, as far as it is long enough to tell conversations apart; nearest first."""
    quoted = (part.text for part in parts if part.role in (Role.QUOTED, Role.HISTORY, Role.FORWARDED))
    return tuple(dict.fromkeys(text_hash(text) for text in quoted if _count_letters(text) >= MIN_HASHED_LETTERS))


def find_threads(
    mail: Mail, *, known_ids: Mapping[str, str], known_texts: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The keys of the stored conversations that this mail belongs to, the surest first; () when it begins one.

    known_ids: identifier (Message-ID, `subject_key`) -> key of a conversation in which a mail has it or names it.
    known_texts: hash of something that the mail quotes -> key.
    """
    found = [known_ids[identifier] for identifier in linked_ids(mail) if identifier in known_ids]
    if mail.message_id and mail.message_id in known_ids:
        found.append(known_ids[mail.message_id])
    found.extend((known_texts or {}).values())
    subject = subject_key(mail)
    if not found and not linked_ids(mail) and subject in known_ids and split_subject(mail.subject)[1]:
        # Clients that drop the reference headers still say "Re:" to the same people.
        found.append(known_ids[subject])
    return tuple(dict.fromkeys(found))


def start_thread(mail: Mail) -> str:
    """The key of a conversation of which nothing is stored yet.

    It is the oldest ancestor that the mail names, so that mails of one conversation find together even when none of
    their ancestors is stored.
    """
    ancestors = mail.references or mail.in_reply_to
    return next(iter((*ancestors, *((mail.message_id,) if mail.message_id else ()))), "") or "text:" + text_hash(
        f"{mail.subject} {mail.text or mail.html or ''}"
    )


def subject_key(mail: Mail) -> str:
    """The same for mails of one subject among the same people; "" without a subject."""
    subject = normalise_subject(mail.subject)
    people = sorted({a.address for a in (*mail.to, *mail.cc)} | ({mail.sender.address} if mail.sender else set()))
    return "subject:" + text_hash(f"{subject} {' '.join(people)}") if subject else ""


def normalise_subject(subject: str) -> str:
    """The subject without "Re:", "AW:", "Fwd:", "[EXTERN]" and the like, lower case, single spaces."""
    return split_subject(subject)[0]


def split_subject(subject: str) -> tuple[str, bool]:
    """(normalised subject, whether it carried a reply prefix)."""
    text = " ".join(subject.replace("：", ":").split()).casefold()
    replies, forwards = _prefixes()
    is_answer = False
    for _ in range(MAX_PREFIXES):
        tag = re.match(r"\[(?:ext|external|extern|externe|externo)\]\s?", text)
        if tag:
            text = text[tag.end() :]
            continue
        prefix, colon, rest = text.partition(":")
        word = re.sub(r"\s?[\[(]?\d{0,3}[\])]?$", "", prefix[:40]).strip()
        if not colon or word not in replies | forwards:
            break
        is_answer = is_answer or word in replies
        text = rest.strip()
    return text, is_answer


def is_same_mail(one: Mail, other: Mail) -> bool:
    """True for two captures of one mail: same Message-ID, or same sender, moment, subject and text."""
    if one.message_id and one.message_id == other.message_id:
        return True
    if not one.sender or not other.sender or one.sender.address != other.sender.address:
        return False
    if not one.sent_at or not other.sent_at or abs((one.sent_at - other.sent_at).total_seconds()) > SAME_MAIL_SECONDS:
        return False
    same_subject = normalise_subject(one.subject) == normalise_subject(other.subject)
    return same_subject and text_hash(one.text or one.html or "") == text_hash(other.text or other.html or "")


def _count_letters(text: str) -> int:
    return len(_NO_LETTERS.sub("", text))


@lru_cache(maxsize=1)
def _prefixes() -> tuple[frozenset[str], frozenset[str]]:
    replies, forwards = {"re"}, {"fwd", "fw"}
    for path in sorted((data_folder() / "languages").glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("subject", {})
        replies.update(prefix.casefold().rstrip(".: ") for prefix in table.get("reply", ()))
        forwards.update(prefix.casefold().rstrip(".: ") for prefix in table.get("forward", ()))
    return frozenset(replies), frozenset(forwards)
