"""Reads mails: parse, split, name the authors, judge. One function for one mail, one for many over limited workers.

Looks at one mail at a time; what other mails know is put together by the parent.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager

from harvester.gate import judge
from harvester.mime import parse_mail
from harvester.people import name_authors, team_of
from harvester.records import FailedReading, Reading, ReadingSettings
from harvester.splitting import own_links, split_mail
from harvester.workers import Worker, run_over_workers, stop

FEW_MAILS = 20

Reader = Callable[[Iterable[bytes]], Iterator[Reading | FailedReading]]


def read_mail(raw: bytes, settings: ReadingSettings, known_names: Mapping[str, str] | None = None) -> Reading:
    """Everything one mail says about itself. known_names: address -> name, remembered from earlier mails."""
    mail = parse_mail(raw)
    parts = name_authors(split_mail(mail), mail, settings.roster, known_names)
    return Reading(mail, parts, judge(mail, parts, settings), own_links(mail, parts), team_of(mail, settings.roster))


def read_many(raws: Iterable[bytes], settings: ReadingSettings, workers: int = 2) -> Iterator[Reading | FailedReading]:
    """One result per mail, in order. A mail that kills or stalls its worker twice becomes a `FailedReading`.

    workers: processes, each with limits on memory and on CPU time per mail. A short list is read by one worker, as
    starting a second takes longer than reading it.
    """
    with open_readers(settings, workers) as read:
        yield from read(raws)


@contextmanager
def open_readers(settings: ReadingSettings, workers: int = 2) -> Iterator[Reader]:
    """Workers that stay for several passes; yields a function that reads many mails as `read_many` does."""
    pool: list[Worker] = []

    def read(raws: Iterable[bytes]) -> Iterator[Reading | FailedReading]:
        few = isinstance(raws, Sized) and len(raws) < FEW_MAILS
        return run_over_workers(raws, settings, 1 if few else max(1, workers), pool=pool)

    try:
        yield read
    finally:
        for worker in pool:
            stop(worker)
