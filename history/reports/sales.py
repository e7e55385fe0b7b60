"""Sales: how much was ordered, per day, week or month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from history.reports import definitions, facts, intervals
from history.reports.facts import Sum
from history.reports.intervals import Interval
from history.reports.periods import Period
from history.reports.question import Question
from history.reports.report import Chart, Report, Tile, change
from history.reports.rows import Row
from history.reports.tables import CHANGE, INTEGER, INTERVAL, MONEY, Column, Table

# Room for every day of a year, so that its chart is drawn from one page.
PAGE_SIZE = 400

COLUMNS = [
    Column("orders", "Orders", INTEGER),
    Column("counted", "Counted", INTEGER),
    Column("units", "Units", INTEGER),
    Column("revenue", "Revenue", MONEY),
]
COMPARED_COLUMNS = [Column("previous", "Previous", MONEY), Column("change", "Change", CHANGE)]
DEFINITIONS = [
    definitions.ORDERS,
    definitions.COUNTED,
    definitions.REVENUE,
    definitions.UNITS,
    definitions.AVERAGE,
    definitions.PREVIOUS,
    definitions.CHANGE,
    definitions.CATEGORY,
]


@dataclass
class Totals:
    """What was ordered: orders of every status, the rest of the counted ones."""

    orders: int = 0
    counted: int = 0
    units: int = 0
    cents: int = 0

    def add(self, one: Sum) -> None:
        self.orders += one.orders
        if definitions.is_counted(one.status):
            self.counted += one.orders
            self.units += one.units
            self.cents += one.cents

    @property
    def revenue(self) -> Decimal:
        return definitions.money(self.cents)

    @property
    def average(self) -> Decimal | None:
        return definitions.average(self.revenue, self.counted)


def sales(question: Question) -> Report:
    days = facts.sums(question.period, question.filters, question.rollups)
    shown = question.spanned(one.day for one in days)
    unit, notes = intervals.choose_unit(question.by, shown)
    by_interval = {interval: Totals() for interval in intervals.intervals(unit, question.period, within=shown)}
    of_day = intervals.by_day((one.day for one in days), unit, question.period)
    for one in days:
        by_interval[of_day[one.day]].add(one)
    compared = question.compared
    before = facts.sums(compared, question.filters, question.rollups) if compared else None
    table = _table(question, unit, by_interval, before)
    return Report(
        tiles=_tiles(question, totalled(days), totalled(before) if before is not None else None, table.rows),
        tables=[table],
        charts=[_chart(unit, is_compared=before is not None)],
        definitions=DEFINITIONS,
        unit=unit,
        notes=notes,
    )


def totalled(sums: Iterable[Sum]) -> Totals:
    total = Totals()
    for one in sums:
        total.add(one)
    return total


def _table(
    question: Question, unit: str, by_interval: Mapping[Interval, Totals], before: Sequence[Sum] | None
) -> Table:
    rows = [_row(interval, totals) for interval, totals in by_interval.items()]
    columns = [Column("period", intervals.UNITS[unit], INTERVAL), *COLUMNS]
    total = _totalled_rows(rows)
    if before is not None:
        _compare(rows, question, before)
        columns += COMPARED_COLUMNS
        previous = totalled(before).revenue
        total |= {"previous": previous, "change": change(total["revenue"], previous)}
    return Table(
        columns=columns,
        rows=rows,
        totals={"period": "Total"} | total,
        total_links=_links(question, question.period) | _previous_link(question, question.compared),
        default_sort="-period",
        page_size=PAGE_SIZE,
        links=lambda row: _row_links(question, row["period"]),
    )


def _compare(rows: Sequence[Row], question: Question, before: Sequence[Sum]) -> None:
    """Give each row the revenue of the days it is compared with."""
    cents: dict[object, int] = {}
    for one in before:
        if definitions.is_counted(one.status):
            cents[one.day] = cents.get(one.day, 0) + one.cents
    for row in rows:
        days = question.counterpart(row["period"])
        row["previous"] = definitions.money(sum(cents.get(day, 0) for day in days.each_day()) if days else 0)
        row["change"] = change(row["revenue"], row["previous"])


def _row(interval: Interval, totals: Totals) -> Row:
    return {
        "key": interval.first,
        "period": interval,
        "orders": totals.orders,
        "counted": totals.counted,
        "units": totals.units,
        "revenue": totals.revenue,
    }


def _totalled_rows(rows: Sequence[Row]) -> Row:
    return {
        "orders": sum(row["orders"] for row in rows),
        "counted": sum(row["counted"] for row in rows),
        "units": sum(row["units"] for row in rows),
        "revenue": sum((row["revenue"] for row in rows), Decimal("0.00")),
    }


def _row_links(question: Question, interval: Interval) -> dict[str, str]:
    period = Period(interval.first, interval.last)
    return _links(question, period) | _previous_link(question, question.counterpart(interval))


def _links(question: Question, period: Period) -> dict[str, str]:
    counted = question.filters.narrowed_to_counted()
    links = {"orders": question.address("orders", period)}
    if counted:
        links |= dict.fromkeys(("counted", "units", "revenue"), question.address("orders", period, counted))
    return links


def _previous_link(question: Question, days: Period | None) -> dict[str, str]:
    counted = question.filters.narrowed_to_counted()
    if not days or not days.days or not counted:
        return {}
    return {"previous": question.address("orders", days, counted)}


def _chart(unit: str, *, is_compared: bool) -> Chart:
    values = ("revenue", "previous") if is_compared else ("revenue",)
    return Chart("line", "period", values, f"Revenue by {unit}", dashed="previous")


def _tiles(question: Question, now: Totals, before: Totals | None, rows: Sequence[Row]) -> list[Tile]:
    links = _links(question, question.period)
    in_time = sorted(rows, key=lambda row: row["key"])

    def tile(label: str, name: str, kind: str, value: Decimal | int | None, old: Decimal | int | None) -> Tile:
        spark = [row[name] for row in in_time] if name else ()
        return Tile(label, value, kind, old if before else None, links.get(name, ""), spark)

    old = before or Totals()
    return [
        tile("Revenue", "revenue", MONEY, now.revenue, old.revenue),
        tile("Orders", "orders", INTEGER, now.orders, old.orders),
        tile("Average order", "", MONEY, now.average, old.average or Decimal(0)),
        tile("Units", "units", INTEGER, now.units, old.units),
    ]
