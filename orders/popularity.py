"""What sells best: units ordered lately, counted now and then onto the products, where lists sort by them."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from orders.status import WITHOUT_REVENUE

LATELY = timedelta(days=90)
HOUR = 3600.0
BATCH = 2000

# Only rows whose number changed, and none that a sale holds: who counts never makes an order wait long, and an order
# never makes the counting wait. What is skipped is counted the next time.
COUNT = """
WITH sold AS (
    SELECT product_id, least(sum(quantity), 2147483647) AS units FROM order_items JOIN orders USING (order_id)
    WHERE orders.created_at > %s AND orders.created_at <= %s AND orders.status <> ALL(%s)
    GROUP BY product_id
), changed AS (
    SELECT products.product_id, coalesce(sold.units, 0) AS units FROM products LEFT JOIN sold USING (product_id)
    WHERE products.units_sold <> coalesce(sold.units, 0)
    ORDER BY products.product_id LIMIT %s FOR NO KEY UPDATE OF products SKIP LOCKED
)
UPDATE products SET units_sold = changed.units FROM changed WHERE products.product_id = changed.product_id
"""


def count_units_sold(at: datetime) -> int:
    """Set Product.units_sold to the units in orders of the 90 days before `at`, and return how many products changed.

    Cancelled and returned orders do not count, nor do those archived meanwhile. A transaction each 2,000 products.
    """
    changed = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(COUNT, [at - LATELY, at, list(WITHOUT_REVENUE), BATCH])
            rows: int = cursor.rowcount
            changed += rows
            if rows < BATCH:
                return changed


class EachHour:
    """Counts when called, if that was not done for an hour; for a process that runs for long."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            count_units_sold(timezone.now())
            self._next = time.monotonic() + HOUR
