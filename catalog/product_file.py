"""Products as a CSV file: written as a stream, read some hundred lines at a time into what they would change."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import QuerySet
from tablib import Dataset

from catalog.models import Product
from catalog.product_resource import COLUMNS, LINE, PROBLEM, ProductResource
from core import csv_output

LARGEST_CELL = 1_000_000  # characters
# What the checks of the columns say of a cell, by their code.
WORDS = {
    "min_value": "is less than {limit_value}",
    "max_value": "is more than {limit_value}",
    "max_length": "is longer than {limit_value} characters",
    "max_digits": "has more than {max} digits",
    "max_whole_digits": "has more than {max} digits before the point",
}


class FileError(Exception):
    """Nothing of the file can be read; the text says why."""


@dataclass(frozen=True)
class BadLine:
    line: int
    told: str


@dataclass(frozen=True)
class Change:
    """What a line would change: {field: [old, new]} beside the stock; a new product has no old.

    stock: before. mark: stands for what the columns of the file, the stock aside, said of the product before.
    """

    line: int
    product: Product
    is_new: bool
    changes: dict[str, list[Any]]
    stock: int
    delta: int
    mark: str

    @property
    def is_none(self) -> bool:
        return not (self.is_new or self.changes or self.delta)


@dataclass(frozen=True)
class Lines:
    """Some products of a file; upto: the number of the last line of text that they take."""

    headers: list[str]
    rows: list[list[Any]]  # each ends with its number and what is wrong with it as a line
    upto: int

    def numbers(self) -> list[int]:
        return [row[-2] for row in self.rows]

    def cells(self, place: int) -> dict[str, Any]:
        """The product at a place, from 1, by its columns."""
        return dict(zip(self.headers, self.rows[place - 1], strict=False))

    def only(self, numbers: Container[int]) -> Lines:
        return replace(self, rows=[row for row in self.rows if row[-2] in numbers])


def write(products: QuerySet[Product]) -> Iterator[str]:
    """The header, then each product; what a spreadsheet would calculate is defused."""
    resource = ProductResource()
    rows = (
        resource.export_resource(product, selected_fields=COLUMNS)
        for product in products.select_related("category").iterator(chunk_size=1000)
    )
    return csv_output.lines(chain([COLUMNS], rows))


def look_at_header(text: str) -> None:
    """Raise FileError where the first line does not name the columns."""
    next(batches(text, 1))


def batches(text: str, size: int, *, after: int = 0) -> Iterator[Lines]:
    """Yield a file's products beyond a line, so many at a time and the rest, be it none; raises FileError."""
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    rows: list[list[Any]] = []
    try:
        headers = [name.strip() for name in next(reader, [])]
        _look_at(headers)
        number = reader.line_num + 1
        for cells in reader:
            if number > after and any(cell.strip() for cell in cells):
                rows.append(_cells(cells, len(headers), number))
            if len(rows) == size:
                yield Lines(headers, rows, reader.line_num)
                rows = []
            number = reader.line_num + 1
    except csv.Error as error:
        raise FileError(f"Line {reader.line_num} is no CSV: {error}.") from error
    yield Lines(headers, rows, reader.line_num)


class Reader:
    """Says what lines would change; it knows those it has read, so that each product has one line."""

    def __init__(self) -> None:
        self._resource = ProductResource()

    def read(self, lines: Lines) -> tuple[list[Change], list[BadLine]]:
        """Return what each good line would change by now, be it nothing, and the bad lines."""
        self._resource.read.clear()
        dataset = Dataset(*lines.rows, headers=[*lines.headers, LINE, PROBLEM])
        result = self._resource.import_data(dataset, dry_run=True, raise_errors=False)
        failures = [each.error for each in result.base_errors]
        failures += [each.error for _, row in result.row_errors() for each in row]
        if failures:
            raise failures[0]
        numbers = dataset[LINE]
        bad = [
            BadLine(numbers[row.number - 1], _told(row.error, lines.cells(row.number))) for row in result.invalid_rows
        ]
        columns = [name for name in lines.headers if name != "stock"]
        return [_change(line, product, before, columns) for line, product, before in self._resource.read], bad


def _change(line: int, product: Product, before: dict[str, Any] | None, columns: list[str]) -> Change:
    if before is None:
        return Change(line, product, True, {}, 0, product.stock, "")
    changes = {
        name: [old, getattr(product, name)]
        for name, old in before.items()
        if name != "stock" and old != getattr(product, name)
    }
    stock: int = before["stock"]
    said = repr([(name, getattr(before[name], "pk", before[name])) for name in columns])
    mark = hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:16]
    return Change(line, product, False, changes, stock, product.stock - stock, mark)


def _look_at(headers: list[str]) -> None:
    if any(";" in name for name in headers):
        raise FileError(
            "The columns are separated by semicolons. Save the file with commas between them and points in the prices: "
            "in LibreOffice by “Edit filter settings”, in Excel with English as the region of the computer."
        )
    unknown = [name for name in headers if name not in COLUMNS]
    if "sku" not in headers or unknown or len(set(headers)) < len(headers):
        told = f"; not known: {', '.join(unknown)[:200]}" if unknown else ""
        raise FileError(
            f"The first line has to name the columns, sku and others once each, of {', '.join(COLUMNS)}{told}."
        )


def _cells(cells: list[str], width: int, number: int) -> list[Any]:
    problem = "" if len(cells) == width else f"{len(cells)} cells instead of {width}."
    return [*(cells + [""] * width)[:width], number, problem]


def _told(error: ValidationError, cells: dict[str, Any]) -> str:
    """What is wrong with a line, of each column its name, and what stands there."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        _told_cell(name, str(cells.get(name, "")), each) for name, errors in error.error_dict.items() for each in errors
    )


def _told_cell(name: str, cell: str, error: ValidationError) -> str:
    told = " ".join(error.messages)
    if name == NON_FIELD_ERRORS:
        return told
    if not cell.strip():
        return f"{name}: is empty."
    if error.code not in WORDS:
        return f"{name}: {told}"
    return f"{name}: “{cell[:40]}” {WORDS[error.code].format(**(error.params or {}))}."
