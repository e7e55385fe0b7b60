"""Reading orders as PostgreSQL holds them, each at one revision.

Source: PostgreSQL orders, order_items, history_events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import connection, transaction

# One statement is one snapshot: order, items and events of every row belong to the same revision, although other
# transactions commit meanwhile.
READ_ORDERS = """
SELECT wanted.order_id,
    (SELECT to_json(o) FROM (
        SELECT user_id, total_amount, status, created_at, rev, external_ref, shipping_address
        FROM orders WHERE orders.order_id = wanted.order_id) o),
    (SELECT json_agg(i ORDER BY order_item_id) FROM (
        SELECT order_item_id, product_id, sku, product_name, price, quantity
        FROM order_items WHERE order_items.order_id = wanted.order_id) i),
    (SELECT json_agg(e ORDER BY rev) FROM (
        SELECT rev, kind, status, occurred_at, is_time_known, actor_id, actor_name, note, changes
        FROM history_events WHERE history_events.order_id = wanted.order_id) e)
FROM unnest(%s::bigint[]) AS wanted (order_id)
"""

Row = dict[str, Any]


@dataclass
class OrderRows:
    """The rows of one order at one revision, parsed when first asked for: a row that cannot be is one order's trouble.

    order is None where it was deleted. Money is Decimal.
    """

    order_id: int
    order_text: str | None
    items_text: str | None
    events_text: str | None

    @cached_property
    def order(self) -> Row | None:
        parsed: Row | None = parse(self.order_text)
        return parsed

    @cached_property
    def items(self) -> list[Row]:
        return parse(self.items_text) or []

    @cached_property
    def events(self) -> list[Row]:
        return parse(self.events_text) or []

    @property
    def rev(self) -> int:
        """The revision these rows are; a deletion is the last event's."""
        return int(self.order["rev"] if self.order else self.events[-1]["rev"])


def read(order_ids: Iterable[int]) -> list[OrderRows]:
    """Return the rows of each order there is or was, in no particular order, by one statement."""
    with connection.cursor() as cursor:
        # As text: psycopg would parse JSON's numbers into float.
        cursor.execute(_AS_TEXT, [list(order_ids)])
        found = [OrderRows(*texts) for texts in cursor.fetchall()]
    return [rows for rows in found if rows.order_text or rows.events_text]


_AS_TEXT = f"SELECT order_id, a::text, b::text, c::text FROM ({READ_ORDERS}) AS rows (order_id, a, b, c)"  # noqa: S608


# One decoder for all: json.loads would make one each time.
_DECODER = json.JSONDecoder(parse_float=Decimal)


def parse(text: str | None) -> Any:
    """Read PostgreSQL's JSON; money stays exact."""
    return None if text is None else _DECODER.decode(text)


@contextmanager
def snapshot() -> Iterator[None]:
    """Have everything that is read within it be of one moment, whatever other transactions commit meanwhile."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def at(text: str) -> datetime:
    """Turn a timestamp out of PostgreSQL's JSON into an aware datetime."""
    return datetime.fromisoformat(text)
