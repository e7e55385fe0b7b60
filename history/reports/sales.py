"""Sales: how much was ordered, per day, week or month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from history.mongo import Document
from history.reports import definitions, intervals, reading
from history.reports.intervals import Interval
from history.reports.periods import Period
from history.reports.tables import INTEGER, INTERVAL, MONEY, Chart, Column, Report, Row, Tile

# Room for every day of a year, so that its chart is drawn from one page.
PAGE_SIZE = 400

COLUMNS = [
    Column("orders", "Orders", INTEGER),
    Column("counted", "Counted", INTEGER),
    Column("units", "Units", INTEGER),
    Column("revenue", "Revenue", MONEY),
]
DEFINITIONS = [
    definitions.ORDERS,
    definitions.COUNTED,
    definitions.REVENUE,
    definitions.UNITS,
    definitions.AVERAGE,
    definitions.CHANGE,
]


@dataclass
class Sums:
    orders: int = 0
    counted: int = 0
    units: int = 0
    revenue: Decimal = Decimal(0)

    def add(self, status: str, document: Document) -> None:
        self.orders += document["orders"]
        if definitions.is_counted(status):
            self.counted += document["orders"]
            self.units += document["units"]
            self.revenue += reading.money(document["amount"])

    @property
    def average(self) -> Decimal | None:
        return definitions.average(self.revenue, self.counted)


def sales(period: Period, *, unit: str | None = None, compared: Period | None = None, trim: bool = False) -> Report:
    """The report by unit (day, week, month, or what suits), its tiles compared with another period.

    trim: begin and end with the first and last interval that has orders, for periods that reach far back.
    """
    days = _days(period)
    shown = _spanned(days, period) if trim else period
    unit, notes = intervals.choose_unit(unit, shown)
    by_interval = {interval: Sums() for interval in intervals.intervals(unit, period, within=shown)}
    total = Sums()
    for day, status, document in days:
        for sums in (total, by_interval[intervals.interval_of(day, unit, period)]):
            sums.add(status, document)
    return Report(
        columns=[Column("period", intervals.UNITS[unit], INTERVAL), *COLUMNS],
        rows=[_row(interval, sums) for interval, sums in by_interval.items()],
        tiles=_tiles(total, _totals(compared) if compared else None),
        totals={"period": "Total"} | _numbers(total),
        default_sort="-period",
        chart=Chart("line", "period", "revenue", f"Revenue by {unit}"),
        definitions=DEFINITIONS,
        page_size=PAGE_SIZE,
        unit=unit,
        notes=notes,
    )


def _days(period: Period) -> list[tuple[date, str, Document]]:
    """(day, status, sums) of every day and status that has orders."""
    found = reading.aggregate(period, _group({"day": reading.day_of_order(), "status": "$status"}))
    return [(date.fromisoformat(row["_id"]["day"]), row["_id"]["status"], row) for row in found]


def _spanned(days: Sequence[tuple[date, str, Document]], period: Period) -> Period:
    """From the first day that has orders to the last; where none has, the last day of the period."""
    placed = [day for day, *_ in days] or [period.last]
    return Period(min(placed), max(placed))


def _group(by: Document) -> list[Document]:
    # By status, and what counts is decided in Python: one pass gives orders placed and orders counted.
    sums = {
        "orders": {"$sum": 1},
        "amount": {"$sum": "$total_amount"},
        "units": {"$sum": definitions.QUANTITY_OF_ORDER},
    }
    return [{"$group": {"_id": by, **sums}}]


def _totals(period: Period) -> Sums:
    total = Sums()
    for document in reading.aggregate(period, _group({"status": "$status"})):
        total.add(document["_id"]["status"], document)
    return total


def _numbers(sums: Sums) -> Row:
    return {"orders": sums.orders, "counted": sums.counted, "units": sums.units, "revenue": sums.revenue}


def _row(interval: Interval, sums: Sums) -> Row:
    return {"key": interval.first, "period": interval} | _numbers(sums)


def _tiles(now: Sums, before: Sums | None) -> list[Tile]:
    if before is None:
        return [
            Tile("Revenue", now.revenue, MONEY),
            Tile("Orders", now.orders, INTEGER),
            Tile("Average order", now.average, MONEY),
            Tile("Units", now.units, INTEGER),
        ]
    return [
        Tile("Revenue", now.revenue, MONEY, before.revenue),
        Tile("Orders", now.orders, INTEGER, before.orders),
        Tile("Average order", now.average, MONEY, before.average or Decimal(0)),
        Tile("Units", now.units, INTEGER, before.units),
    ]
