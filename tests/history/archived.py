"""Orders that leave PostgreSQL, for tests of those who read them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from history.archive import leave, marks
from history.mirror import relay
from orders.models import Mail, Order


def archive(*orders: Order) -> None:
    """Have the mirror know these orders, which are finished, nobody wait for a mail about them, and archive them."""
    relay.drain()
    Mail.objects.filter(order__in=orders).update(due_at=None)
    archive_ids([order.pk for order in orders])


def archive_ids(order_ids: Sequence[int]) -> None:
    outcome = leave.archive(order_ids, at=timezone.now())
    assert outcome.archived == len(order_ids), outcome
    marks.drain()
