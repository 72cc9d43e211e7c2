"""Decides what the status page says, so that a quiet week and a broken mailbox look different. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from digest.page_records import Health
from digest.quotes import one_line
from digest.site_content import Showing, show_day
from digest.status import State

QUIET_DAYS = 7
SIGNS_OF_TROUBLE = ("the last ", "the mailbox was ", "the digest of ")
NEVER = "never"


def describe_health(
    state: State, versions: Mapping[str, str], showing: Showing, now: datetime, zone: ZoneInfo, *, has_mailbox: bool
) -> Health:
    """The state as one sentence, then the counts behind it. Reasons and warnings stay inside the company."""
    last = _moment(state.last_mail_at, zone)
    poll = next((run for run in state.last_runs if run.verb == "poll"), None)
    polled = _moment(poll.at if poll else None, zone)
    broken = [warning for warning in state.warnings if warning.startswith(SIGNS_OF_TROUBLE)]
    aside = sum(count for _, _, count in state.set_aside)
    inside = showing.with_people
    return Health(
        state="broken" if broken else "quiet" if _is_quiet(state, now) else "fine",
        sentence=_sentence(state, broken, last, polled, now, has_mailbox=has_mailbox, inside=inside),
        counts=(
            ("Last mail stored", last),
            ("Mailbox last looked at", polled if has_mailbox else "no mailbox is configured"),
            ("Mails", f"{state.mails} stored, {state.by_status.get('accepted', 0)} accepted, {aside} set aside"),
            ("Insights", f"{state.insights} of {_count(state.companies, 'company', 'companies')}"),
            ("Without a topic", f"{state.unplaced} ({state.unplaced_share:.0%})"),
            ("Topics", str(state.topics)),
            ("Last digest", _digest(state, zone)),
        ),
        runs=tuple(
            (run.verb, _moment(run.at, zone), run.outcome, one_line(run.detail) if inside else "")
            for run in state.last_runs
        ),
        reasons=_reasons(state, showing),
        versions=tuple(versions.items()),
        warnings=tuple(map(one_line, state.warnings)) if inside else (),
    )


def _sentence(
    state: State, broken: list[str], last: str, polled: str, now: datetime, *, has_mailbox: bool, inside: bool
) -> str:
    if broken:
        more = one_line(broken[0]) if inside else "the owner has been told"
        return f"Something is broken: {more}."
    if not state.mails:
        return "No mail has arrived yet. Colleagues put the answers address into BCC; nothing else is needed."
    if _is_quiet(state, now):
        looked = f", although the mailbox was looked at on {polled}" if has_mailbox else ""
        return (
            f"A quiet time: the last mail was stored on {last}{looked}. Nothing is broken; colleagues may need a nudge."
        )
    return f"All is well: the last mail was stored on {last}."


def _is_quiet(state: State, now: datetime) -> bool:
    if state.last_mail_at is None:
        return True
    return now - datetime.fromisoformat(state.last_mail_at) > timedelta(days=QUIET_DAYS)


def _reasons(state: State, showing: Showing) -> tuple[tuple[str, str, int], ...]:
    if showing.with_people:
        return tuple((status, showing.redaction.redact(one_line(why)), count) for status, why, count in state.set_aside)
    counts: dict[str, int] = {}
    for status, _, count in state.set_aside:
        counts[status] = counts.get(status, 0) + count
    return tuple((status, "", count) for status, count in counts.items())


def _digest(state: State, zone: ZoneInfo) -> str:
    if state.last_digest is None:
        return "none yet"
    return f"{state.last_digest['week']}, {state.last_digest['state']} on {_moment(state.last_digest['at'], zone)}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _moment(text: str | None, zone: ZoneInfo) -> str:
    if not text:
        return NEVER
    local = datetime.fromisoformat(text).astimezone(zone)
    return f"{show_day(local.date())}, {local:%H:%M}"
