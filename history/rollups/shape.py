"""The shape of the rollups: documents of the collection `rollups`, four kinds, each with a text `_id`.

"sums:2017-11"         of a month, by day: {statuses, cohorts}, rows of five numbers (build.py says which)
"durations:2017-11"    of a month, by day: columns paid, paid_statuses, shipped, shipped_statuses, delivered,
                       delivered_statuses; one value per order that got there
"orders:2017-11-24"    columns order_ids, user_ids, statuses, cents, units, created_at; one value per order of the day
"lines:2017-11-24"     columns order_ids, product_ids, statuses, quantities, cents; one per item of these orders

Small kinds lie together by month, so that years are few documents; the others are rewritten day by day. Numbers are
binary, one after the other, little-endian, 64 bits or one byte per status: a million of them decode at once. What does
not fit into one document goes on in "orders:2017-11-24+0001" and so on; `more` of the first says how many those are.
`kind`, `span` (what follows the colon) and `piece` are what they are found by; `version` rises with every writing of a
day (see keeper). Money is in cents, times are epoch milliseconds, durations whole minutes.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from datetime import date
from typing import Any

Document = dict[str, Any]

# Part of what is stored: add at the end, never reorder.
STATUSES = ("pending", "paid", "shipped", "delivered", "returned", "cancelled")
CODES = {status: code for code, status in enumerate(STATUSES)}

SUMS, DURATIONS, ORDERS, LINES = "sums", "durations", "orders", "lines"
MONTHLY, DAILY = (SUMS, DURATIONS), (ORDERS, LINES)
# What its time is counted from: placed → paid, paid → shipped, shipped → delivered.
STEPS = ("paid", "shipped", "delivered")

# Values of each column in one document: 41 bytes a row at most, and MongoDB takes 16 MiB.
ROWS = 250_000

# The document that says by what rules the others were counted; another zone or shape means: all anew.
RULES = "rules"
SHAPE = 1

INTEGER, CODE = "q", "B"

SORT = [("kind", 1), ("span", 1), ("piece", 1)]
# What a document of a day is found and guarded by; the rest is content.
IDENTITY = ("_id", "kind", "span", "piece", "version")


def column(name: str) -> array[int]:
    """An empty column: 64-bit integers, or one byte per status."""
    return array(CODE if name.endswith("_statuses") or name == "statuses" else INTEGER)


def pack(values: array[int]) -> bytes:
    return _little_endian(values).tobytes()


def unpack(packed: bytes, into: array[int]) -> array[int]:
    """Append the numbers to an array of their type, and return it."""
    if sys.byteorder == "little":
        into.frombytes(packed)
    else:
        into.extend(_little_endian(array(into.typecode, packed)))
    return into


def _little_endian(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values = array(values.typecode, values)
        values.byteswap()
    return values


def span_of(kind: str, day: date) -> str:
    return day.isoformat()[:7] if kind in MONTHLY else day.isoformat()


def document_id(kind: str, day: date, piece: int = 0) -> str:
    return f"{kind}:{span_of(kind, day)}" + (f"+{piece:04}" if piece else "")


def found_by(kind: str, day: date, piece: int = 0) -> Document:
    return {"kind": kind, "span": span_of(kind, day), "piece": piece}


def between(kind: str, first: date, last: date) -> Document:
    """The condition for the documents of days, both included; of whole months where they lie together."""
    # Not $lte: with it the embedded server leaves out the last where the index has another field after.
    return {"kind": kind, "span": {"$gte": span_of(kind, first), "$lt": f"{span_of(kind, last)}~"}}


def among(kind: str, days: Iterable[date]) -> Document:
    """The condition for the documents of single days."""
    return {"kind": kind, "span": {"$in": [span_of(kind, day) for day in days]}}


def key_of(day: date) -> str:
    """What a day is called in the document of its month."""
    return f"{day.day:02}"


def day_of(document: Document, key: str = "") -> date:
    """The day of a document, or of what a month has under a key."""
    return date.fromisoformat(f"{document['span']}-{key}" if key else document["span"])
