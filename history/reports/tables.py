"""A table of a report: rows of values, how they are shown, sorted and linked. Page, chart and CSV show the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from history.reports import display
from history.reports.intervals import Interval
from history.reports.rows import Row, Rows
from orders.status import Status

TEXT, INTEGER, MONEY, PERCENT, CHANGE, HOURS, DAYS, TIME, DATE, STATUS, INTERVAL, ORDER = (
    "text", "integer", "money", "percent", "change", "hours", "days", "time", "date", "status", "interval", "order",
)  # fmt: skip
NUMBERS = (INTEGER, MONEY, PERCENT, CHANGE, HOURS, DAYS)


# A change since nothing: above every other.
NEW = Decimal("Infinity")


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
    """href: what opens the orders behind the value; heat: 0 to 9, how strong a colour it has."""

    column: Column
    value: Any
    href: str = ""
    heat: int | None = None

    @property
    def shown(self) -> SafeString | str:
        """For people, linked."""
        is_change = self.column.kind == CHANGE and self.value is not None
        text = told_change(self.value) if is_change else display.shown(self.column.kind, self.value)
        return format_html('<a href="{}">{}</a>', self.href, text) if self.href else text

    def drawn(self, *, is_first: bool) -> SafeString:
        """As HTML, which a template takes several times as long for; the first of a row is its heading."""
        if is_first:
            css = "day" if self.column.kind in (DATE, INTERVAL) else ""
            return format_html('<th scope="row" data-plain="{}" class="{}">{}</th>', self.plain, css, self.shown)
        return format_html(
            '<td data-heading="{}" data-plain="{}" class="{}">{}</td>',
            self.column.label,
            self.plain,
            self.css,
            self.shown,
        )

    @property
    def css(self) -> str:
        """The classes of the cell."""
        heat = "" if self.heat is None else f" heat heat-{self.heat}"
        return f"{'number' if self.column.is_number else ''}{' blank' if self.value is None else ''}{heat}"

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
class Shown:
    """A table, or a page of it, as the page shows it."""

    table: Table
    headings: list[Heading]
    rows: list[list[Cell]]
    totals: list[Cell]

    @property
    def body(self) -> SafeString:
        """The rows as HTML."""
        return format_html_join("\n", "<tr>{}</tr>", ((_drawn(cells),) for cells in self.rows))


@dataclass
class Table:
    """Rows are complete but for the names that add_names fills into those it is given.

    links: for a row, the address behind each column that has one. A row's "heat" gives the colours of its columns.
    """

    columns: Sequence[Column]
    rows: list[Row] | Rows
    default_sort: str
    title: str = ""
    name: str = "rows"
    totals: Row = field(default_factory=dict)
    total_links: Mapping[str, str] = field(default_factory=dict)
    page_size: int = 100
    named: frozenset[str] = frozenset()  # columns that add_names fills
    add_names: Callable[[Sequence[Row]], None] = field(default=lambda rows: None)
    links: Callable[[Row], Mapping[str, str]] = field(default=lambda row: {})

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
        falling = by.startswith("-")
        if isinstance(self.rows, Rows):
            self.rows.sort(name, _sort_key, falling=falling)
        else:
            self.rows.sort(key=lambda row: row["key"])
            self.rows.sort(key=lambda row: _sort_key(row[name]), reverse=falling)
        return by, [] if known else [f"Sorting by “{str(asked)[:40]}” is unknown and was ignored."]

    def cells(self, rows: Sequence[Row]) -> list[list[Cell]]:
        """The given rows as they are shown, with their names and links."""
        self.add_names(rows)
        return [self._cells(row) for row in rows]

    def shown(self, rows: Sequence[Row], sort: str = "") -> Shown:
        """Some of the rows, under headings that tell the sorting; totals are of all."""
        headings = [_heading(column, sort) for column in self.columns]
        totals = [
            Cell(column, self.totals.get(column.name), self.total_links.get(column.name, "")) for column in self.columns
        ]
        return Shown(self, headings, self.cells(rows), totals if self.totals else [])

    def _cells(self, row: Row) -> list[Cell]:
        links, heat = self.links(row), row.get("heat", {})
        return [
            Cell(column, row[column.name], links.get(column.name, ""), heat.get(column.name)) for column in self.columns
        ]


def _drawn(cells: Sequence[Cell]) -> SafeString:
    return format_html_join("", "{}", ((cell.drawn(is_first=not number),) for number, cell in enumerate(cells)))


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


def told_change(percent: Decimal) -> str:
    """ "+12.5 %", "−3.0 %", "no change", "new"."""
    if percent == NEW:
        return "new"
    return f"{'−' if percent < 0 else '+'}{abs(percent):,} %" if percent else "no change"


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
            return "new" if value == NEW else f"{value:f}"
        case _:
            return str(value)
