"""A report: tiles, charts and tables, one set of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from history.reports import display
from history.reports.definitions import Definition, share
from history.reports.tables import NEW, Table, told_change

# The sparkline's own units; the page stretches it.
SPARK_WIDTH, SPARK_HEIGHT = 100, 24


def change(value: Decimal | int | None, before: Decimal | int | None) -> Decimal | None:
    """In percent since `before`, NEW where there was nothing, None where nothing is compared."""
    if before is None or value is None or (not before and not value):
        return None
    return share(value - before, before) if before else NEW


@dataclass(frozen=True)
class Tile:
    """href: what opens the orders or customers behind the value; spark: the value over the period."""

    label: str
    value: Any
    kind: str
    before: Decimal | int | None = None  # None: compared with nothing
    href: str = ""
    spark: Sequence[Decimal | int] = ()

    @property
    def shown(self) -> SafeString | str:
        """For people, linked."""
        text = display.shown(self.kind, self.value)
        return format_html('<a href="{}">{}</a>', self.href, text) if self.href else text

    @property
    def change(self) -> str:
        """ "+12.5 %" since `before`, "new" where there was nothing, "" without a comparison."""
        percent = change(self.value, self.before)
        return "" if percent is None else told_change(percent)

    @property
    def rises(self) -> bool:
        return self.before is not None and self.value is not None and self.value > self.before

    @property
    def spark_points(self) -> str:
        """The line through the values, for an SVG of SPARK_WIDTH by SPARK_HEIGHT; "" where there is none."""
        highest = max(self.spark, default=0)
        if len(self.spark) < 2 or not highest:
            return ""
        step = Decimal(SPARK_WIDTH) / (len(self.spark) - 1)
        return " ".join(
            f"{number * step:.1f},{SPARK_HEIGHT - value * SPARK_HEIGHT / highest:.1f}"
            for number, value in enumerate(self.spark)
        )


@dataclass(frozen=True)
class Chart:
    """What to draw of a table: kind is Chart.js's, label and values are columns; dashed ones are for comparison."""

    kind: str
    label: str
    values: Sequence[str]
    title: str
    table: str = "rows"
    dashed: str = ""


@dataclass
class Report:
    """One question's answer. The first table is the one that is sorted, paged and given as CSV if no other is named."""

    tiles: Sequence[Tile]
    tables: Sequence[Table]
    charts: Sequence[Chart]
    definitions: Sequence[Definition]
    unit: str = ""  # of time, that a row stands for
    notes: Sequence[str] = ()

    @property
    def table(self) -> Table:
        return self.tables[0]

    @property
    def is_empty(self) -> bool:
        numbers = [column.name for column in self.table.columns if column.is_number]
        return not any(row[name] for row in self.table.rows for name in numbers)
