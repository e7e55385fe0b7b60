"""The documents of a day, a pure function of the orders placed on it."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import repeat
from typing import TypeAlias

from history.rollups import shape
from history.rollups.placed import Placed
from history.rollups.shape import CODE, CODES, INTEGER, Document

SECOND = 2

Columns: TypeAlias = "dict[str, array[int]]"


def documents(day: date, placed: Sequence[Placed]) -> list[Document]:
    """Return the documents of a day, those of a day without orders included; all but their versions."""
    sums: Document = {
        "_id": shape.document_id(shape.SUMS, day),
        "statuses": _statuses(placed),
        "cohorts": _cohorts(placed),
    }
    return [
        sums,
        *_pieces(shape.ORDERS, day, _orders(placed)),
        *_pieces(shape.LINES, day, _lines(placed)),
        *_pieces(shape.DURATIONS, day, _durations(placed)),
    ]


def _statuses(placed: Iterable[Placed]) -> Document:
    sums: Document = {}
    for order in placed:
        of_status = sums.setdefault(order.status, {"orders": 0, "units": 0, "cents": 0, "oldest": order.created_at})
        of_status["orders"] += 1
        of_status["units"] += sum(order.quantities or ())
        of_status["cents"] += order.cents
        of_status["oldest"] = min(of_status["oldest"], order.created_at)
    return {status: sums[status] for status in sorted(sums)}


def _cohorts(placed: Iterable[Placed]) -> Document:
    sums: Document = defaultdict(lambda: {"active": 0, "new": 0, "second": 0, "second_soon": 0})
    for order in placed:
        if order.cohort is None or not (order.is_first_of_month or order.nth == SECOND):
            continue
        cohort = sums[order.cohort]
        cohort["active"] += bool(order.is_first_of_month)
        cohort["new"] += order.nth == 1
        cohort["second"] += order.nth == SECOND
        cohort["second_soon"] += order.nth == SECOND and bool(order.is_soon)
    return {month: sums[month] for month in sorted(sums)}


def _orders(placed: Sequence[Placed]) -> Columns:
    return {
        "order_ids": array(INTEGER, (order.order_id for order in placed)),
        "user_ids": array(INTEGER, (order.user_id for order in placed)),
        "statuses": array(shape.CODE, (CODES[order.status] for order in placed)),
        "cents": array(INTEGER, (order.cents for order in placed)),
        "units": array(INTEGER, (sum(order.quantities or ()) for order in placed)),
        "created_at": array(INTEGER, (order.created_at for order in placed)),
    }


def _lines(placed: Sequence[Placed]) -> Columns:
    columns: Columns = {
        "order_ids": array(INTEGER),
        "product_ids": array(INTEGER),
        "statuses": array(CODE),
        "quantities": array(INTEGER),
        "cents": array(INTEGER),
    }
    for order in placed:
        products = order.product_ids or []
        columns["order_ids"].extend(repeat(order.order_id, len(products)))
        columns["product_ids"].extend(products)
        columns["statuses"].extend(repeat(CODES[order.status], len(products)))
        columns["quantities"].extend(order.quantities or [])
        columns["cents"].extend(order.line_cents or [])
    return columns


def _durations(placed: Iterable[Placed]) -> Columns:
    columns: Columns = {}
    for step in shape.STEPS:
        minutes = columns[step] = array(INTEGER)
        statuses = columns[f"{step}_statuses"] = array(CODE)
        for order in placed:
            taken = getattr(order, f"to_{step}")
            if taken is not None:
                minutes.append(taken)
                statuses.append(CODES[order.status])
    return columns


def _pieces(kind: str, day: date, columns: Columns) -> Iterator[Document]:
    """As many documents as MongoDB's limit asks for, one at least."""
    more = max(len(column) for column in columns.values()) // shape.ROWS
    for piece in range(more + 1):
        rows = slice(piece * shape.ROWS, (piece + 1) * shape.ROWS)
        yield {
            "_id": shape.document_id(kind, day, piece),
            "more": more,
            **{name: shape.pack(column[rows]) for name, column in columns.items()},
        }
