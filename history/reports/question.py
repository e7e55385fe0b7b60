"""What an address asks of a report: the period, what it is compared with, the filters, the size of a row, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from history.reports import filters as filtering
from history.reports import moments, periods
from history.reports.filters import Filters
from history.reports.intervals import Interval
from history.reports.periods import Choice, Period
from history.rollups import read as rollups_now
from history.rollups.past import Past, Rollups


@dataclass(frozen=True)
class Comparison:
    """label: in words; shift: where a day of the one period has its counterpart in the other, never going back."""

    label: str
    period: Callable[[Period], Period]
    shift: Callable[[date, Period], date]


COMPARISONS = {
    "previous": Comparison("the days right before", Period.preceding, lambda day, period: day - period.length),
    "year": Comparison("the same days last year", Period.year_before, lambda day, _: periods.year_before(day)),
}
COMPARISON_LABELS = {name: comparison.label for name, comparison in COMPARISONS.items()} | {"none": "nothing"}
DEFAULT_COMPARISON = "previous"


@dataclass(frozen=True)
class Question:
    """at: the moment it is asked about: past.at, or now. by: the unit asked for, "" for the one that suits."""

    choice: Choice
    at: datetime
    filters: Filters = field(default_factory=Filters)
    comparison: str = "none"
    by: str = ""
    notes: tuple[str, ...] = ()
    past: Past | None = None

    @property
    def rollups(self) -> Rollups:
        """Where its numbers are read."""
        return self.past or rollups_now

    @property
    def period(self) -> Period:
        return self.choice.period

    @property
    def today(self) -> date:
        return timezone.localdate(self.at, timezone.get_default_timezone())

    @property
    def compared(self) -> Period | None:
        return COMPARISONS[self.comparison].period(self.period) if self.comparison in COMPARISONS else None

    def spanned(self, days: Iterable[date]) -> Period:
        """The period; of everything, what lies between the first day that has orders and the last."""
        if not self.choice.is_everything:
            return self.period
        placed = {*days} or {self.period.last}
        return Period(min(placed), max(placed))

    def counterpart(self, interval: Interval) -> Period | None:
        """The days that an interval is compared with. Those of all intervals make the whole period compared with."""
        compared = self.compared
        if compared is None:
            return None
        shift = COMPARISONS[self.comparison].shift
        first = shift(interval.first, self.period)
        is_last = interval.last == self.period.last
        last = compared.last if is_last else shift(interval.last + periods.DAY, self.period) - periods.DAY
        return Period(first, last)

    def address(self, report: str, period: Period | None = None, filters: Filters | None = None) -> str:
        """Where another report tells of the same or a narrower choice of orders."""
        asked = self._period_query(period or self.period)
        asked |= (filters or self.filters).query()
        return f"{reverse(f'reports:{report}')}?{urlencode(asked | self._as_of)}"

    @property
    def moment_query(self) -> str:
        """What an address asks for to show something as of the same past moment; nothing where it is now."""
        return f"?{urlencode(self._as_of)}" if self.past else ""

    @property
    def _as_of(self) -> dict[str, str]:
        if not self.past:
            return {}
        return {"as_of": timezone.localtime(self.past.at, timezone.get_default_timezone()).isoformat()}

    def _period_query(self, period: Period) -> dict[str, str]:
        if self.choice.is_everything and period == self.period:
            return {"period": "all"}
        return {"from": str(period.first), "to": str(period.last)}


def read(asked: QueryDict, now: datetime, *, default: str = periods.DEFAULT) -> Question:
    """The question of an address; what makes no sense in it is replaced and noted, never refused.

    Of a past moment everything is asked as it would have been asked then: today is the day it was.
    """
    moment, moment_notes = moments.read(asked.get("as_of"), now)
    at = moment or now
    today = timezone.localdate(at, timezone.get_default_timezone())
    choice = periods.choose(asked, today, default=default)
    chosen, notes = filtering.read(asked)
    comparison, comparison_notes = _comparison(asked.get("compare"), choice)
    notes = [*moment_notes, *choice.notes, *comparison_notes, *notes]
    past = Past(moment) if moment else None
    return Question(choice, at, chosen, comparison, asked.get("by", ""), tuple(notes), past)


def _comparison(asked: str | None, choice: Choice) -> tuple[str, list[str]]:
    """Everything is compared with nothing."""
    known = not asked or asked in COMPARISON_LABELS
    name = asked if asked and known else DEFAULT_COMPARISON
    notes = [] if known else [f"“{str(asked)[:40]}” is no comparison: compared with the days right before."]
    return "none" if choice.is_everything else name, notes
