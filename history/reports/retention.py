"""Retention: of the customers whose first order was in one month, how many come back, month by month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from history.reports import definitions
from history.reports.filters import COUNTED, Filters
from history.reports.intervals import Interval
from history.reports.periods import DAY, Period
from history.reports.question import Question
from history.reports.report import Report, Tile
from history.reports.rows import Row
from history.reports.tables import INTEGER, INTERVAL, PERCENT, Column, Table

# Months after the first that are shown.
MONTHS = 24
HEATS = 10

COLUMNS = [
    Column("cohort", "First order in", INTERVAL),
    Column("customers", "Customers", INTEGER),
    Column("second", "Second order", PERCENT),
    Column("soon", "Within 90 days", PERCENT),
]
DEFINITIONS = [
    definitions.COHORT,
    definitions.ACTIVE,
    definitions.SECOND,
    definitions.SECOND_90,
    definitions.COUNTED,
]
NO_FILTERS = "Retention is told of all customers and all their counted orders: the filters are ignored."


@dataclass
class Cohort:
    """active: customers by months since the first; second, soon: those with a second order, with one within 90 days."""

    active: Counter[int] = field(default_factory=Counter)
    second: int = 0
    soon: int = 0

    @property
    def customers(self) -> int:
        return self.active[0]


def retention(question: Question) -> Report:
    cohorts = read_cohorts(question)
    table = _table(question, cohorts)
    size = sum(cohort.customers for cohort in cohorts.values())
    second = sum(cohort.second for cohort in cohorts.values())
    soon = sum(cohort.soon for cohort in cohorts.values())
    return Report(
        tiles=[
            Tile("Customers", size, INTEGER, href=table.total_links.get("customers", "")),
            Tile("Second order", definitions.share(second, size), PERCENT),
            Tile("Second within 90 days", definitions.share(soon, size), PERCENT),
        ],
        tables=[table],
        charts=[],
        definitions=DEFINITIONS,
        notes=[] if question.filters == Filters() else [NO_FILTERS],
    )


def read_cohorts(question: Question) -> dict[date, Cohort]:
    """The cohorts of the months that touch the period, each by its first day, with all they did until now."""
    first, last = question.period.first.replace(day=1), question.period.last
    cohorts: dict[date, Cohort] = {}
    for day, found in question.rollups.cohorts(first, question.today):
        for month, sums in found.items():
            start = date.fromisoformat(f"{month}-01")
            if first <= start <= last:
                cohort = cohorts.setdefault(start, Cohort())
                cohort.active[_months_between(start, day)] += sums.active
                cohort.second += sums.second
                cohort.soon += sums.second_soon
    return dict(sorted(cohorts.items()))


def _months_between(start: date, day: date) -> int:
    return (day.year - start.year) * 12 + day.month - start.month


def month(start: date, later: int = 0) -> Period:
    """The calendar month so many months later."""
    year, number = divmod(start.year * 12 + start.month - 1 + later, 12)
    first = date(year, number + 1, 1)
    return Period(first, (first + 31 * DAY).replace(day=1) - DAY)


def _table(question: Question, cohorts: Mapping[date, Cohort]) -> Table:
    oldest = min(cohorts, default=question.today)
    shown = range(1, min(_months_between(oldest, question.today), MONTHS) + 1)
    strongest = max((_strength(cohort, later) for cohort in cohorts.values() for later in shown), default=0.0)
    rows = [_row(question, start, cohort, shown, strongest) for start, cohort in cohorts.items()]
    size = sum(cohort.customers for cohort in cohorts.values())
    return Table(
        columns=[*COLUMNS, *(Column(_name(later), str(later), INTEGER) for later in shown)],
        rows=rows,
        totals={
            "cohort": "Total",
            "customers": size,
            "second": definitions.share(sum(cohort.second for cohort in cohorts.values()), size),
            "soon": definitions.share(sum(cohort.soon for cohort in cohorts.values()), size),
        },
        total_links={"customers": _total_link(question, [*cohorts])} if cohorts else {},
        default_sort="-cohort",
        links=lambda row: _links(question, row),
    )


def _name(later: int) -> str:
    return f"month-{later}"


def _strength(cohort: Cohort, later: int) -> float:
    return cohort.active[later] / cohort.customers if cohort.customers else 0.0


def _row(question: Question, start: date, cohort: Cohort, shown: range, strongest: float) -> Row:
    reached = [later for later in shown if later <= _months_between(start, question.today)]
    return {
        "key": start,
        "cohort": Interval("month", start, month(start).last),
        "customers": cohort.customers,
        "second": definitions.share(cohort.second, cohort.customers),
        "soon": definitions.share(cohort.soon, cohort.customers),
        **{_name(later): cohort.active[later] if later in reached else None for later in shown},
        "heat": {
            _name(later): round(_strength(cohort, later) / strongest * (HEATS - 1)) for later in reached if strongest
        },
    }


def _links(question: Question, row: Row) -> dict[str, str]:
    start = row["key"]
    laters = {_name(later): later for later in range(1, MONTHS + 1)} | {"customers": 0}
    return {name: _customers(question, start, later) for name, later in laters.items() if row.get(name) is not None}


def _customers(question: Question, start: date, later: int) -> str:
    first = month(start)
    filters = Filters(status=COUNTED, first_from=first.first, first_to=first.last)
    return question.address("customers", month(start, later), filters)


def _total_link(question: Question, starts: list[date]) -> str:
    days = Period(min(starts), month(max(starts)).last)
    filters = Filters(status=COUNTED, first_from=days.first, first_to=days.last)
    return question.address("customers", days, filters)
