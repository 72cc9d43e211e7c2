"""Carries out what is decided about the weekly mail: compose, freeze, send, remember. Command and daemon call the same.

The rule that everything here serves: what may have gone out is never sent again by itself.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from digest.compose import compose_digest
from digest.desk import Edition
from digest.frame import Frame, load_frame
from digest.gather import gather_material
from digest.mail import Envelope, build_digest_mail, digest_message_id
from digest.records import Digest, News, OutgoingMail
from digest.redacting import load_redaction
from digest.smtp import Delivery, deliver, sender_address
from digest.store import (
    Entry,
    State,
    change_state,
    end_alarm,
    find_entry,
    freeze_digest,
    is_in_mailbox,
    load_entries,
    note_skipped,
    raise_alarm,
)
from digest.windows import WEEKDAYS, Schedule, is_due, parse_week, previous_slot, slot_of, week_of
from harvester.config import Config
from harvester.errors import (
    AnswersError,
    ConfigurationError,
    DeliveryRefused,
    DeliveryUnknown,
    ServiceDown,
    TryLater,
    UsageError,
)
from harvester.locks import hold_lock
from harvester.private_files import make_private_folder, write_private
from harvester.workspace import Workspace

MARKETING = "marketing"
DELIVERED = ("sent", "unknown")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking for a digest. state: sent | already | nothing | not-due | written. folder: the copies."""

    week: str
    state: str
    sentence: str
    subject: str = ""
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """A digest in every form."""

    digest: Digest
    mail: OutgoingMail


def send_digest(workspace: Workspace, database: Database, now: datetime, *, week: str | None = None) -> Outcome:
    """Send the digest of this week (or of `week`), unless that week has had one.

    Raises TryLater or ServiceDown when nothing went out and the same call may succeed later, DeliveryUnknown when it
    cannot be told, DeliveryRefused when it never will.
    """
    _require_recipients(workspace.config)
    with _sending_alone(workspace):
        schedule = schedule_of(workspace.config)
        settle(database, week_of(now, schedule.zone), receipt_of(workspace.config), now)
        news, wanted, in_hindsight = _news_for(database, schedule, week, now)
        entry = find_entry(database, MARKETING, wanted)
        if entry and entry.state in DELIVERED:
            return Outcome(
                wanted, "already", f"The digest of {wanted} has gone out; `--resend` sends the same mail again."
            )
        if entry and entry.state == "failed":
            raise DeliveryRefused(
                f"the digest of {wanted} could not be delivered ({entry.detail}); `answers digest --resend` tries again"
            )
        return _send(workspace, database, entry, wanted, news, now, in_hindsight=in_hindsight)


def is_digest_due(workspace: Workspace, database: Database, now: datetime) -> bool:
    """Whether `send_due_digest` would do anything; cheap enough to ask every minute."""
    schedule = schedule_of(workspace.config)
    entries = load_entries(database, MARKETING)
    if any(entry.state in ("frozen", "sending") for entry in entries):
        return True
    receipt = receipt_of(workspace.config)
    if any(entry.state == "unknown" and _is_proved(database, entry, receipt) for entry in entries):
        return True
    return _due_week(entries, schedule, now) is not None


def send_due_digest(workspace: Workspace, database: Database, now: datetime) -> Outcome:
    """Send a digest if one is due: the way of timers. Raises like `send_digest`."""
    _require_recipients(workspace.config)
    with _sending_alone(workspace):
        schedule = schedule_of(workspace.config)
        week = week_of(now, schedule.zone)
        settle(database, week, receipt_of(workspace.config), now)
        entries = load_entries(database, MARKETING)
        waiting = next((entry for entry in entries if entry.state == "frozen"), None)
        if waiting is None and _due_week(entries, schedule, now) is None:
            return Outcome(week, "not-due", f"No digest is due: {week} is taken care of, or its time has not come.")
        outcome = _send(workspace, database, waiting, week, News(_delivered_until(entries, week), now), now)
        if outcome.state == "nothing":
            domain = envelope_of(workspace.config).domain
            note_skipped(database, MARKETING, week, digest_message_id(MARKETING, week, domain), now)
        return outcome


def resend_digest(workspace: Workspace, database: Database, now: datetime, week: str | None) -> Outcome:
    """Send the frozen mail of a week once more, to everybody: a person's decision."""
    _require_recipients(workspace.config)
    with _sending_alone(workspace):
        receipt = receipt_of(workspace.config)
        settle(database, week_of(now, workspace.config.company.zone), receipt, now)
        entries = [entry for entry in load_entries(database, MARKETING) if entry.mail]
        if week:
            entries = [entry for entry in entries if entry.week == parse_week(week)]
        if not entries:
            raise UsageError(
                f"no digest was composed{' for ' + week if week else ''} yet; there is nothing to send again"
            )
        entry = entries[-1]
        # A copy that is in our mailbox already must not prove that this time it went out, too.
        has_copy = is_in_mailbox(database, entry.message_id)
        everybody = tuple(address for address in entry.recipients if not (has_copy and address == receipt))
        change_state(database, entry, "frozen", now, detail="sent again by a person", pending=everybody, later=())
        return _transmit(workspace, database, _reload(database, entry), now)


def write_digest(workspace: Workspace, database: Database, now: datetime, *, week: str | None = None) -> Outcome:
    """Compose and write outbox/<week>/digest.{eml,html,txt}; sends nothing and remembers nothing."""
    news, wanted, in_hindsight = _news_for(database, schedule_of(workspace.config), week, now)
    issue = compose_issue(workspace, database, news, wanted, in_hindsight=in_hindsight)
    if issue is None:
        return _nothing(wanted)
    folder = write_copies(workspace.outbox_folder, issue)
    return Outcome(wanted, "written", f"The digest of {wanted} is in {folder}.", issue.digest.subject, folder)


def settle(database: Database, this_week: str, receipt: str, now: datetime) -> None:
    """Clear up after a crash or a break, with the sending lock held: nobody else can be in the middle of sending.

    A digest whose copy reached our own mailbox (the address `receipt`) went out; whom the mail server put off then, it
    owes still. One that was being sent and has no copy there is unknown: it is not sent again, and the owner is told.
    One that could not be handed over in its week is dropped: the next digest covers its news, and no week sees two.
    Alarms come before the state that ends the matter: a crash in between must not silence them.
    """
    for entry in load_entries(database, MARKETING):
        key = f"digest:{entry.week}"
        if entry.state in ("sending", "unknown") and _is_proved(database, entry, receipt):
            is_owed = entry.later and entry.week >= this_week
            state: State = "frozen" if is_owed else "sent"
            pending = entry.later if is_owed else ()
            end_alarm(database, key, now)
            change_state(database, entry, state, now, detail="its copy is in our mailbox", pending=pending, later=())
        elif entry.state == "sending":
            raise_alarm(database, key, _unknown_sentence(entry), now)
            change_state(database, entry, "unknown", now, detail="the program ended while sending")
        elif entry.state == "frozen" and entry.week < this_week:
            state = "sent" if len(entry.pending) < len(entry.recipients) else "failed"
            change_state(database, entry, state, now, detail="its week is over; the next digest covers its news")


def _is_proved(database: Database, entry: Entry, receipt: str) -> bool:
    """Whether the attempt in hand went out: our own mailbox was among its recipients and has the mail."""
    return receipt in entry.pending and is_in_mailbox(database, entry.message_id)


def compose_issue(
    workspace: Workspace, database: Database, news: News, week: str, *, in_hindsight: bool = False
) -> Issue | None:
    """Everything from the database to the final bytes; None when there is nothing to say."""
    config = workspace.config
    frame = frame_of(config)
    material = gather_material(database, MARKETING, news, in_hindsight=in_hindsight)
    digest = compose_digest(material, news, edition_of(config), load_redaction(database, config), frame)
    if digest is None:
        return None
    digest = replace(digest, week=week)
    return Issue(digest, build_digest_mail(digest, frame, envelope_of(config), news.until))


def write_copies(outbox: Path, issue: Issue) -> Path:
    """outbox/<week>/digest.{eml,html,txt}; each file is whole at any moment."""
    folder = outbox / issue.digest.week
    make_private_folder(outbox)
    make_private_folder(folder)
    for name, content in (
        ("eml", issue.mail.raw),
        ("html", issue.mail.html.encode()),
        ("txt", issue.mail.text.encode()),
    ):
        write_private(folder / f"digest.{name}", content)
    return folder


def is_sending_configured(config: Config) -> bool:
    """Whether there is a server and somebody to write to."""
    return bool(config.smtp.host and config.digest.to)


def schedule_of(config: Config) -> Schedule:
    """When the digest goes out."""
    return Schedule(WEEKDAYS.index(config.digest.day) + 1, config.digest.time_of_day, config.company.zone)


def frame_of(config: Config) -> Frame:
    """The language around the buyers' words."""
    return load_frame(config.digest.language)


def edition_of(config: Config) -> Edition:
    """What is the same every week."""
    return Edition(
        company=config.company.name,
        zone=config.company.zone,
        ideal=config.company.ideal,
        top=config.digest.top,
        base_url=config.site.base_url,
        pause_address=config.digest.owner or sender_address(config),
        audience=MARKETING,
    )


def receipt_of(config: Config) -> str:
    """Our own mailbox, where a copy of each digest proves that it went out; empty where its address is unknown."""
    return config.imap.username if "@" in config.imap.username else ""


def envelope_of(config: Config) -> Envelope:
    """Who writes to whom; our own mailbox gets a copy as the receipt."""
    return Envelope(
        sender=sender_address(config),
        sender_name=f"{config.company.name} answers",
        to=config.digest.to,
        receipt=receipt_of(config),
        owner=config.digest.owner or "",
    )


def _require_recipients(config: Config) -> None:
    problems = []
    if not config.digest.to:
        problems.append("answers.toml: [digest] to: is required to send; `answers digest --dry-run` works without")
    if not config.smtp.host:
        problems.append("answers.toml: [smtp] host: is required to send; `answers digest --dry-run` works without")
    if problems:
        raise ConfigurationError(tuple(problems))


def _sending_alone(workspace: Workspace) -> AbstractContextManager[None]:
    return hold_lock(workspace.folder / "outbox.lock", "another process is sending the digest; try again in a minute")


def _news_for(database: Database, schedule: Schedule, week: str | None, now: datetime) -> tuple[News, str, bool]:
    """What the digest of that week covers, the week, and whether it is composed in hindsight."""
    this_week = week_of(now, schedule.zone)
    wanted = parse_week(week) if week else this_week
    entries = load_entries(database, MARKETING)
    if wanted == this_week:
        return News(_delivered_until(entries, wanted), now), wanted, False
    known = next((entry for entry in entries if entry.week == wanted and entry.state in DELIVERED), None)
    if known:
        return News(known.covers_from, known.covers_until), wanted, False
    slot = slot_of(wanted, schedule)
    if slot > now:
        raise UsageError(f"{wanted} has not come yet; this is {this_week}")
    return News(previous_slot(wanted, schedule), slot), wanted, True


def _due_week(entries: tuple[Entry, ...], schedule: Schedule, now: datetime) -> str | None:
    asked_at = max((entry.covers_until for entry in entries), default=None)
    due = is_due(now, schedule, asked_at, frozenset(entry.week for entry in entries))
    return due.week if due else None


def _delivered_until(entries: tuple[Entry, ...], week: str) -> datetime | None:
    return max((e.covers_until for e in entries if e.state in DELIVERED and e.week != week), default=None)


def _send(
    workspace: Workspace,
    database: Database,
    entry: Entry | None,
    week: str,
    news: News,
    now: datetime,
    *,
    in_hindsight: bool = False,
) -> Outcome:
    if entry is None or entry.state == "skipped":
        issue = compose_issue(workspace, database, news, week, in_hindsight=in_hindsight)
        if issue is None:
            return _nothing(week)
        entry = freeze_digest(database, issue.digest, issue.mail, now)
        write_copies(workspace.outbox_folder, issue)
    return _transmit(workspace, database, entry, now)


def _transmit(workspace: Workspace, database: Database, entry: Entry, now: datetime) -> Outcome:
    config = workspace.config
    mail = OutgoingMail(entry.message_id, sender_address(config), entry.recipients, entry.mail, "", "")
    key = f"digest:{entry.week}"

    def note_sending(delivery: Delivery) -> None:
        if delivery.refused:
            refused = "; ".join(f"{address}: {reply}" for address, reply in delivery.refused.items())
            raise_alarm(database, f"{key}:recipients", f"The digest of {entry.week} was refused for {refused}", now)
        later = tuple(delivery.deferred)
        if not change_state(database, entry, "sending", now, pending=delivery.accepted, later=later):
            raise TryLater("another process has taken over this digest; look at `answers status`")

    try:
        delivery = deliver(config, mail, entry.pending, note_sending)
    except DeliveryUnknown as error:
        raise_alarm(database, key, _unknown_sentence(entry), now)
        change_state(database, _reload(database, entry), "unknown", now, detail=str(error))
        raise DeliveryUnknown(_unknown_sentence(entry)) from error
    except DeliveryRefused as error:
        raise_alarm(database, key, f"The digest of {entry.week} was not delivered: {error}.", now)
        change_state(database, _reload(database, entry), "failed", now, detail=str(error))
        raise
    except (TryLater, ServiceDown) as error:
        waiting = _reload(database, entry)
        pending = waiting.pending + waiting.later
        change_state(database, waiting, "frozen", now, detail=str(error), pending=pending, later=())
        raise
    sending = _reload(database, entry)
    if delivery.deferred:
        later = tuple(delivery.deferred)
        change_state(database, sending, "frozen", now, detail="some recipients later", pending=later, later=())
        raise TryLater(
            f"the mail server took the digest for {len(delivery.accepted)} recipients and asks to come back for"
            f" {len(delivery.deferred)}; the same command goes on there"
        )
    end_alarm(database, key, now)
    change_state(database, sending, "sent", now, detail="", pending=(), later=())
    count = len(delivery.accepted)
    return Outcome(
        entry.week,
        "sent",
        f"The digest of {entry.week} went out to {count} {'address' if count == 1 else 'addresses'}.",
        folder=workspace.outbox_folder / entry.week,
    )


def _reload(database: Database, entry: Entry) -> Entry:
    found = find_entry(database, entry.audience, entry.week)
    if found is None:
        raise AnswersError(f"the digest of {entry.week} vanished from the outbox")
    return found


def _nothing(week: str) -> Outcome:
    return Outcome(
        week,
        "nothing",
        f"Nothing to say in {week}: nobody asked anything new. An earlier week: --week 2026-W01 --dry-run",
    )


def _unknown_sentence(entry: Entry) -> str:
    return (
        f"Whether the digest of {entry.week} went out cannot be told: the connection to the mail server broke at the"
        " last moment. It is not sent again by itself. Ask a recipient;"
        f" `answers digest --resend --week {entry.week}` sends the same mail again."
    )
