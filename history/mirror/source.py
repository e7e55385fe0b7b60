"""Reading orders as PostgreSQL holds them, each at one revision.

Source: PostgreSQL orders, order_items, refunds, history_events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.functional import cached_property

from core.db.transactions import waiting_transaction

# All that an order is, column by column: its document holds these, and an archived order comes back out of them.
ORDER = (
    *("user_id", "total_amount", "status", "created_at", "rev", "external_ref", "idempotency_key", "shipping_address"),
    *("holds_stock", "changed_by", "changed_by_name", "changed_at", "change_note", "told_customer_at"),
)
ITEM = ("order_item_id", "product_id", "sku", "product_name", "price", "quantity")
REFUND = ("refund_id", "amount", "items", "reason", "is_last", "refunded_by", "refunded_by_name", "refunded_at")
EVENT = (
    *("event_id", "rev", "kind", "status", "occurred_at", "is_time_known", "actor_id", "actor_name", "note", "changes"),
    *("recorded_at", "transaction_id"),
)

# One statement is one snapshot: order, items, refunds and events of every row belong to the same revision, although
# other transactions commit meanwhile. As text: psycopg would parse JSON's numbers into float.
READ_ORDERS = f"""
SELECT wanted.order_id,
    (SELECT to_json(o) FROM (SELECT {", ".join(ORDER)} FROM orders WHERE orders.order_id = wanted.order_id) o)::text,
    (SELECT json_agg(i ORDER BY order_item_id) FROM (
        SELECT {", ".join(ITEM)} FROM order_items WHERE order_items.order_id = wanted.order_id) i)::text,
    (SELECT json_agg(r ORDER BY refund_id) FROM (
        SELECT {", ".join(REFUND)} FROM refunds WHERE refunds.order_id = wanted.order_id) r)::text,
    (SELECT json_agg(e ORDER BY rev) FROM (
        SELECT {", ".join(EVENT)} FROM history_events WHERE history_events.order_id = wanted.order_id) e)::text
FROM unnest(%s::bigint[]) AS wanted (order_id)
"""  # noqa: S608 - nothing in it comes from outside

Row = dict[str, Any]


@dataclass
class OrderRows:
    """The rows of one order at one revision, parsed when first asked for: a row that cannot be is one order's trouble.

    order is None where it was deleted. Money is Decimal.
    """

    order_id: int
    order_text: str | None
    items_text: str | None
    refunds_text: str | None
    events_text: str | None

    @cached_property
    def order(self) -> Row | None:
        parsed: Row | None = parse(self.order_text)
        return parsed

    @cached_property
    def items(self) -> list[Row]:
        return parse(self.items_text) or []

    @cached_property
    def refunds(self) -> list[Row]:
        return parse(self.refunds_text) or []

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
        cursor.execute(READ_ORDERS, [list(order_ids)])
        found = [OrderRows(*texts) for texts in cursor.fetchall()]
    return [rows for rows in found if rows.order_text or rows.events_text]


# One decoder for all: json.loads would make one each time.
_DECODER = json.JSONDecoder(parse_float=Decimal)


def parse(text: str | None) -> Any:
    """Read PostgreSQL's JSON; money stays exact."""
    return None if text is None else _DECODER.decode(text)


@contextmanager
def snapshot() -> Iterator[None]:
    """Have everything that is read within it be of one moment, whatever other transactions commit meanwhile."""
    with waiting_transaction(durable=True) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def at(text: str) -> datetime:
    """Turn a timestamp out of PostgreSQL's JSON into an aware datetime."""
    return datetime.fromisoformat(text)
