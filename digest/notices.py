"""Tells the owner what is wrong: once, and once more when it is over. Nobody else ever hears of a fault."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlite_utils import Database

from digest.mail import Envelope, build_notice
from digest.smtp import deliver, sender_address
from digest.store import Alarm, last_unsure, load_alarms, note_told, note_unsure, require_room
from harvester.config import Config
from harvester.errors import AnswersError, DeliveryRefused, DeliveryUnknown

log = structlog.get_logger()
# A server that is away for a moment is nobody's business; a digest that may be lost is told at once.
PATIENCE = timedelta(minutes=5)
# A note of which nobody can tell whether it went out is sent again, but never in a hurry.
AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """One mail to the owner about one alarm."""

    alarm: Alarm
    subject: str
    paragraphs: tuple[str, ...]


def due_notices(alarms: tuple[Alarm, ...], now: datetime) -> tuple[Notice, ...]:
    """Decide what the owner should hear now."""
    notices = []
    for alarm in alarms:
        if alarm.over_at and alarm.told_at:
            notices.append(_over(alarm))
        elif not alarm.told_at and (not alarm.key.startswith("job:") or now - alarm.raised_at >= PATIENCE):
            notices.append(_trouble(alarm))
    return tuple(notices)


def tell_owner(config: Config, database: Database, now: datetime) -> int:
    """Send what is due; returns how many mails went out. A mail server that is down is asked again next time."""
    owner = config.digest.owner
    if not owner or not config.smtp.host:
        return 0
    told = 0
    envelope = Envelope(sender_address(config), f"{config.company.name} answers", (owner,))
    for notice in due_notices(load_alarms(database), now):
        unsure_at = last_unsure(database, notice.alarm)
        if unsure_at and now - unsure_at < AGAIN_AFTER:
            continue
        mail = build_notice(notice.subject, notice.paragraphs, envelope, notice.alarm.key, now)
        require_room(database, notice.alarm)
        try:
            deliver(config, mail, mail.recipients, lambda delivery: None)
            told += 1
        except DeliveryUnknown as error:
            # What broke the digest has broken the note about it, too: silence is worse than a second note.
            log.warning("notice to the owner", outcome=type(error).__name__)
            note_unsure(database, notice.alarm, now)
            return told
        except DeliveryRefused as error:
            log.warning("notice to the owner", outcome=type(error).__name__)
        except AnswersError as error:
            log.warning("notice to the owner waits", outcome=type(error).__name__)
            return told
        note_told(database, notice.alarm, now)
    return told


def _trouble(alarm: Alarm) -> Notice:
    return Notice(
        alarm,
        f"Answers needs you: {_what(alarm)}",
        (
            alarm.sentence,
            f"Since {alarm.raised_at:%Y-%m-%d %H:%M} UTC. The program keeps trying where that is safe, and no mail is"
            " lost meanwhile. This is the only note about it until it is over.",
            "`answers status` shows where things stand; `answers doctor` checks every connection.",
        ),
    )


def _over(alarm: Alarm) -> Notice:
    return Notice(
        alarm,
        f"Answers is well again: {_what(alarm)}",
        (
            f"What was wrong since {alarm.raised_at:%Y-%m-%d %H:%M} UTC is over since {alarm.over_at:%Y-%m-%d %H:%M}"
            f" UTC. It was: {alarm.sentence}",
        ),
    )


def _what(alarm: Alarm) -> str:
    kind, _, name = alarm.key.partition(":")
    return f"{name} fails" if kind == "job" else f"{kind} {name}"
