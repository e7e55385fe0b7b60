"""A table as CSV: the screen's rows and columns, all of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from history.reports.tables import Cell, Table

# Spreadsheets take text that begins like this for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """Gives csv.writer's lines back instead of keeping them."""

    def write(self, line: str) -> str:
        return line


def lines(table: Table) -> Iterator[str]:
    """The header, then each row: ISO dates, plain decimals, text that would be a formula made harmless."""
    writer: Any = csv.writer(_Line())
    yield writer.writerow([column.name for column in table.columns])
    for cells in table.cells(table.rows):
        yield writer.writerow([_text(cell) for cell in cells])


def _text(cell: Cell) -> str:
    is_dangerous = isinstance(cell.value, str) and cell.value.startswith(FORMULA_STARTS)
    return f"'{cell.plain}" if is_dangerous else cell.plain
