"""Gathers what the owner wants to know: is mail coming in, what was set aside and why, did the digest go out.

Reads only; a quiet week and a broken mailbox must look different.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlite_utils

from nlp.insight_store import OFFER


@dataclass(frozen=True, slots=True)
class LastRun:
    """How a verb ended the last time it ran. at: ISO 8601, UTC."""

    verb: str
    at: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class State:
    """The health of a workspace. by_status: mails per status; set_aside: (status, reason, mails), most first.

    offers: accepted mails from which nothing is taken, because somebody sells to the colleague.
    """

    mails: int
    unread: int
    by_status: dict[str, int]
    set_aside: tuple[tuple[str, str, int], ...]
    offers: int
    insights: int
    unplaced: int
    topics: int
    companies: int
    last_runs: tuple[LastRun, ...]
    last_mail_at: str | None
    last_digest: dict[str, str] | None
    embedder: str | None
    adapted: str | None
    fit: str | None
    warnings: tuple[str, ...]

    @property
    def unplaced_share(self) -> float:
        """Share of insights without a topic, 0 to 1."""
        return self.unplaced / self.insights if self.insights else 0.0

    def as_json(self) -> dict[str, Any]:
        """For `status --json`."""
        reasons = [{"status": status, "reason": reason, "mails": count} for status, reason, count in self.set_aside]
        return {**asdict(self), "set_aside": reasons, "unplaced_share": round(self.unplaced_share, 4)}


def read_state(database: sqlite_utils.Database, *, poll_every_minutes: float | None, now: datetime) -> State:
    """Count and judge. poll_every_minutes: None when no mailbox is configured."""
    by_status = dict(_rows(database, "select status, count(*) from readings where status is not null group by status"))
    last_runs = tuple(LastRun(*row) for row in _rows(database, _LAST_RUNS))
    unread = _one(
        database,
        "select count(*) from messages m left join readings r on r.message = m.id"
        " where m.raw is not null and r.status is null",
    )
    digest = database.conn.execute(
        "select week, audience, state, state_at from outbox order by state_at desc, id desc limit 1"
    ).fetchone()
    insights = _one(database, "select count(*) from insights")
    return State(
        mails=_one(database, "select count(*) from messages"),
        unread=unread,
        by_status=by_status,
        set_aside=tuple(_rows(database, _SET_ASIDE)),
        offers=_one(database, _OFFERS, OFFER),
        insights=insights,
        unplaced=insights - _one(database, "select count(*) from assignments"),
        topics=_one(database, _SHOWN_TOPICS),
        companies=_one(database, "select count(distinct company) from insights"),
        last_runs=last_runs,
        last_mail_at=_one_text(database, "select max(captured_at) from messages"),
        last_digest=dict(zip(("week", "audience", "state", "at"), digest, strict=True)) if digest else None,
        embedder=_one_text(database, "select max(cast(value as text)) from engine where key = 'model'"),
        adapted=_one_text(database, "select max(cast(value as text)) from engine where key = 'adapted'"),
        fit=_one_text(database, "select max(cast(value as text)) from engine where key = 'fit'"),
        warnings=find_warnings(last_runs, by_status, unread, digest, poll_every_minutes, now),
    )


def find_warnings(
    last_runs: tuple[LastRun, ...],
    by_status: dict[str, int],
    unread: int,
    digest: tuple[str, str, str, str] | None,
    poll_every_minutes: float | None,
    now: datetime,
) -> tuple[str, ...]:
    """What the owner should look at, one sentence each."""
    runs = {run.verb: run for run in last_runs}
    warnings = [
        f"the last {run.verb} failed ({run.detail}); run `answers doctor`"
        for run in last_runs
        if run.outcome == "failed"
    ]
    if poll_every_minutes is not None:
        poll = runs.get("poll")
        if poll is None:
            warnings.append("the mailbox was never polled; run `answers poll` or start `answers run`")
        elif now - datetime.fromisoformat(poll.at) > timedelta(minutes=max(60, 3 * poll_every_minutes)):
            warnings.append(f"the mailbox was last polled at {poll.at}; is `answers run` alive?")
    if unread:
        warnings.append(f"{unread} mails are not understood yet; run `answers analyze`")
    if by_status.get("quarantined"):
        warnings.append(f"{by_status['quarantined']} mails wait in quarantine; see `answers quarantine list`")
    if by_status.get("failed"):
        warnings.append(f"{by_status['failed']} mails could not be read; they are kept")
    if digest and digest[2] in ("unknown", "failed"):
        warnings.append(f"the digest of {digest[0]} may not have arrived ({digest[2]}); `answers digest --resend`")
    return tuple(warnings)


_LAST_RUNS = """
select verb, coalesce(ended_at, started_at), outcome, detail from runs
where id in (select max(id) from runs group by verb) order by verb"""

# Those that hold nothing any more are not shown.
_SHOWN_TOPICS = """
select count(*) from topics t where merged_into is null and not dismissed and (
exists (select 1 from assignments a where a.topic = t.id)
or exists (select 1 from topics m join assignments a on a.topic = m.id where m.merged_into = t.id))"""

_SET_ASIDE = """
select status, coalesce(reason, ''), count(*) from readings where status is not null and status <> 'accepted'
group by status, reason order by count(*) desc, status, reason"""


_OFFERS = "select count(*) from readings where status = 'accepted' and reason = ?"


def _rows(database: sqlite_utils.Database, sql: str) -> list[tuple[Any, ...]]:
    return list(database.conn.execute(sql).fetchall())


def _one(database: sqlite_utils.Database, sql: str, *values: str) -> int:
    return int(database.conn.execute(sql, values).fetchone()[0])


def _one_text(database: sqlite_utils.Database, sql: str) -> str | None:
    value = database.conn.execute(sql).fetchone()[0]
    return None if value is None else str(value)
