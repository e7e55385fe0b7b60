"""What the rollups say of a day, a pure function of the orders placed on it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain, repeat
from typing import TypeAlias

from core.row_isolation import Isolation, attempt
from history.rollups import queue, shape, source
from history.rollups.placed import Placed
from history.rollups.shape import CODE, CODES, INTEGER, Document

SECOND = 2

Columns: TypeAlias = "dict[str, array[int]]"
Parts = dict[str, list[Document]]


def days(wanted: Sequence[date]) -> dict[date, Parts]:
    """Return what is kept of each day, read from PostgreSQL; an order that cannot be counted is left out of its day."""
    counted, error = attempt(_days, (wanted, None), savepoint=True)
    if counted is not None and error is None:
        return counted
    order_ids = sorted(queue.orders_of(wanted))
    return ORDERS.run(order_ids, lambda some: _days((wanted, some)))


def _days(chosen: tuple[Sequence[date], Sequence[int] | None]) -> dict[date, Parts]:
    return {day: parts(placed) for day, placed in source.read(*chosen)}


def _recheck(order_id: int) -> None:
    day = list(queue.day_of(order_id))
    _days((day, [order_id]))
    queue.add_days(day)


ORDERS: Isolation[int] = Isolation("Reports", "orders", _recheck)


def parts(placed: Sequence[Placed]) -> Parts:
    """Return by kind what is kept of a day, of one without orders too: one content, or several of a big day."""
    return {
        shape.SUMS: [{"statuses": _rows(_statuses(placed)), "cohorts": _rows(_cohorts(placed))}],
        shape.DURATIONS: [{name: shape.pack(column) for name, column in _durations(placed).items()}],
        shape.ORDERS: list(_pieces(_orders(placed))),
        shape.LINES: list(_pieces(_lines(placed))),
    }


def _statuses(placed: Iterable[Placed]) -> dict[int, list[int]]:
    """By code of status: orders, units, cents, oldest created_at."""
    sums: dict[int, list[int]] = {}
    for order in placed:
        row = sums.setdefault(CODES[order.status], [0, 0, 0, order.created_at])
        row[0] += 1
        row[1] += sum(order.quantities or ())
        row[2] += order.cents
        row[3] = min(row[3], order.created_at)
    return sums


def _cohorts(placed: Iterable[Placed]) -> dict[int, list[int]]:
    """By month of the customer's first counted order, as YYYYMM: active, new, second, second soon."""
    sums: dict[int, list[int]] = {}
    for order in placed:
        if order.cohort is None or not (order.is_first_of_month or order.nth == SECOND):
            continue
        row = sums.setdefault(order.cohort, [0, 0, 0, 0])
        row[0] += bool(order.is_first_of_month)
        row[1] += order.nth == 1
        row[2] += order.nth == SECOND
        row[3] += order.nth == SECOND and bool(order.is_soon)
    return sums


def _orders(placed: Sequence[Placed]) -> Columns:
    return {
        "order_ids": array(INTEGER, (order.order_id for order in placed)),
        "user_ids": array(INTEGER, (order.user_id for order in placed)),
        "statuses": array(CODE, (CODES[order.status] for order in placed)),
        "cents": array(INTEGER, (order.cents for order in placed)),
        "units": array(INTEGER, (sum(order.quantities or ()) for order in placed)),
        "created_at": array(INTEGER, (order.created_at for order in placed)),
    }


def _lines(placed: Sequence[Placed]) -> Columns:
    columns = {name: shape.column(name) for name in ("order_ids", "product_ids", "statuses", "quantities", "cents")}
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


def _rows(sums: dict[int, list[int]]) -> bytes:
    return shape.pack(array(INTEGER, chain.from_iterable([key, *sums[key]] for key in sorted(sums))))


def _pieces(columns: Columns) -> Iterator[Document]:
    """As many documents as MongoDB's limit asks for, one at least."""
    longest = max(len(column) for column in columns.values())
    more = max(longest - 1, 0) // shape.ROWS
    for piece in range(more + 1):
        rows = slice(piece * shape.ROWS, (piece + 1) * shape.ROWS)
        yield {"more": more} | {name: shape.pack(column[rows]) for name, column in columns.items()}
