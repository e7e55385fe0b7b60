"""Numbers that were given already, although PostgreSQL, come back from an older copy, would give them again.

An order of a number that a customer was told, or an event of one that MongoDB has, would be taken for the other.
Source: PostgreSQL sequences; what differs in MongoDB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from django.db import connection

from history.mirror.activity_compare import ActivityDifference
from history.mongo import Document

COLUMNS = {
    "orders": "order_id",
    "order_items": "order_item_id",
    "refunds": "refund_id",
    "history_events": "event_id",
    "users": "user_id",
    "products": "product_id",
}
# What was given in the last moments may never have reached MongoDB.
GAP = 1000

MOVE_ON = """
SELECT setval(sequence, greatest(coalesce(pg_sequence_last_value(sequence::regclass), 0), %(highest)s) + %(gap)s) + 1
FROM pg_get_serial_sequence(%(table)s, %(column)s) AS sequence
"""


def see_orders(highest: Counter[str], documents: Iterable[Document]) -> None:
    """Note the numbers in orders' documents."""
    for document in documents:
        for table, number in _of_order(document):
            if isinstance(number, int):
                highest[table] = max(highest[table], number)


def see_activity(highest: Counter[str], differences: Iterable[ActivityDifference]) -> None:
    """Note the numbers in activity that differs."""
    for each in differences:
        if each.document:
            highest["history_events"] = max(highest["history_events"], each.event_id)
            table = {"user": "users", "product": "products"}.get(each.document["subject"])
            if table:
                highest[table] = max(highest[table], each.document["subject_id"] or 0)


def move_on(highest: Counter[str]) -> dict[str, int]:
    """Have every table go on well above its own numbers and those seen; return where."""
    moved = {}
    with connection.cursor() as cursor:
        for table, column in COLUMNS.items():
            cursor.execute(MOVE_ON, {"table": table, "column": column, "highest": highest[table], "gap": GAP})
            moved[table] = int(cursor.fetchone()[0])
    return moved


def _of_order(document: Document) -> Iterator[tuple[str, object]]:
    yield "orders", document.get("order_id")
    yield "users", document.get("user_id")
    for product in document.get("products", ()):
        yield "products", product.get("product_id")
        yield "order_items", product.get("order_item_id")
    for refund in document.get("refunds", ()):
        yield "refunds", refund.get("refund_id")
    for event in document.get("events", ()):
        yield "history_events", event.get("event_id")
