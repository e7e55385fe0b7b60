"""A day is what the clocks of the shop's zone show: the same in SQL and in Python, in every zone there is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.db import connection
from django.utils import timezone

from config.environment import is_time_zone
from history.mirror import relay
from history.past import moments
from history.reports import periods
from history.reports.periods import DAY, Period
from history.reports.trust import of_postgresql
from history.rollups import read
from history.rollups.later import day_of
from history.rollups.past import Past

FIRST, LAST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# Of the second hour and of the first one of the night in which clocks went back from 00:01 to 23:01.
ONE_MINUTE_PAST = datetime(2005, 10, 30, 2, 31, tzinfo=UTC)


@pytest.fixture
def in_zone(settings):
    def enter(zone):
        settings.TIME_ZONE = zone
        timezone.get_default_timezone.cache_clear()

    yield enter
    timezone.get_default_timezone.cache_clear()


def changes(zone):
    """The moments at which the clocks of a zone were changed, to the second; those a few days apart count as one."""
    found, at, step = [], FIRST, timedelta(days=14)
    while at < LAST:
        low, high = at, at + step
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            while high - low > SECOND:
                middle = low + (high - low) // 2
                is_before = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                low, high = (middle, high) if is_before else (low, middle)
            found.append(high.replace(microsecond=0))
        at += step
    return found


def around(moment):
    hours = [timedelta(hours=hour) for hour in (-25, -1, 0, 1, 25)]
    return [moment + hour + second for hour in hours for second in (-SECOND, timedelta(), SECOND)]


@pytest.mark.django_db
@pytest.mark.parametrize("letter", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
def test_days_tile_time_and_are_those_of_sql_in_every_zone(in_zone, letter):
    for name in sorted(filter(is_time_zone, available_timezones())):
        if name[0].upper() != letter:
            continue
        in_zone(name)
        instants = sorted({instant for change in changes(ZoneInfo(name)) for instant in around(change)})
        for instant in instants:
            day = day_of(instant)
            for other in (day - DAY, day, day + DAY):
                is_within = periods.midnight(other) <= instant < periods.midnight(other + DAY)
                # A plain day is one stretch of time; of another one no part is further than a day from it.
                if periods.is_plain(other):
                    assert is_within == (other == day), (name, instant, other)
            assert periods.midnight(day) - DAY <= instant < periods.midnight(day + DAY) + DAY, (name, instant)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (at AT TIME ZONE %s)::date FROM unnest(%s::timestamptz[]) AS at ORDER BY at", [name, instants]
            )
            assert [day for (day,) in cursor.fetchall()] == [day_of(instant) for instant in instants], name


@pytest.mark.django_db(transaction=True)
def test_a_night_that_comes_twice_is_alike_in_both_stores_and_as_of_then(in_zone, place, mirror):
    in_zone("America/St_Johns")
    later_day = place(at=ONE_MINUTE_PAST - timedelta(seconds=30))  # 00:00:30 of the 30th
    earlier_day = place(at=ONE_MINUTE_PAST + timedelta(minutes=30))  # 23:31 of the 29th, an hour after
    relay.drain()
    period = Period(date(2005, 10, 29), date(2005, 10, 30))

    def counted(rollups):
        return {(day, status): sums.orders for day, found in rollups.statuses(*days) for status, sums in found.items()}

    days = (period.first, period.last)
    truth = {bucket: orders for bucket, (orders, _) in of_postgresql(period).items()}
    assert truth == counted(read) == {(day, "pending"): 1 for day in period.each_day()}
    between = Past(ONE_MINUTE_PAST)
    assert counted(between) == {(date(2005, 10, 30), "pending"): 1}
    assert [[*day.order_ids] for day in between.orders(*days)] == [[later_day.pk]]
    assert [[*day.order_ids] for day in between.lines(*days)] == [[later_day.pk]]
    after = Past(ONE_MINUTE_PAST + timedelta(hours=3))
    assert {number for day in after.orders(*days) for number in day.order_ids} == {later_day.pk, earlier_day.pk}


def test_the_end_of_a_day_is_its_last_moment(in_zone):
    in_zone("America/St_Johns")

    assert moments.parse("2005-10-29") == datetime(2005, 10, 30, 3, 29, 59, 999000, tzinfo=UTC)
    in_zone("America/Havana")
    assert moments.parse("2017-11-04") == datetime(2017, 11, 5, 3, 59, 59, 999000, tzinfo=UTC)
    in_zone("America/Sao_Paulo")
    assert moments.parse("2018-11-03") == datetime(2018, 11, 4, 2, 59, 59, 999000, tzinfo=UTC)
    in_zone("America/St_Johns")
    assert moments.parse("2005-10-30") == datetime(2005, 10, 31, 3, 29, 59, 999000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (("2025-02-01", "2025-02-28"), ("2024-02-01", "2024-02-29")),
        (("2024-02-01", "2024-02-29"), ("2023-02-01", "2023-02-28")),
        (("2025-01-01", "2025-12-31"), ("2024-01-01", "2024-12-31")),
        (("2025-01-01", "2025-02-28"), ("2024-01-01", "2024-02-29")),
        (("2024-12-01", "2025-02-28"), ("2023-12-01", "2024-02-29")),
        (("2025-04-01", "2025-06-30"), ("2024-04-01", "2024-06-30")),
        (("2025-02-15", "2025-02-28"), ("2024-02-15", "2024-02-28")),
        (("2024-02-29", "2024-02-29"), ("2023-02-28", "2023-02-28")),
        (("2025-03-03", "2025-03-09"), ("2024-03-03", "2024-03-09")),
    ],
)
def test_whole_months_are_compared_with_whole_months(period, expected):
    first, last = map(date.fromisoformat, period)

    assert Period(first, last).year_before() == Period(*map(date.fromisoformat, expected))
