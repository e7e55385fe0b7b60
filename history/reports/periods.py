"""Which days a report is about: presets, own dates and the periods they are compared with.

A day is a day in the shop's zone, daylight saving included; an interval holds every t with start <= t < end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.http import QueryDict
from django.utils import timezone

# What a person may ask for: before it there are no orders, after it some platforms' clocks end.
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
DAY = timedelta(days=1)
DEFAULT = "30d"
CUSTOM = "custom"


@dataclass(frozen=True)
class Period:
    """Whole days, both included."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        return midnight(self.last + DAY)

    @property
    def days(self) -> int:
        return self.length.days

    @property
    def length(self) -> timedelta:
        return self.last - self.first + DAY

    def each_day(self) -> Iterator[date]:
        return (self.first + DAY * number for number in range(self.days))

    def preceding(self) -> Period:
        """As many days, right before."""
        return Period(self.first - self.length, self.first - DAY)

    def year_before(self) -> Period:
        """The same dates a year earlier; of whole months the whole months, so that a 29 February is not left out."""
        first = year_before(self.first)
        if self.first.day == (self.last + DAY).day == 1:
            return Period(first, year_before(self.last + DAY) - DAY)
        return Period(first, year_before(self.last))


def midnight(day: date) -> datetime:
    """The first moment of a day in the shop's zone; where clocks skip midnight, that is 01:00."""
    return datetime.combine(day, time(), tzinfo=timezone.get_default_timezone())


def is_plain(day: date) -> bool:
    """Whether the day is what lies between its midnight and the next: each comes once."""
    midnights = [midnight(day), midnight(day + DAY)]
    return all(each.utcoffset() == each.replace(fold=1).utcoffset() for each in midnights)


def year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return date(day.year - 1, 2, 28)


def _last_days(count: int) -> Callable[[date], Period]:
    return lambda today: Period(today - timedelta(days=count - 1), today)


def _last_month(today: date) -> Period:
    last = today.replace(day=1) - DAY
    return Period(last.replace(day=1), last)


@dataclass(frozen=True)
class Preset:
    label: str
    period: Callable[[date], Period]
    key: str = ""  # on the keyboard


PRESETS: dict[str, Preset] = {
    "today": Preset("Today", _last_days(1), key="D"),
    "7d": Preset("7 days", _last_days(7), key="W"),
    "30d": Preset("30 days", _last_days(30), key="M"),
    "month": Preset("This month", lambda today: Period(today.replace(day=1), today)),
    "last-month": Preset("Last month", _last_month),
    "90d": Preset("90 days", _last_days(90)),
    "year": Preset("Year", _last_days(365), key="Y"),
    "all": Preset("All", lambda today: Period(EARLIEST, today)),
}


@dataclass(frozen=True)
class Choice:
    """The period somebody asked for, and what had to be corrected in the asking."""

    name: str
    period: Period
    notes: list[str]

    @property
    def is_everything(self) -> bool:
        return self.name == "all"


def choose(asked: QueryDict, today: date, *, default: str = DEFAULT) -> Choice:
    """Read ?period=, ?from= and ?to=; what makes no sense is replaced and noted, never refused.

    default: the preset where nothing is asked for.
    """
    name = asked.get("period", "")
    own = {field: text for field in ("from", "to") if (text := asked.get(field))}
    if name == CUSTOM or (own and not name):
        return _custom(own, today)
    if not name:
        name = default
    if name in PRESETS:
        period = PRESETS[name].period(today)
        # The page's form sends the dates along with the preset they were filled in from.
        if own.items() <= {"from": str(period.first), "to": str(period.last)}.items():
            return Choice(name, period, [])
        return _custom(own, today)
    notes = [f"“{name[:40]}” is not a known period: the last 30 days are shown."]
    return Choice(DEFAULT, PRESETS[DEFAULT].period(today), notes)


def _custom(own: dict[str, str], today: date) -> Choice:
    dates = {field: _date(text) for field, text in own.items()}
    notes = [
        f"“{own[field][:40]}” is not a date between {EARLIEST} and {LATEST}, written like {today}."
        for field, day in dates.items()
        if day is None
    ]
    first, last = dates.get("from"), dates.get("to")
    if first is None and last is None:
        return Choice(DEFAULT, PRESETS[DEFAULT].period(today), [*notes, "The last 30 days are shown."])
    if first is None or last is None:
        notes.append("One date was missing: it was put 30 days from the other." if last else "Shown until today.")
    if last is None:
        last = today
    if first is None:
        first = max(EARLIEST, last - timedelta(days=29))
    if first > last:
        first, last = last, first
        notes.append("The first date was after the last: they were swapped.")
    return Choice(CUSTOM, Period(first, last), notes)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None
