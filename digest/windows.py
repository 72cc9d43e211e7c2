"""The company's calendar: ISO weeks, the 28 days against the 28 before, and whether a digest is due.

Pure: `now` is an argument, and what has gone out is an argument. Knows nothing about mail.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.records import DayRange, Windows
from harvester.errors import UsageError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
RECENT_DAYS = 28
_MONTH = re.compile(r"(\d{4})-M?(\d{2})\Z", re.ASCII | re.IGNORECASE)
_WEEK = re.compile(r"(\d{4})-W(\d{2})\Z", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the digest goes out. weekday: 1 is Monday."""

    weekday: int
    time_of_day: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Due:
    """A digest should go out now. week: the ISO week it counts for. slot: the scheduled moment it serves."""

    week: str
    slot: datetime


def windows_until(last_day: date, zone: ZoneInfo, *, days: int = RECENT_DAYS) -> Windows:
    """The windows that end with `last_day`, that day included; days >= 1."""
    recent_first = last_day - timedelta(days=RECENT_DAYS - 1)
    return Windows(
        zone=zone,
        listed=DayRange(last_day - timedelta(days=days - 1), last_day),
        recent=DayRange(recent_first, last_day),
        before=DayRange(recent_first - timedelta(days=RECENT_DAYS), recent_first - timedelta(days=1)),
    )


def month_windows(month: str, zone: ZoneInfo) -> Windows:
    """A calendar month against the one before. month: "2026-M10"."""
    year, number = _split_month(month)
    first = date(year, number, 1)
    last = _next_month(first) - timedelta(days=1)
    before_last = first - timedelta(days=1)
    recent = DayRange(first, last)
    return Windows(zone=zone, listed=recent, recent=recent, before=DayRange(before_last.replace(day=1), before_last))


def month_before(moment: datetime, zone: ZoneInfo) -> str:
    """The calendar month that was over last, "2026-M10"."""
    last = moment.astimezone(zone).date().replace(day=1) - timedelta(days=1)
    return f"{last.year}-M{last.month:02d}"


def parse_month(text: str) -> str:
    """A month as a person types it, "2026-10" or "2026-M10", in our spelling."""
    match = _MONTH.match(text.strip())
    if match and 1 <= int(match[2]) <= 12:
        return f"{match[1]}-M{match[2]}"
    raise UsageError(f"{text!r} is not a month; write it like 2026-10")


def month_slot(month: str, schedule: Schedule) -> datetime:
    """When the note about a month goes out: with the first digest of the next one. In UTC."""
    year, number = _split_month(month)
    first = _next_month(date(year, number, 1))
    day = first + timedelta(days=(schedule.weekday - first.isoweekday()) % 7)
    return datetime.combine(day, schedule.time_of_day, tzinfo=schedule.zone).astimezone(UTC)


def week_of(moment: datetime, zone: ZoneInfo) -> str:
    """The ISO week in the company's calendar, "2026-W47"."""
    year, week, _ = moment.astimezone(zone).isocalendar()
    return f"{year}-W{week:02d}"


def parse_week(text: str) -> str:
    """A week as a person types it, in our spelling; UsageError when there is no such week."""
    match = _WEEK.match(text.strip())
    if match:
        year, week = int(match[1]), int(match[2])
        try:
            date.fromisocalendar(year, week, 1)
        except ValueError:
            pass
        else:
            return f"{year:04d}-W{week:02d}"
    raise UsageError(f"{text!r} is not a week; write it like 2026-W47")


def slot_of(week: str, schedule: Schedule) -> datetime:
    """The scheduled moment of a week, in UTC.

    A time that the clocks skip counts as the same time after the jump; one that they show twice, as the first.
    """
    year, number = week.split("-W")
    day = date.fromisocalendar(int(year), int(number), schedule.weekday)
    return datetime.combine(day, schedule.time_of_day, tzinfo=schedule.zone).astimezone(UTC)


def latest_slot(now: datetime, schedule: Schedule) -> datetime:
    """The last scheduled moment that is not in the future."""
    this_week = slot_of(week_of(now, schedule.zone), schedule)
    if this_week <= now:
        return this_week
    return previous_slot(week_of(now, schedule.zone), schedule)


def previous_slot(week: str, schedule: Schedule) -> datetime:
    """The scheduled moment of the week before."""
    year, number = week.split("-W")
    monday = date.fromisocalendar(int(year), int(number), 1) - timedelta(days=7)
    before = monday.isocalendar()
    return slot_of(f"{before.year}-W{before.week:02d}", schedule)


def next_slot(now: datetime, schedule: Schedule) -> datetime:
    """The first scheduled moment in the future."""
    this_week = slot_of(week_of(now, schedule.zone), schedule)
    if this_week > now:
        return this_week
    local = now.astimezone(schedule.zone) + timedelta(days=7)
    return slot_of(week_of(local, schedule.zone), schedule)


def is_due(now: datetime, schedule: Schedule, asked_at: datetime | None, weeks: frozenset[str]) -> Due | None:
    """Decide whether a digest should go out at `now`.

    asked_at: when the last digest was composed (or found empty), None before the first. weeks: ISO weeks with one.
    A digest counts for the week in which it goes out: a missed week is caught up once, and no week ever sees two.
    """
    week = week_of(now, schedule.zone)
    if week in weeks:
        return None
    slot = latest_slot(now, schedule)
    if asked_at is None:
        # Nothing was missed before the first digest: wait for the day of the current week.
        return Due(week, slot) if week_of(slot, schedule.zone) == week else None
    return Due(week, slot) if slot > asked_at else None


def _split_month(month: str) -> tuple[int, int]:
    year, number = month.split("-M")
    return int(year), int(number)


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
