"""Sales: how much was ordered, per day, week or month."""

from __future__ import annotations

from collections.abc import Iterable
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


def sales(period: Period, *, unit: str, compared: Period | None = None, trim: bool = False) -> Report:
    """The report by unit (day, week, month), its tiles compared with another period.

    trim: begin and end with the first and last interval that has orders, for periods that reach far back.
    """
    by_interval = {interval: Sums() for interval in intervals.intervals(unit, period)}
    total = Sums()
    for document in reading.aggregate(period, _group({"day": reading.day_of_order(), "status": "$status"})):
        day, status = date.fromisoformat(document["_id"]["day"]), document["_id"]["status"]
        for sums in (total, by_interval[intervals.interval_of(day, unit, period)]):
            sums.add(status, document)
    rows = [_row(interval, sums) for interval, sums in by_interval.items()]
    return Report(
        columns=[
            Column("period", intervals.UNITS[unit], INTERVAL),
            Column("orders", "Orders", INTEGER),
            Column("counted", "Counted", INTEGER),
            Column("units", "Units", INTEGER),
            Column("revenue", "Revenue", MONEY),
        ],
        rows=list(_trimmed(rows)) if trim else rows,
        tiles=_tiles(total, _totals(compared) if compared else None),
        totals={"period": "Total"} | _numbers(total),
        default_sort="-period",
        chart=Chart("line", "period", "revenue", f"Revenue by {unit}"),
        definitions=[
            definitions.ORDERS,
            definitions.COUNTED,
            definitions.REVENUE,
            definitions.UNITS,
            definitions.AVERAGE,
            definitions.CHANGE,
        ],
        page_size=PAGE_SIZE,
    )


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


def _trimmed(rows: list[Row]) -> Iterable[Row]:
    filled = [number for number, row in enumerate(rows) if row["orders"]]
    return rows[filled[0] : filled[-1] + 1] if filled else []


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
