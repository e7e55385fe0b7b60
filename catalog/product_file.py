"""Products as a CSV file: written as a stream, read into a plan of what it would change."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from tablib import Dataset

from catalog.models import Product
from catalog.product_resource import COLUMNS, LINE, PROBLEM, ProductResource
from config import csv_cells

LARGEST_CELL = 1_000_000  # characters


class FileError(Exception):
    """Nothing of the file can be read; the text says why."""


@dataclass(frozen=True)
class BadLine:
    line: int
    told: str


@dataclass(frozen=True)
class Change:
    """What a line would change: {field: [old, new]} beside the stock; a new product has no old."""

    line: int
    product: Product
    is_new: bool
    changes: dict[str, list[Any]]
    delta: int

    @property
    def told(self) -> list[tuple[str, list[str]]]:
        """The changes in words."""
        return [
            (name, ["none" if value is None else str(value) for value in pair]) for name, pair in self.changes.items()
        ]


@dataclass
class Plan:
    changes: list[Change] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    unchanged: int = 0

    def moves(self) -> dict[str, int]:
        """By how much the stock of each product there is would change (key: product_id as text, for JSON)."""
        return {str(each.product.pk): each.delta for each in self.changes if not each.is_new and each.delta}


def write(products: QuerySet[Product]) -> Iterator[str]:
    """The header, then each product; what a spreadsheet would calculate is defused."""
    resource = ProductResource()
    yield from csv_cells.lines([COLUMNS])
    yield from csv_cells.lines(
        resource.export_resource(product, selected_fields=COLUMNS)
        for product in products.select_related("category").iterator(chunk_size=1000)
    )


def read(text: str, *, moves: Mapping[str, int] | None = None) -> Plan:
    """Return what a file would change, and which lines are bad; raises FileError.

    moves: as an earlier plan of the same file has it, for what was sold since: the differences count, not the numbers.
    """
    resource = ProductResource()
    dataset = _dataset(text)
    result = resource.import_data(dataset, dry_run=True, raise_errors=False)
    failures = [error.error for error in result.base_errors] + [each for _, row in result.row_errors() for each in row]
    if failures:
        failure = getattr(failures[0], "error", failures[0])
        raise failure
    numbers = dataset[LINE]
    plan = Plan(bad=[BadLine(numbers[row.number - 1], _told(row.error)) for row in result.invalid_rows])
    for line, product, before in resource.read:
        change = _change(line, product, before, moves)
        if change.is_new or change.changes or change.delta:
            plan.changes.append(change)
        else:
            plan.unchanged += 1
    return plan


def _change(line: int, product: Product, before: dict[str, Any] | None, moves: Mapping[str, int] | None) -> Change:
    if before is None:
        return Change(line, product, True, {}, product.stock)
    delta = product.stock - before["stock"] if moves is None else moves.get(str(product.pk), 0)
    changes = {
        name: [old, getattr(product, name)]
        for name, old in before.items()
        if name != "stock" and old != getattr(product, name)
    }
    return Change(line, product, False, changes, delta)


def _dataset(text: str) -> Dataset:
    """The file's lines, each with its number and what is wrong with it as a line."""
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        headers = [name.strip() for name in next(reader, [])]
        _look_at(headers)
        dataset = Dataset(headers=[*headers, LINE, PROBLEM])
        number = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                dataset.append(_cells(cells, len(headers), number))
            number = reader.line_num + 1
    except csv.Error as error:
        raise FileError(f"Line {reader.line_num} is no CSV: {error}.") from error
    return dataset


def _look_at(headers: list[str]) -> None:
    unknown = [name for name in headers if name not in COLUMNS]
    if "sku" not in headers or unknown or len(set(headers)) < len(headers):
        told = f"; not known: {', '.join(unknown)[:200]}" if unknown else ""
        raise FileError(
            f"The first line has to name the columns, sku and others once each, of {', '.join(COLUMNS)}{told}."
        )


def _cells(cells: list[str], width: int, number: int) -> list[Any]:
    problem = "" if len(cells) == width else f"{len(cells)} cells instead of {width}."
    return [*(cells + [""] * width)[:width], number, problem]


def _told(error: Any) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
