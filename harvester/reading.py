"""Reads mails: parse, split, name the authors, judge. One function for one mail, one for many over limited workers.

Looks at one mail at a time; what other mails know is put together by the parent.
"""

from collections.abc import Iterable, Iterator, Mapping

from harvester.gate import judge
from harvester.mime import parse_mail
from harvester.people import name_authors
from harvester.records import FailedReading, Link, Mail, Part, Reading, ReadingSettings, Role
from harvester.splitting import own_links, split_mail
from harvester.workers import run_over_workers

FEW_MAILS = 20


def read_mail(raw: bytes, settings: ReadingSettings, known_names: Mapping[str, str] | None = None) -> Reading:
    """Everything one mail says about itself. known_names: address -> name, remembered from earlier mails."""
    mail = parse_mail(raw)
    parts = (*split_mail(mail), *read_attached(mail))
    parts = name_authors(parts, mail, settings.roster, known_names)
    links: tuple[Link, ...] = own_links(mail, parts)
    return Reading(mail, parts, judge(mail, parts, settings), links)


def read_attached(mail: Mail) -> tuple[Part, ...]:
    """The mails that came as attachments, as if they had been forwarded in the text."""
    found: list[Part] = []
    for attached in mail.attached:
        sender = attached.sender
        for part in split_mail(attached):
            is_own = part.depth == 0 and part.role is not Role.FORWARDED
            found.append(
                Part(
                    role=_role_inside(part),
                    text=part.text,
                    author=sender.address if is_own and sender else part.author,
                    author_name=(sender.name or None) if is_own and sender else part.author_name,
                    sent_at=attached.sent_at if is_own else part.sent_at,
                    depth=part.depth + 1,
                    label=part.label,
                )
            )
        found.extend(read_attached(attached))
    return tuple(found)


def _role_inside(part: Part) -> Role:
    if part.role is Role.OWN:
        return Role.FORWARDED
    return Role.HISTORY if part.role is Role.QUOTED else part.role


def read_many(
    raws: Iterable[bytes], settings: ReadingSettings, workers: int = 2, *, expected: int | None = None
) -> Iterator[Reading | FailedReading]:
    """One result per mail, in order. A mail that kills or stalls its worker twice becomes a `FailedReading`.

    workers: processes, each with limits on memory and on CPU time per mail. expected: how many mails will come, when
    known; few mails are read by one worker, as starting a second takes longer than reading them.
    """
    if expected is not None and expected < FEW_MAILS:
        workers = 1
    return run_over_workers(raws, settings, max(1, workers))
