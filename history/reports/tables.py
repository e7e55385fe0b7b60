"""A report's table and tiles: the one set of numbers that page, chart and CSV show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from history.reports.definitions import share
from history.reports.intervals import Interval
from orders.status import Status

Row = dict[str, Any]

TEXT, INTEGER, MONEY, PERCENT, TIME, STATUS, INTERVAL = (
    "text", "integer", "money", "percent", "time", "status", "interval",
)  # fmt: skip
NUMBERS = (INTEGER, MONEY, PERCENT)


@dataclass(frozen=True)
class Column:
    """name: in ?sort= and the CSV's first line; kind: how a value is shown."""

    name: str
    label: str
    kind: str = TEXT

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBERS


@dataclass(frozen=True)
class Cell:
    column: Column
    value: Any

    @property
    def plain(self) -> str:
        """For machines: ISO dates, decimals without grouping."""
        return plain(self.value)


@dataclass(frozen=True)
class Heading:
    """A column's heading: direction is that of the sorting by it now, sort the one a click asks for."""

    column: Column
    direction: str
    sort: str


@dataclass(frozen=True)
class Tile:
    label: str
    value: Any
    kind: str
    before: Decimal | int | None = None  # None: compared with nothing

    @property
    def change(self) -> str:
        """ "+12.5 %" since `before`, "new" where there was nothing, "" without a comparison."""
        if self.before is None or self.value is None or (not self.before and not self.value):
            return ""
        percent = share(self.value - self.before, self.before)
        if percent is None:
            return "new"
        return f"{'−' if percent < 0 else '+'}{abs(percent):,} %" if percent else "no change"

    @property
    def rises(self) -> bool:
        return self.before is not None and self.value is not None and self.value > self.before


@dataclass(frozen=True)
class Chart:
    """What to draw of the table: kind is Chart.js's, label and value are columns."""

    kind: str
    label: str
    value: str
    title: str


@dataclass
class Report:
    """One question's answer. Rows are complete but for the names that add_names fills into those it is given."""

    columns: Sequence[Column]
    rows: list[Row]
    tiles: Sequence[Tile]
    totals: Row
    default_sort: str
    chart: Chart
    definitions: Sequence[tuple[str, str]]
    page_size: int = 100
    unit: str = ""  # of time, that a row stands for
    notes: Sequence[str] = ()
    named: frozenset[str] = frozenset()  # columns that add_names fills
    add_names: Callable[[Sequence[Row]], None] = field(default=lambda rows: None)

    @property
    def is_empty(self) -> bool:
        return not any(self.totals.get(column.name) for column in self.columns if column.is_number)

    def sort(self, asked: str | None) -> tuple[str, list[str]]:
        """Put the rows in the order asked for, ties by key; return that order and notes.

        asked: a column's name, with "-" before it the largest first.
        """
        names = [column.name for column in self.columns]
        known = not asked or asked.removeprefix("-") in names
        by = asked if asked and known else self.default_sort
        name = by.removeprefix("-")
        if name in self.named:
            self.add_names(self.rows)
        self.rows.sort(key=lambda row: row["key"])
        self.rows.sort(key=lambda row: _sort_key(row[name]), reverse=by.startswith("-"))
        return by, [] if known else [f"Sorting by “{str(asked)[:40]}” is unknown and was ignored."]

    def cells(self, rows: Sequence[Row]) -> list[list[Cell]]:
        """The given rows as they are shown, with their names."""
        self.add_names(rows)
        return [[Cell(column, row[column.name]) for column in self.columns] for row in rows]

    def headings(self, sort: str) -> list[Heading]:
        return [_heading(column, sort) for column in self.columns]

    def total_cells(self) -> list[Cell]:
        return [Cell(column, self.totals.get(column.name)) for column in self.columns]


def _heading(column: Column, sort: str) -> Heading:
    falling = f"-{column.name}"
    if sort == falling:
        return Heading(column, "descending", column.name)
    if sort == column.name:
        return Heading(column, "ascending", falling)
    return Heading(column, "", falling if column.is_number else column.name)


def _sort_key(value: Any) -> tuple[bool, Any]:
    if isinstance(value, Interval):
        value = value.first
    if isinstance(value, Status):
        value = list(Status).index(value)
    # None sorts beside itself, below everything.
    return (value is not None, value.casefold() if isinstance(value, str) else value)


def plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case Interval():
            return value.first.isoformat()
        case datetime():
            return timezone.localtime(value, timezone.get_default_timezone()).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
