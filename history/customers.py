"""What customers ordered, live or archived, for staff who look at people. Source: PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from history.every_order import EveryOrder
from orders.status import WITHOUT_REVENUE

TOTALS = """
SELECT user_id, count(*), coalesce(sum(total_amount) FILTER (WHERE status <> ALL(%s)), 0)
FROM every_order WHERE user_id = ANY(%s) GROUP BY user_id
"""


@dataclass(frozen=True)
class Ordered:
    """orders: all of them; spent: the money of those neither cancelled nor returned."""

    orders: int = 0
    spent: Decimal = Decimal(0)


def ordered_by(user_ids: Sequence[int]) -> dict[int, Ordered]:
    """Return what each of these people ordered, by one statement; who ordered nothing is not in it."""
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, [list(WITHOUT_REVENUE), list(user_ids)])
        return {user_id: Ordered(count, spent) for user_id, count, spent in cursor.fetchall()}


def who_ordered(order_id: int) -> list[int]:
    """Return whose order has this number, if there is one, live or archived."""
    return list(EveryOrder.objects.filter(pk=order_id).values_list("customer_id", flat=True))
