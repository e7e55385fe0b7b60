"""The shape of a day's rollup: four kinds of documents in the collection `rollups`, their text `_id` "kind:day".

sums:      statuses: {status: {orders, units, cents, oldest}}, cohorts: {YYYY-MM: {active, new, second, second_soon}}
orders:    columns order_ids, user_ids, statuses, cents, units, created_at; one value per order of the day
lines:     columns order_ids, product_ids, statuses, quantities, cents; one value per item of these orders
durations: columns paid, paid_statuses, shipped, shipped_statuses, delivered, delivered_statuses; one value per order
           that got there

A column is binary: its values one after the other, little-endian, so that a million of them decode at once. What does
not fit into one document goes on in "kind:day+0001" and so on; `more` of the first says how many those are. `version`
rises with every writing (see keeper). Money is in cents, times are epoch milliseconds, durations whole minutes.
"""

from __future__ import annotations

import sys
from array import array
from datetime import date
from typing import Any

Document = dict[str, Any]

# Part of what is stored: add at the end, never reorder.
STATUSES = ("pending", "paid", "shipped", "delivered", "returned", "cancelled")
CODES = {status: code for code, status in enumerate(STATUSES)}

SUMS, ORDERS, LINES, DURATIONS = "sums", "orders", "lines", "durations"
KINDS = (SUMS, ORDERS, LINES, DURATIONS)
# What its time is counted from: placed → paid, paid → shipped, shipped → delivered.
STEPS = ("paid", "shipped", "delivered")

# Values of each column in one document: 41 bytes a row at most, and MongoDB takes 16 MiB.
ROWS = 250_000

# The document that says by what rules the others were computed; another zone or shape means: all anew.
RULES = "rules"
SHAPE = 1

INTEGER, CODE = "q", "B"


def column(name: str) -> array[int]:
    """An empty column: 64-bit integers, or one byte per status."""
    return array(CODE if name.endswith("statuses") else INTEGER)


def pack(values: array[int]) -> bytes:
    return _little_endian(values).tobytes()


def unpack(name: str, packed: bytes, into: array[int]) -> None:
    """Append the values of a column."""
    values = column(name)
    values.frombytes(packed)
    into.extend(_little_endian(values))


def _little_endian(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values = array(values.typecode, values)
        values.byteswap()
    return values


def document_id(kind: str, day: date, piece: int = 0) -> str:
    return f"{kind}:{day}" + (f"+{piece:04}" if piece else "")


def ids_between(kind: str, first: date, last: date) -> Document:
    """The condition for the documents of days, both included."""
    return {"$gte": document_id(kind, first), "$lte": f"{document_id(kind, last)}~"}


def day_of(document: Document) -> date:
    return date.fromisoformat(document["_id"].partition(":")[2][:10])


def piece_of(document: Document) -> int:
    return int(document["_id"].partition("+")[2] or 0)
