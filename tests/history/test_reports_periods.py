"""Periods, intervals and what is said when the address makes no sense."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from history.reports import periods
from history.reports.intervals import choose_unit, interval_of, intervals
from history.reports.periods import EARLIEST, LATEST, Period

TODAY = date(2024, 3, 15)
days = st.dates(date(1999, 1, 1), date(2040, 12, 31))


def choose(query: str) -> periods.Choice:
    return periods.choose(QueryDict(query), TODAY)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2024-03-15", "2024-03-15"),
        ("7d", "2024-03-09", "2024-03-15"),
        ("30d", "2024-02-15", "2024-03-15"),
        ("month", "2024-03-01", "2024-03-15"),
        ("last-month", "2024-02-01", "2024-02-29"),
        ("90d", "2023-12-17", "2024-03-15"),
        ("year", "2023-03-17", "2024-03-15"),
        ("all", "1970-01-01", "2024-03-15"),
    ],
)
def test_presets(name, first, last):
    choice = choose(f"period={name}")

    assert (str(choice.period.first), str(choice.period.last), choice.notes) == (first, last, [])


def test_without_a_choice_it_is_the_last_30_days():
    assert choose("") == choose("period=30d")


@pytest.mark.parametrize(
    ("query", "first", "last", "said"),
    [
        ("from=2024-01-05&to=2024-01-09", "2024-01-05", "2024-01-09", ""),
        ("period=custom&from=2024-01-05&to=2024-01-09", "2024-01-05", "2024-01-09", ""),
        ("from=2024-01-09&to=2024-01-05", "2024-01-05", "2024-01-09", "swapped"),
        ("from=2024-01-09", "2024-01-09", "2024-03-15", "until today"),
        ("to=2024-01-30", "2024-01-01", "2024-01-30", "30 days"),
        ("to=1970-01-03", "1970-01-01", "1970-01-03", "30 days"),
        ("from=2024-02-30&to=2024-03-01", "2024-02-01", "2024-03-01", "“2024-02-30” is not a date"),
        ("from=x&to=%00", "2024-02-15", "2024-03-15", "is not a date"),
        ("from=0001-01-01&to=9999-12-31", "2024-02-15", "2024-03-15", "is not a date between"),
        ("period=custom", "2024-02-15", "2024-03-15", "last 30 days"),
        ("period=decade", "2024-02-15", "2024-03-15", "“decade” is not a known period"),
    ],
)
def test_own_dates_and_bad_ones(query, first, last, said):
    choice = choose(query)

    assert (str(choice.period.first), str(choice.period.last)) == (first, last)
    assert said in " ".join(choice.notes)
    assert bool(choice.notes) == bool(said)


def test_the_period_compared_with_is_as_long_and_right_before():
    assert Period(date(2024, 3, 1), date(2024, 3, 15)).preceding() == Period(date(2024, 2, 15), date(2024, 2, 29))


def test_the_same_days_last_year_of_a_leap_day():
    assert Period(date(2024, 2, 29), date(2024, 3, 1)).year_before() == Period(date(2023, 2, 28), date(2023, 3, 1))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Paris", date(2024, 3, 31), 23),
        ("Europe/Paris", date(2024, 10, 27), 25),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("America/Sao_Paulo", date(2018, 2, 17), 25),
        ("Asia/Kolkata", date(2024, 3, 31), 24),
    ],
)
def test_a_day_has_the_hours_of_its_zone(settings, zone, day, hours):
    settings.TIME_ZONE = zone
    period = Period(day, day)

    assert period.end.astimezone(UTC) - period.start.astimezone(UTC) == timedelta(hours=hours)
    assert period.start.astimezone(UTC).astimezone(ZoneInfo(zone)).date() == day
    assert (period.start.astimezone(UTC) - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() < day


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@given(first=days, length=st.integers(0, 800))
def test_intervals_cover_a_period_without_gap_or_overlap(unit, first, length):
    period = Period(first, first + timedelta(days=length))

    cut = list(intervals(unit, period))

    assert (cut[0].first, cut[-1].last) == (period.first, period.last)
    assert all(one.last + timedelta(days=1) == two.first for one, two in pairwise(cut))
    assert all(
        interval_of(day, unit, period) == interval for interval in cut for day in (interval.first, interval.last)
    )


@pytest.mark.parametrize(
    ("unit", "first", "last", "told"),
    [
        ("day", date(2024, 3, 15), date(2024, 3, 15), "Fri 15 Mar 2024"),
        ("week", date(2024, 3, 11), date(2024, 3, 17), "11 – 17 Mar 2024"),
        ("week", date(2024, 2, 26), date(2024, 3, 3), "26 Feb – 3 Mar 2024"),
        ("week", date(2024, 12, 30), date(2025, 1, 5), "30 Dec 2024 – 5 Jan 2025"),
        ("month", date(2024, 2, 1), date(2024, 2, 29), "February 2024"),
        ("month", date(2024, 2, 2), date(2024, 2, 29), "2 – 29 Feb 2024"),
    ],
)
def test_intervals_are_named_for_people(unit, first, last, told):
    assert str(interval_of(first, unit, Period(first, last))) == told


@pytest.mark.parametrize(
    ("asked", "length", "unit", "said"),
    [
        (None, 92, "day", ""),
        (None, 93, "week", ""),
        (None, 367, "month", ""),
        ("day", 1000, "day", ""),
        ("day", 1001, "month", "more than 1000 rows"),
        ("hour", 30, "day", "neither day, week nor month"),
    ],
)
def test_the_unit_suits_the_period_unless_another_is_asked_for(asked, length, unit, said):
    chosen, notes = choose_unit(asked, Period(TODAY - timedelta(days=length - 1), TODAY))

    assert chosen == unit
    assert said in " ".join(notes)


def test_the_longest_period_has_moments(settings):
    settings.TIME_ZONE = "Pacific/Kiritimati"
    longest = Period(EARLIEST, LATEST)

    assert longest.preceding().start < longest.year_before().start < longest.start < datetime.now(UTC) < longest.end
