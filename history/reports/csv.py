"""A table as CSV: the screen's rows and columns, all of them."""

from __future__ import annotations

from collections.abc import Iterator

from config import csv_cells
from history.reports.tables import Cell, Table


def lines(table: Table) -> Iterator[str]:
    """The header, then each row: ISO dates, plain decimals, text that would be a formula made harmless."""
    yield from csv_cells.lines([[column.name for column in table.columns]])
    yield from csv_cells.lines([_text(cell) for cell in cells] for cells in table.cells(table.rows))


def _text(cell: Cell) -> str:
    return csv_cells.defused(cell.plain) if isinstance(cell.value, str) else cell.plain
