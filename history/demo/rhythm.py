"""When people order: more each month, more on some weekdays and hours, most of all on Black Friday."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random

from django.utils import timezone

GROWTH = 0.9  # so much more at the end than at the start
WEEKDAYS = (1.15, 1.05, 1.0, 1.0, 0.95, 0.85, 1.1)  # Monday first
MONTHS = (0.9, 0.85, 0.9, 0.95, 1.0, 0.95, 0.85, 0.85, 1.0, 1.05, 1.35, 1.5)
HOURS = (2, 1, 1, 1, 1, 1, 3, 5, 8, 11, 13, 13, 14, 12, 11, 11, 12, 13, 15, 18, 20, 18, 12, 6)
BLACK_FRIDAY = {0: 5.5, 1: 2.6, 2: 2.2, 3: 3.0}  # days after it; the last is Cyber Monday


def moments(random: Random, count: int, first: date, days: int) -> list[datetime]:
    """Return that many moments on the given days, ascending, in the shop's time zone."""
    every = [first + timedelta(days=n) for n in range(days)]
    weights = [busyness(day) * (1 + GROWTH * n / days) for n, day in enumerate(every)]
    return sorted(_at_some_time(random, day) for day in random.choices(every, weights, k=count))


def busyness(day: date) -> float:
    """How many orders a day brings, against an average one."""
    usual = WEEKDAYS[day.weekday()] * MONTHS[day.month - 1]
    return usual * BLACK_FRIDAY.get((day - black_friday(day.year)).days, 1)


def black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    november = date(year, 11, 1)
    first_thursday = november + timedelta(days=(3 - november.weekday()) % 7)
    return first_thursday + timedelta(days=22)


def _at_some_time(random: Random, day: date) -> datetime:
    (hour,) = random.choices(range(24), HOURS)
    at = time(hour, random.randrange(60), random.randrange(60))
    return datetime.combine(day, at, timezone.get_default_timezone())
