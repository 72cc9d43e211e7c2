"""Who gets what, and how often: marketing the weekly digest, the management a monthly note. Composes; sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from digest.archive import FOLDER
from digest.compose import compose_digest
from digest.desk import Edition
from digest.executive import AUDIENCE as EXECUTIVE
from digest.executive import compose_note
from digest.frame import Frame, load_frame
from digest.gather import gather_material
from digest.mail import Envelope, build_digest_mail, build_note_mail
from digest.records import Digest, ExecutiveNote, News, OutgoingMail
from digest.redacting import load_redaction
from digest.smtp import sender_address
from digest.store import Entry
from digest.windows import (
    WEEKDAYS,
    Schedule,
    is_due,
    month_before,
    month_slot,
    parse_month,
    parse_week,
    previous_slot,
    slot_of,
    week_of,
)
from harvester.config import Config
from harvester.errors import UsageError

MARKETING = "marketing"
DELIVERED = ("sent", "unknown")
FIRST_NOTE_DAYS = 7  # a note that was never asked for before is not sent long after its day


@dataclass(frozen=True, slots=True)
class Audience:
    """name: in the outbox. noun: what they get, also the name of its files. option: of the command, for a period."""

    name: str
    noun: str
    option: str

    @property
    def is_monthly(self) -> bool:
        """A month has a note, a week has a digest."""
        return self.name == EXECUTIVE


WEEKLY = Audience(MARKETING, "digest", "--week")
MONTHLY = Audience(EXECUTIVE, "note", "--month")


@dataclass(frozen=True, slots=True)
class Issue:
    """A digest or note in every form."""

    digest: Digest | ExecutiveNote
    mail: OutgoingMail


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be composed. in_hindsight: a past week whose digest never went out."""

    period: str
    news: News
    in_hindsight: bool = False


def audiences_of(config: Config) -> tuple[Audience, ...]:
    """Those that somebody belongs to."""
    found = ((WEEKLY, config.digest.to), (MONTHLY, config.digest.executives))
    return tuple(audience for audience, to in found if to)


def recipients_of(config: Config, audience: Audience) -> tuple[str, ...]:
    """Whom it goes to."""
    return config.digest.executives if audience.is_monthly else config.digest.to


def period_at(audience: Audience, now: datetime, schedule: Schedule) -> str:
    """The week that a digest counts for that goes out now, or the month that a note of now is about."""
    return month_before(now, schedule.zone) if audience.is_monthly else week_of(now, schedule.zone)


def parse_period(audience: Audience, text: str) -> str:
    """As a person types it; UsageError when there is no such week or month."""
    return parse_month(text) if audience.is_monthly else parse_week(text)


def due_period(audience: Audience, entries: Sequence[Entry], schedule: Schedule, now: datetime) -> str | None:
    """The week or month that is due now, None when it is taken care of or its time has not come.

    entries: everything composed for the audience.
    """
    asked_at = max((entry.covers_until for entry in entries), default=None)
    known = frozenset(entry.week for entry in entries)
    if not audience.is_monthly:
        due = is_due(now, schedule, asked_at, known)
        return due.week if due else None
    month = month_before(now, schedule.zone)
    slot = month_slot(month, schedule)
    if month in known or now < slot or (asked_at is None and now - slot >= timedelta(days=FIRST_NOTE_DAYS)):
        return None
    return month


def request_for(
    audience: Audience, entries: Sequence[Entry], schedule: Schedule, period: str | None, now: datetime
) -> Request:
    """What the digest of that period covers; of the current one unless another is named."""
    current = period_at(audience, now, schedule)
    wanted = parse_period(audience, period) if period else current
    if wanted == current:
        return Request(wanted, News(None if audience.is_monthly else delivered_until(entries, wanted), now))
    if wanted > current:
        raise UsageError(f"{wanted} {'is not over' if audience.is_monthly else 'has not come'} yet; this is {current}")
    if audience.is_monthly:
        return Request(wanted, News(None, now))
    known = next((entry for entry in entries if entry.week == wanted and entry.state in DELIVERED), None)
    if known:
        return Request(wanted, News(known.covers_from, known.covers_until))
    return Request(wanted, News(previous_slot(wanted, schedule), slot_of(wanted, schedule)), in_hindsight=True)


def delivered_until(entries: Sequence[Entry], period: str) -> datetime | None:
    """Until when everything but `period` has been told."""
    return max((e.covers_until for e in entries if e.state in DELIVERED and e.week != period), default=None)


def compose_issue(config: Config, database: Database, audience: Audience, request: Request) -> Issue | None:
    """Everything from the database to the final bytes; None when there is nothing to say."""
    frame, edition = frame_of(config), edition_of(config, audience)
    material = gather_material(database, MARKETING, request.news, in_hindsight=request.in_hindsight)
    redaction, envelope = load_redaction(database, config), envelope_of(config, audience)
    # The shareable build shows nobody's name, hence no digests.
    is_archived = config.site.base_url and config.site.build == "internal"
    web_url = f"{config.site.base_url.rstrip('/')}/{FOLDER}/{request.period}/" if is_archived else ""
    if audience.is_monthly:
        note = compose_note(material, request.period, request.news, edition, redaction, frame)
        if note is None:
            return None
        note = replace(note, web_url=web_url)
        return Issue(note, build_note_mail(note, frame, envelope, request.news.until))
    digest = compose_digest(material, request.news, edition, redaction, frame)
    if digest is None:
        return None
    digest = replace(digest, week=request.period, web_url=web_url)
    return Issue(digest, build_digest_mail(digest, frame, envelope, request.news.until))


def schedule_of(config: Config) -> Schedule:
    """When the digest goes out."""
    return Schedule(WEEKDAYS.index(config.digest.day) + 1, config.digest.time_of_day, config.company.zone)


def frame_of(config: Config) -> Frame:
    """The language around the buyers' words."""
    return load_frame(config.digest.language)


def edition_of(config: Config, audience: Audience) -> Edition:
    """What is the same every time."""
    return Edition(
        company=config.company.name,
        zone=config.company.zone,
        ideal=config.company.ideal,
        top=config.digest.top,
        base_url=config.site.base_url,
        pause_address=config.digest.owner or sender_address(config),
        audience=audience.name,
    )


def receipt_of(config: Config) -> str:
    """Our own mailbox, where a copy of each digest proves that it went out; empty where its address is unknown."""
    return config.imap.username if "@" in config.imap.username else ""


def envelope_of(config: Config, audience: Audience = WEEKLY) -> Envelope:
    """Who writes to whom; our own mailbox gets a copy as the receipt."""
    return Envelope(
        sender=sender_address(config),
        sender_name=f"{config.company.name} answers",
        to=recipients_of(config, audience),
        receipt=receipt_of(config),
        owner=config.digest.owner or "",
    )
