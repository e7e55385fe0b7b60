"""Orders that left PostgreSQL, for tests of those who read them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from history import mongo
from history.mirror import relay
from history.models import ArchivedOrder
from history.triggers import capture_off
from orders.models import Order

LEAVE = """
DELETE FROM order_items WHERE order_id = ANY(%(orders)s);
DELETE FROM refunds WHERE order_id = ANY(%(orders)s);
DELETE FROM orders WHERE order_id = ANY(%(orders)s);
DELETE FROM history_events WHERE order_id = ANY(%(orders)s)
"""


def archive(*orders: Order) -> None:
    """Have the mirror know these orders, and archive them."""
    relay.drain()
    archive_ids([order.pk for order in orders])


def archive_ids(order_ids: Sequence[int]) -> None:
    wanted = {"order_id": {"$in": order_ids}}
    collection = mongo.for_writing()
    collection.update_many(wanted, {"$currentDate": {"archived_at": True}})
    digests = {document["order_id"]: document["digest"] for document in collection.find(wanted)}
    with capture_off(), connection.cursor() as cursor:
        ArchivedOrder.objects.bulk_create(
            ArchivedOrder(
                order_id=order.pk,
                user_id=order.customer_id,
                created_at=order.created_at,
                total_amount=order.total_amount,
                status=order.status,
                rev=order.rev,
                sha256=digests[order.pk],
            )
            for order in Order.objects.filter(pk__in=order_ids)
        )
        cursor.execute(LEAVE, {"orders": order_ids})
