"""The company's calendar: windows, ISO weeks, and when a digest is due."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.windows import (
    Schedule,
    is_due,
    latest_slot,
    next_slot,
    parse_week,
    previous_slot,
    slot_of,
    week_of,
    windows_until,
)
from harvester.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_8 = Schedule(1, time(8), BERLIN)
NEVER: frozenset[str] = frozenset()


def berlin(year, month, day, hour=0, minute=0):
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN)


def test_windows_are_28_whole_days_against_the_28_before():
    windows = windows_until(date(2026, 11, 8), BERLIN, days=84)
    assert (windows.recent.first, windows.recent.last) == (date(2026, 10, 12), date(2026, 11, 8))
    assert (windows.before.first, windows.before.last) == (date(2026, 9, 14), date(2026, 10, 11))
    assert (windows.listed.last - windows.listed.first).days == 83


def test_a_day_is_what_the_clocks_of_the_company_showed():
    windows = windows_until(date(2026, 11, 8), BERLIN)
    late_on_sunday = datetime(2026, 11, 8, 22, 59, tzinfo=UTC)
    assert windows.day_of(late_on_sunday) in windows.recent
    assert windows.day_of(late_on_sunday + timedelta(minutes=1)) not in windows.recent
    first_minute = datetime(2026, 10, 11, 22, 0, tzinfo=UTC)  # summer time: two hours ahead
    assert windows.day_of(first_minute) in windows.recent
    assert windows.day_of(first_minute - timedelta(minutes=1)) in windows.before


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (berlin(2026, 12, 31), "2026-W53"),
        (berlin(2027, 1, 3, 23, 59), "2026-W53"),
        (berlin(2027, 1, 4), "2027-W01"),
        (datetime(2027, 1, 3, 23, 30, tzinfo=UTC), "2027-W01"),
    ],
)
def test_weeks_are_iso_weeks_of_the_companys_zone(moment, week):
    assert week_of(moment, BERLIN) == week


def test_week_53_exists_only_in_years_that_have_one():
    assert parse_week(" 2026-w53 ") == "2026-W53"
    for wrong in ("2025-W53", "2026-W00", "2026-W54", "2026-47", "47", "", "2026-W4٧"):
        with pytest.raises(UsageError, match="2026-W47"):
            parse_week(wrong)


def test_the_slot_stays_at_eight_through_clock_changes():
    for week in ("2026-W12", "2026-W13", "2026-W14", "2026-W43", "2026-W44", "2026-W45"):
        assert slot_of(week, MONDAY_8).astimezone(BERLIN).time() == time(8)


def test_an_hour_that_is_skipped_or_doubled_gives_one_slot():
    at_half_past_two = Schedule(7, time(2, 30), BERLIN)
    assert slot_of("2026-W13", at_half_past_two) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert slot_of("2026-W43", at_half_past_two) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("start", [berlin(2026, 3, 23), berlin(2026, 10, 19), berlin(2026, 12, 21)])
@pytest.mark.parametrize("schedule", [MONDAY_8, Schedule(7, time(2, 30), BERLIN), Schedule(5, time(0, 0), BERLIN)])
def test_asked_every_minute_for_three_weeks_three_digests_go_out(start, schedule):
    asked_at, weeks, sent = start.astimezone(UTC), frozenset(), []
    now = start.astimezone(UTC)
    while now < start.astimezone(UTC) + timedelta(days=21):
        now += timedelta(minutes=7)
        if due := is_due(now, schedule, asked_at, weeks):
            sent.append(due.week)
            asked_at, weeks = now, weeks | {due.week}
    assert len(sent) == len(set(sent)) == 3


def test_before_the_first_digest_the_day_of_this_week_decides():
    assert is_due(berlin(2026, 11, 16, 7, 59), MONDAY_8, None, NEVER) is None
    due = is_due(berlin(2026, 11, 18, 12), MONDAY_8, None, NEVER)
    assert due is not None
    assert due.week == "2026-W47"
    friday = Schedule(5, time(8), BERLIN)
    assert is_due(berlin(2026, 11, 18, 12), friday, None, NEVER) is None


def test_a_week_that_has_a_digest_gets_no_second():
    sent_at = berlin(2026, 11, 16, 8, 0)
    for hours in range(7 * 24):
        assert is_due(sent_at + timedelta(hours=hours), MONDAY_8, sent_at, frozenset({"2026-W47"})) is None
    assert is_due(berlin(2026, 11, 23, 8), MONDAY_8, sent_at, frozenset({"2026-W47"})) is not None


def test_missed_weeks_are_caught_up_once():
    sent_at = berlin(2026, 10, 26, 8)
    weeks = frozenset({"2026-W44"})
    back_on_wednesday = berlin(2026, 11, 18, 15)
    due = is_due(back_on_wednesday, MONDAY_8, sent_at, weeks)
    assert due is not None
    assert due.week == "2026-W47"
    again = back_on_wednesday + timedelta(minutes=1)
    assert is_due(again, MONDAY_8, back_on_wednesday, weeks | {due.week}) is None


def test_a_friday_digest_caught_up_on_monday_is_the_only_one_of_its_week():
    friday = Schedule(5, time(8), BERLIN)
    caught_up = berlin(2026, 11, 16, 9)
    due = is_due(caught_up, friday, berlin(2026, 11, 6, 8), frozenset({"2026-W45"}))
    assert due is not None
    weeks = frozenset({"2026-W45", due.week})
    assert is_due(berlin(2026, 11, 20, 8), friday, caught_up, weeks) is None
    assert is_due(berlin(2026, 11, 27, 8), friday, caught_up, weeks) is not None


@given(
    st.integers(0, 15 * 366 * 1440).map(lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
)
def test_now_lies_between_the_latest_and_the_next_slot(now):
    latest, following = latest_slot(now, MONDAY_8), next_slot(now, MONDAY_8)
    assert latest <= now < following
    assert timedelta(days=7, hours=-1) <= following - latest <= timedelta(days=7, hours=1)
    assert previous_slot(week_of(following, BERLIN), MONDAY_8) == latest
