"""Orders that leave PostgreSQL, for tests of those who read them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from catalog.models import Product
from history.archive import leave, marks
from history.mirror import relay
from orders.models import Mail, Order


def archive(*orders: Order) -> None:
    """Have the mirror know these orders, which are finished, nobody wait for a mail about them, and archive them."""
    relay.drain()
    Mail.objects.filter(order__in=orders).update(due_at=None)
    archive_ids([order.pk for order in orders])


def delete_by_hand(product: Product) -> None:
    """Delete a product as only plain SQL can once archived orders hold it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM products WHERE product_id = %s", [product.pk])


def archive_ids(order_ids: Sequence[int]) -> None:
    outcome = leave.archive(order_ids, at=timezone.now())
    assert outcome.archived == len(order_ids), outcome
    marks.drain()
