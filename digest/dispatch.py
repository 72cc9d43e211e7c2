"""Carries out what is decided about the weekly mail: compose, freeze, send, remember. Command and daemon call the same.

The rule that everything here serves: what may have gone out is never sent again by itself.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from digest.audiences import (
    DELIVERED,
    MARKETING,
    WEEKLY,
    Audience,
    Issue,
    Request,
    audiences_of,
    compose_issue,
    delivered_until,
    due_period,
    envelope_of,
    parse_period,
    period_at,
    receipt_of,
    recipients_of,
    request_for,
    schedule_of,
)
from digest.mail import digest_message_id
from digest.records import News, OutgoingMail
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

__all__ = ["MARKETING", "WEEKLY", "Issue", "envelope_of", "schedule_of"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking for a digest. state: sent | already | nothing | not-due | written. folder: the copies."""

    week: str
    state: str
    sentence: str
    subject: str = ""
    folder: Path | None = None


def send_digest(
    workspace: Workspace,
    database: Database,
    now: datetime,
    *,
    week: str | None = None,
    audience: Audience = WEEKLY,
) -> Outcome:
    """Send the digest of this week (or of `week`), unless that week has had one. A note has a month for its week.

    Raises TryLater or ServiceDown when nothing went out and the same call may succeed later, DeliveryUnknown when it
    cannot be told, DeliveryRefused when it never will.
    """
    _require_recipients(workspace.config, audience)
    with _sending_alone(workspace):
        schedule = schedule_of(workspace.config)
        settle(database, audience, period_at(audience, now, schedule), receipt_of(workspace.config), now)
        request = request_for(audience, load_entries(database, audience.name), schedule, week, now)
        entry = find_entry(database, audience.name, request.period)
        if entry and entry.state in DELIVERED:
            sentence = f"The {audience.noun} of {entry.week} has gone out; `--resend` sends the same mail again."
            return Outcome(entry.week, "already", sentence)
        if entry and entry.state == "failed":
            raise DeliveryRefused(
                f"the {audience.noun} of {entry.week} could not be delivered ({entry.detail});"
                f" `answers digest --resend {audience.option} {entry.week}` tries again"
            )
        return _send(workspace, database, audience, entry, request, now)


def is_digest_due(workspace: Workspace, database: Database, now: datetime) -> bool:
    """Whether `send_due_digest` would do anything; cheap enough to ask every minute."""
    return any(_is_due(workspace, database, audience, now) for audience in audiences_of(workspace.config))


def send_due_digest(workspace: Workspace, database: Database, now: datetime) -> Outcome:
    """Send what is due, to everybody whom something is due for: the way of timers. Raises like `send_digest`."""
    audiences = audiences_of(workspace.config)
    _require_recipients(workspace.config, audiences[0] if audiences else WEEKLY)
    with _sending_alone(workspace):
        outcomes = [_send_due(workspace, database, audience, now) for audience in audiences]
    done = [outcome for outcome in outcomes if outcome.state != "not-due"] or outcomes[:1]
    first = done[0]
    return Outcome(first.week, first.state, " ".join(one.sentence for one in done), first.subject, first.folder)


def resend_digest(
    workspace: Workspace, database: Database, now: datetime, week: str | None, audience: Audience = WEEKLY
) -> Outcome:
    """Send the frozen mail of a week once more, to everybody: a person's decision."""
    _require_recipients(workspace.config, audience)
    with _sending_alone(workspace):
        receipt = receipt_of(workspace.config)
        settle(database, audience, period_at(audience, now, schedule_of(workspace.config)), receipt, now)
        entries = list(load_entries(database, audience.name))
        if week:
            entries = [entry for entry in entries if entry.week == parse_period(audience, week)]
            entries = [_with_mail(workspace, database, audience, entry, now) for entry in entries]
        entries = [entry for entry in entries if entry.mail]
        if not entries:
            raise UsageError(
                f"no {audience.noun} was composed{' for ' + week if week else ''} yet; there is nothing to send again"
            )
        entry = entries[-1]
        # A copy that is in our mailbox already must not prove that this time it went out, too.
        has_copy = is_in_mailbox(database, entry.message_id)
        everybody = tuple(address for address in entry.recipients if not (has_copy and address == receipt))
        change_state(database, entry, "frozen", now, detail="sent again by a person", pending=everybody, later=())
        return _transmit(workspace, database, audience, _reload(database, entry), now)


def _with_mail(workspace: Workspace, database: Database, audience: Audience, entry: Entry, now: datetime) -> Entry:
    """The entry; composed anew when its mail was erased, or is not known since a backup was restored."""
    if entry.mail or entry.state not in DELIVERED:
        return entry
    schedule, entries = schedule_of(workspace.config), load_entries(database, audience.name)
    issue = compose_issue(
        workspace.config, database, audience, request_for(audience, entries, schedule, entry.week, now)
    )
    if issue is None:
        return entry
    change_state(database, entry, "skipped", now)
    write_copies(workspace.outbox_folder, issue, audience)
    return freeze_digest(database, issue.digest, issue.mail, now)


def write_digest(
    workspace: Workspace,
    database: Database,
    now: datetime,
    *,
    week: str | None = None,
    audience: Audience = WEEKLY,
) -> Outcome:
    """Compose and write outbox/<week>/digest.{eml,html,txt} (or note.*); sends nothing and remembers nothing."""
    entries = load_entries(database, audience.name)
    request = request_for(audience, entries, schedule_of(workspace.config), week, now)
    issue = compose_issue(workspace.config, database, audience, request)
    if issue is None:
        return _nothing(audience, request.period)
    folder = write_copies(workspace.outbox_folder, issue, audience)
    sentence = f"The {audience.noun} of {request.period} is in {folder}."
    return Outcome(request.period, "written", sentence, issue.digest.subject, folder)


def settle(database: Database, audience: Audience, this_week: str, receipt: str, now: datetime) -> None:
    """Clear up after a crash or a break, with the sending lock held: nobody else can be in the middle of sending.

    A digest whose copy reached our own mailbox (the address `receipt`) went out; whom the mail server put off then, it
    owes still. One that was being sent and has no copy there is unknown: it is not sent again, and the owner is told.
    One that could not be handed over in its week is dropped: the next digest covers its news, and no week sees two.
    Alarms come before the state that ends the matter: a crash in between must not silence them.
    """
    for entry in load_entries(database, audience.name):
        key = f"digest:{entry.week}"
        if entry.state in ("sending", "unknown") and _is_proved(database, entry, receipt):
            is_owed = entry.later and entry.week >= this_week
            state: State = "frozen" if is_owed else "sent"
            pending = entry.later if is_owed else ()
            end_alarm(database, key, now)
            change_state(database, entry, state, now, detail="its copy is in our mailbox", pending=pending, later=())
        elif entry.state == "sending":
            raise_alarm(database, key, _unknown_sentence(audience, entry), now)
            change_state(database, entry, "unknown", now, detail="the program ended while sending")
        elif entry.state == "frozen" and entry.week < this_week:
            state = "sent" if len(entry.pending) < len(entry.recipients) else "failed"
            change_state(database, entry, state, now, detail="its week is over; the next digest covers its news")


def _is_proved(database: Database, entry: Entry, receipt: str) -> bool:
    """Whether the attempt in hand went out: our own mailbox was among its recipients and has the mail."""
    return receipt in entry.pending and is_in_mailbox(database, entry.message_id)


def write_copies(outbox: Path, issue: Issue, audience: Audience = WEEKLY) -> Path:
    """outbox/<week>/digest.{eml,html,txt}; each file is whole at any moment."""
    folder = outbox / issue.digest.week
    make_private_folder(outbox)
    make_private_folder(folder)
    for name, content in (
        ("eml", issue.mail.raw),
        ("html", issue.mail.html.encode()),
        ("txt", issue.mail.text.encode()),
    ):
        write_private(folder / f"{audience.noun}.{name}", content)
    return folder


def is_sending_configured(config: Config) -> bool:
    """Whether there is a server and somebody to write to."""
    return bool(config.smtp.host and audiences_of(config))


def _require_recipients(config: Config, audience: Audience) -> None:
    problems = []
    if not recipients_of(config, audience):
        key = "executives" if audience.is_monthly else "to"
        problems.append(f"answers.toml: [digest] {key}: is required to send; `answers digest --dry-run` works without")
    if not config.smtp.host:
        problems.append("answers.toml: [smtp] host: is required to send; `answers digest --dry-run` works without")
    if problems:
        raise ConfigurationError(tuple(problems))


def _sending_alone(workspace: Workspace) -> AbstractContextManager[None]:
    return hold_lock(workspace.folder / "outbox.lock", "another process is sending the digest; try again in a minute")


def _is_due(workspace: Workspace, database: Database, audience: Audience, now: datetime) -> bool:
    entries = load_entries(database, audience.name)
    if any(entry.state in ("frozen", "sending") for entry in entries):
        return True
    receipt = receipt_of(workspace.config)
    if any(entry.state == "unknown" and _is_proved(database, entry, receipt) for entry in entries):
        return True
    return due_period(audience, entries, schedule_of(workspace.config), now) is not None


def _send_due(workspace: Workspace, database: Database, audience: Audience, now: datetime) -> Outcome:
    """With the sending lock held."""
    schedule = schedule_of(workspace.config)
    period = period_at(audience, now, schedule)
    settle(database, audience, period, receipt_of(workspace.config), now)
    entries = load_entries(database, audience.name)
    waiting = next((entry for entry in entries if entry.state == "frozen"), None)
    if waiting is None and due_period(audience, entries, schedule, now) is None:
        sentence = f"No {audience.noun} is due: {period} is taken care of, or its time has not come."
        return Outcome(period, "not-due", sentence)
    since = None if audience.is_monthly else delivered_until(entries, period)
    outcome = _send(workspace, database, audience, waiting, Request(period, News(since, now)), now)
    if outcome.state == "nothing":
        domain = envelope_of(workspace.config, audience).domain
        note_skipped(database, audience.name, period, digest_message_id(audience.name, period, domain), now)
    return outcome


def _send(
    workspace: Workspace, database: Database, audience: Audience, entry: Entry | None, request: Request, now: datetime
) -> Outcome:
    if entry is None or entry.state == "skipped":
        issue = compose_issue(workspace.config, database, audience, request)
        if issue is None:
            return _nothing(audience, request.period)
        entry = freeze_digest(database, issue.digest, issue.mail, now)
        write_copies(workspace.outbox_folder, issue, audience)
    return _transmit(workspace, database, audience, entry, now)


def _transmit(workspace: Workspace, database: Database, audience: Audience, entry: Entry, now: datetime) -> Outcome:
    config, what = workspace.config, f"{audience.noun} of {entry.week}"
    mail = OutgoingMail(entry.message_id, sender_address(config), entry.recipients, entry.mail, "", "")
    key = f"digest:{entry.week}"

    def note_sending(delivery: Delivery) -> None:
        if delivery.refused:
            refused = "; ".join(f"{address}: {reply}" for address, reply in delivery.refused.items())
            raise_alarm(database, f"{key}:recipients", f"The {what} was refused for {refused}", now)
        later = tuple(delivery.deferred)
        if not change_state(database, entry, "sending", now, pending=delivery.accepted, later=later):
            raise TryLater("another process has taken over this digest; look at `answers status`")

    try:
        delivery = deliver(config, mail, entry.pending, note_sending)
    except DeliveryUnknown as error:
        raise_alarm(database, key, _unknown_sentence(audience, entry), now)
        change_state(database, _reload(database, entry), "unknown", now, detail=str(error))
        raise DeliveryUnknown(_unknown_sentence(audience, entry)) from error
    except DeliveryRefused as error:
        raise_alarm(database, key, f"The {what} was not delivered: {error}.", now)
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
            f"the mail server took the {audience.noun} for {len(delivery.accepted)} recipients and asks to come back"
            f" for {len(delivery.deferred)}; the same command goes on there"
        )
    end_alarm(database, key, now)
    change_state(database, sending, "sent", now, detail="", pending=(), later=())
    count = len(delivery.accepted)
    return Outcome(
        entry.week,
        "sent",
        f"The {what} went out to {count} {'address' if count == 1 else 'addresses'}.",
        folder=workspace.outbox_folder / entry.week,
    )


def _reload(database: Database, entry: Entry) -> Entry:
    found = find_entry(database, entry.audience, entry.week)
    if found is None:
        raise AnswersError(f"the digest of {entry.week} vanished from the outbox")
    return found


def _nothing(audience: Audience, period: str) -> Outcome:
    earlier = "--month 2026-01" if audience.is_monthly else "--week 2026-W01"
    asked = "nobody asked anything" if audience.is_monthly else "nobody asked anything new"
    return Outcome(period, "nothing", f"Nothing to say in {period}: {asked}. An earlier one: {earlier} --dry-run")


def _unknown_sentence(audience: Audience, entry: Entry) -> str:
    return (
        f"Whether the {audience.noun} of {entry.week} went out cannot be told: the connection to the mail server broke"
        " at the last moment. It is not sent again by itself. Ask a recipient;"
        f" `answers digest --resend {audience.option} {entry.week}` sends the same mail again."
    )
