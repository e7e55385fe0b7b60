"""A table as CSV: the screen's rows and columns, all of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from core import csv_output
from core.csv_output import Plain
from history.reports.tables import Cell, Table


def lines(table: Table) -> Iterator[str]:
    """The header, then each row: ISO dates, plain decimals, text that would be a formula made harmless."""
    rows = ([_text(cell) for cell in cells] for cells in table.cells(table.rows))
    return csv_output.lines(chain([[column.name for column in table.columns]], rows))


def _text(cell: Cell) -> str:
    return cell.plain if isinstance(cell.value, str) else Plain(cell.plain)
