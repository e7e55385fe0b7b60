"""Cutting a period into days, weeks (from Monday) or months, the last and first cut short where the period ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from history.reports.periods import Period

# More rows than this nobody reads; a coarser cut is taken.
MOST = 1000

UNITS = {"day": "Day", "week": "Week", "month": "Month"}


class Interval(NamedTuple):
    """Whole days, both included, that make one row."""

    unit: str
    first: date
    last: date

    def __str__(self) -> str:
        if self.unit == "day":
            return f"{self.first:%a} {self.first.day} {self.first:%b %Y}"
        if self.unit == "month" and _is_whole_month(self.first, self.last):
            return f"{self.first:%B %Y}"
        start = f"{self.first.day}" if _same_month(self.first, self.last) else _day_and_month(self.first, self.last)
        return f"{start} – {self.last.day} {self.last:%b %Y}"


def suited_unit(period: Period) -> str:
    """The unit that gives a readable number of rows."""
    if period.days <= 92:
        return "day"
    return "week" if period.days <= 366 else "month"


def choose_unit(asked: str | None, period: Period) -> tuple[str, list[str]]:
    """Return the unit asked for by ?by=, or the suited one with a note."""
    suited = suited_unit(period)
    if not asked:
        return suited, []
    if asked not in UNITS:
        return suited, [f"“{asked[:40]}” is neither day, week nor month: shown by {suited}."]
    if period.days / {"day": 1, "week": 7, "month": 28}[asked] > MOST:
        return suited, [f"By {asked} there would be more than {MOST} rows: shown by {suited}."]
    return asked, []


def interval_of(day: date, unit: str, period: Period) -> Interval:
    """The interval of the period that a day of it falls into."""
    first, last = _whole(day, unit)
    return Interval(unit, max(first, period.first), min(last, period.last))


def by_day(days: Iterable[date], unit: str, period: Period) -> dict[date, Interval]:
    """The interval of each of these days of the period."""
    return {day: interval_of(day, unit, period) for day in {*days}}


def intervals(unit: str, period: Period, *, within: Period | None = None) -> Iterator[Interval]:
    """Every interval of the period in turn, empty ones too; `within` leaves out those that lie before or after it."""
    day, last = (within.first, within.last) if within else (period.first, period.last)
    while day <= last:
        interval = interval_of(day, unit, period)
        yield interval
        day = interval.last + timedelta(days=1)


def _whole(day: date, unit: str) -> tuple[date, date]:
    if unit == "day":
        return day, day
    if unit == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)


def _is_whole_month(first: date, last: date) -> bool:
    return first.day == 1 and not _same_month(first, last + timedelta(days=1)) and _same_month(first, last)


def _day_and_month(day: date, other: date) -> str:
    return f"{day.day} {day:%b}" if day.year == other.year else f"{day.day} {day:%b %Y}"
