"""Find orders whose columns contradict each other or their items, and JSON of a wrong shape.

Plain SQL can write such rows, and older releases have. Source: PostgreSQL orders, order_items, products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

# Each statement is one snapshot, so an order and its items belong together.
FIND = """
SELECT order_id, total_amount, items.total, status = 'cancelled' AND holds_stock,
    jsonb_typeof(shipping_address) <> 'object'
FROM orders LEFT JOIN (
    SELECT order_id, sum(quantity * price) AS total FROM order_items {chosen} GROUP BY order_id
) items USING (order_id)
{chosen} {joined} (
    total_amount IS DISTINCT FROM items.total OR status = 'cancelled' AND holds_stock
    OR jsonb_typeof(shipping_address) <> 'object'
)
ORDER BY order_id
"""
FIND_ALL = FIND.format(chosen="", joined="WHERE")
ODD_PRODUCTS = "SELECT product_id FROM products WHERE jsonb_typeof(attributes) <> 'object' ORDER BY product_id"
FIND_CHOSEN = FIND.format(chosen="WHERE order_id = ANY(%(orders)s)", joined="AND")


@dataclass(frozen=True)
class Inconsistency:
    """items_total: what its items come to, None where it has none: an order may be committed before its items.

    holds_stock: it is cancelled and did not give back what it had reserved.
    """

    order_id: int
    total_amount: Decimal
    items_total: Decimal | None
    holds_stock: bool
    has_odd_address: bool

    @property
    def has_no_items(self) -> bool:
        return self.items_total is None

    @property
    def has_wrong_total(self) -> bool:
        return self.items_total is not None and self.items_total != self.total_amount

    def __str__(self) -> str:
        found = []
        if self.has_no_items:
            found.append(f"has no items yet, total_amount is {self.total_amount:,}")
        if self.has_wrong_total:
            difference = self.total_amount - (self.items_total or 0)
            found.append(
                f"total_amount is {self.total_amount:,}, its items come to {self.items_total:,}, "
                f"the difference is {difference:,}"
            )
        if self.holds_stock:
            found.append("is cancelled and still holds stock")
        if self.has_odd_address:
            found.append("shipping_address is no JSON object")
        return f"in PostgreSQL, order {self.order_id}: {'; '.join(found)}"


def inconsistencies(order_ids: Sequence[int] | None = None) -> list[Inconsistency]:
    """Return the inconsistent ones of these orders, or of all orders in PostgreSQL, by number."""
    with connection.cursor() as cursor:
        if order_ids is None:
            cursor.execute(FIND_ALL)
        else:
            cursor.execute(FIND_CHOSEN, {"orders": list(order_ids)})
        return [Inconsistency(*row) for row in cursor.fetchall()]


def products_with_odd_attributes() -> list[int]:
    """Return the products whose attributes are no JSON object."""
    with connection.cursor() as cursor:
        cursor.execute(ODD_PRODUCTS)
        return [number for (number,) in cursor.fetchall()]


@dataclass(frozen=True)
class Counts:
    """How many orders are inconsistent in each way."""

    wrong_totals: int
    without_items: int
    holding_stock: int

    def __str__(self) -> str:
        return (
            f"{self.wrong_totals:,} orders with another total_amount than their items, "
            f"{self.without_items:,} without items, {self.holding_stock:,} cancelled and holding stock."
        )


def count(found: Sequence[Inconsistency]) -> Counts:
    return Counts(
        wrong_totals=sum(each.has_wrong_total for each in found),
        without_items=sum(each.has_no_items for each in found),
        holding_stock=sum(each.holds_stock for each in found),
    )
