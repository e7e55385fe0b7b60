"""The inverse of history/mirror/documents.py: the rows of an order out of its document, column by column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from history.mirror.documents import Document, plain
from history.mirror.source import Row

# What is called otherwise in a document than the column.
OF_ITEM = {"name": "product_name"}
OF_EVENT = {"timestamp": "occurred_at", "time_known": "is_time_known", "actor": "actor_name"}
NOT_OF_ORDER = ("_id", "products", "refunds", "events", "archived_at", "digest")


@dataclass(frozen=True)
class Rows:
    """The rows of one order as history.mirror.source reads them: times are ISO texts, money and exact numbers Decimal.

    Every row has its order_id.
    """

    order: Row
    items: list[Row]
    refunds: list[Row]
    events: list[Row]

    def by_table(self) -> dict[str, list[Row]]:
        """Return the rows by table, in an order in which they can be inserted."""
        return {
            "orders": [self.order],
            "order_items": self.items,
            "refunds": self.refunds,
            "history_events": self.events,
        }


def rows(document: Document) -> Rows:
    """Return the rows that this document was made of; it must be sound, and no tombstone."""
    order_id = int(document["order_id"])
    return Rows(
        _row({name: value for name, value in document.items() if name not in NOT_OF_ORDER}, order_id),
        [_row(product, order_id, OF_ITEM) for product in document["products"]],
        [_row(refund, order_id) for refund in document["refunds"]],
        [_row(event, order_id, OF_EVENT) for event in document["events"]],
    )


def _row(held: Document, order_id: int, columns: Mapping[str, str] = {}) -> Row:
    row = {columns.get(name, name): _value(held, name) for name in held if not name.endswith("_us")}
    return {"order_id": order_id, **row}


def _value(held: Document, name: str) -> Any:
    value = held[name]
    if isinstance(value, datetime):
        return (value + timedelta(microseconds=held[f"{name}_us"])).isoformat()
    return plain(value)


def json_text(value: Any) -> str:
    """Return JSON as PostgreSQL reads it, every Decimal a number with all its digits."""
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else f'"{value}"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{json_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value)
