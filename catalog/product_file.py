"""Products as a CSV file: written as a stream, read some hundred lines at a time into what they would change."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import F, QuerySet
from django.utils import timezone
from tablib import Dataset

from catalog import product_exported
from catalog.models import Product, Reason, StockMovement
from catalog.product_exported import Exported
from catalog.product_resource import COLUMNS, EXPORTED, LINE, PROBLEM, SPELLINGS, ProductResource, ReadLine
from catalog.stock_desk import BY_STAFF
from core import csv_input, csv_output
from core.csv_input import CsvError, Header

# How far back sales are looked at to find that a file is older than they are.
RECENT = timedelta(days=90)
# What the checks of the columns say of a cell, by their code.
WORDS = {
    "min_value": "is less than {limit_value}",
    "max_value": "is more than {limit_value}",
    "max_length": "is longer than {limit_value} characters",
    "max_digits": "has more than {max} digits",
    "max_whole_digits": "has more than {max} digits before the point",
}


@dataclass(frozen=True)
class BadLine:
    line: int
    told: str
    sku: str = ""  # as far as it can be read

    def shown(self) -> dict[str, Any]:
        return {"line": self.line, "told": self.told}


@dataclass(frozen=True)
class Change:
    """What a line would change: {field: [old, new]} beside the stock; a new product has no old.

    stock: before. mark: stands for what the columns of the file, the stock aside, said of the product before.
    as_written: what the stock would change by to be what the file says. delta: the same, or for an exported line, what
    the file says less the stock at the export. is_old: the file has the stock as it was before units were sold.
    """

    line: int
    product: Product
    is_new: bool
    changes: dict[str, list[Any]]
    stock: int
    delta: int
    mark: str
    as_written: int = 0
    is_old: bool = False
    was_exported: bool = False

    @property
    def other_delta(self) -> int:
        """What the stock may be changed by instead of delta, if who imports chooses so."""
        if self.was_exported:
            return self.as_written
        return 0 if self.is_old else self.delta

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
    """Yield the header, then each product."""
    resource, at = ProductResource(), timezone.now()
    rows = (
        [*resource.export_resource(product, selected_fields=COLUMNS), product_exported.cell(product, at=at)]
        for product in products.select_related("category").iterator(chunk_size=1000)
    )
    return csv_output.lines(chain([[*COLUMNS, EXPORTED]], rows))


def look_at_header(text: str) -> None:
    """Raise CsvError where the first line does not name the columns."""
    next(batches(text, 1))


def batches(text: str, size: int, *, after: int = 0) -> Iterator[Lines]:
    """Yield a file's products beyond a line, so many at a time and the rest, be it none. Raises CsvError."""
    lines = csv_input.lines(text)
    first = next(lines, None)
    header = _header(first.cells if first else [])
    columns = [name for name in header.names if name]
    rows: list[list[Any]] = []
    upto = first.end if first else 0
    for line in lines:
        upto = line.end
        if line.number > after:
            cells, problem = header.row(line.cells)
            rows.append([*(cells.get(name, "") for name in columns), line.number, problem])
        if len(rows) == size:
            yield Lines(columns, rows, upto)
            rows = []
    yield Lines(columns, rows, upto)


def _header(cells: list[str]) -> Header:
    header = Header.read(cells, SPELLINGS)
    if "sku" not in header.names or header.unknown:
        found = ", ".join(" ".join(cell.split()) for cell in cells if cell.strip()) or "nothing"
        unknown = f"; not known: {', '.join(header.unknown)[:300]}. Rename these columns, or remove them"
        raise CsvError(
            f"The first line has to name the columns: sku, and any of {', '.join(COLUMNS[1:])}. "
            f"It names {found[:500]}{unknown if header.unknown else ''}."
            f"{'' if 'sku' in header.names else ' The column sku is missing.'}"
        )
    return header


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
            BadLine(numbers[row.number - 1], _told(row.error, cells), str(cells.get("sku", ""))[:64])
            for row in result.invalid_rows
            for cells in [lines.cells(row.number)]
        ]
        columns = [name for name in lines.headers if name not in ("stock", EXPORTED)]
        stocks = _Stocks(self._resource.read)
        changes = []
        for each in self._resource.read:
            try:
                changes.append(_change(each, columns, stocks))
            except ValueError as error:
                bad.append(BadLine(each.line, str(error)))
        return changes, sorted(bad, key=lambda each: each.line)


class _Stocks:
    """What happened to the stock of some products: sales, and what staff counted."""

    def __init__(self, read: Sequence[ReadLine]) -> None:
        moved = [each for each in read if each.before and each.product.stock != each.before["stock"]]
        plain = {each.product.pk: each.product.stock for each in moved if not each.exported}
        sales = _movements(plain).filter(reason=Reason.SALE).annotate(before=F("stock_after") - F("delta"))
        said = sales.filter(before__in=set(plain.values()))
        self._before_sales = set(said.values_list("product", "before").distinct())
        exported = [each.product.pk for each in read if each.exported and each.has_stock]
        self._by_staff = list(_movements(exported).filter(reason__in=BY_STAFF).order_by("-movement_id"))

    def was_before_sales(self, product: Product) -> bool:
        """Return whether the stock that the file says is one from which units were sold."""
        return (product.pk, product.stock) in self._before_sales

    def changed_by_staff(self, product: Product, since: datetime) -> StockMovement | None:
        return next((each for each in self._by_staff if each.product_id == product.pk and each.moved_at > since), None)


def _movements(products: Iterable[int]) -> QuerySet[StockMovement]:
    return StockMovement.objects.filter(product__in=list(products), moved_at__gt=timezone.now() - RECENT)


def _change(read: ReadLine, columns: list[str], stocks: _Stocks) -> Change:
    """Raise ValueError where both the file and somebody else changed the same since the export."""
    product, before = read.product, read.before
    if before is None:
        is_back = read.exported is not None
        return Change(read.line, product, True, {}, 0, product.stock, "", product.stock, was_exported=is_back)
    said = repr([(name, getattr(before[name], "pk", before[name])) for name in columns])
    mark = hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:16]
    stock: int = before["stock"]
    as_written = delta = product.stock - stock
    if read.exported:
        _restore_what_the_export_showed(product, before, read.exported, columns)
        delta = _moved_since(read, stock, stocks) if read.has_stock else 0
    changes = {
        name: [old, getattr(product, name)]
        for name, old in before.items()
        if name != "stock" and old != getattr(product, name)
    }
    is_old = as_written > 0 and (delta < as_written if read.exported else stocks.was_before_sales(product))
    return Change(read.line, product, False, changes, stock, delta, mark, as_written, is_old, read.exported is not None)


def _restore_what_the_export_showed(
    product: Product, before: dict[str, Any], exported: Exported, columns: list[str]
) -> None:
    """Leave as they are the columns in which the file says what the export said."""
    for name in set(columns).intersection(product_exported.COMPARED):
        if exported.has(product, name, getattr(product, name)):
            setattr(product, name, before[name])
        elif not exported.has(product, name, before[name]) and before[name] != getattr(product, name):
            raise ValueError(
                f"{name}: was changed by a colleague since the export, to “{str(before[name])[:40]}”, and by the file, "
                f"to “{str(getattr(product, name))[:40]}”."
            )


def _moved_since(read: ReadLine, stock: int, stocks: _Stocks) -> int:
    """Return by what the file changes the stock that the export had."""
    assert read.exported
    delta = read.product.stock - read.exported.stock
    movement = stocks.changed_by_staff(read.product, read.exported.at) if delta else None
    if movement:
        raise ValueError(
            f"stock: was changed since the export ({movement}, by {movement.actor_name}), and by the file ({delta:+,})."
        )
    if stock + delta < 0:
        raise ValueError(f"stock: {stock:,} are left by now; changed by {delta:+,} that would be {stock + delta:,}.")
    return delta


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
