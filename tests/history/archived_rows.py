"""Every row of orders as the database has it, column by column, to compare before and after an archive."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection

# All that belongs to an order, by its key.
TABLES = {"orders": "order_id", "order_items": "order_item_id", "refunds": "refund_id", "history_events": "event_id"}
# When and how an event was delivered, and of which request it came, is bookkeeping and nothing of the order.
BOOKKEEPING = ("delivered_at", "attempts", "error", "request_id")

Rows = dict[str, list[dict[str, Any]]]


def rows_of(order_ids: Iterable[int]) -> Rows:
    """Return the rows of these orders by table, numbers with a point as text; a table without any is there too."""
    wanted = list(order_ids)
    found = {}
    with connection.cursor() as cursor:
        for table, key in TABLES.items():
            cursor.execute(
                f"SELECT to_json(t)::text FROM {table} t WHERE order_id = ANY(%s) ORDER BY {key}",
                [wanted],
            )
            rows = [json.loads(text, parse_float=str) for (text,) in cursor.fetchall()]
            found[table] = [{name: row[name] for name in row if name not in BOOKKEEPING} for row in rows]
    return found


def by_order(order_ids: Iterable[int]) -> dict[int, Rows]:
    """Return the rows of each order that is there."""
    found: dict[int, Rows] = defaultdict(lambda: {table: [] for table in TABLES})
    for table, rows in rows_of(order_ids).items():
        for row in rows:
            found[row["order_id"]][table].append(row)
    return dict(found)
