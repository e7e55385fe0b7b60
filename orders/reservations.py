"""What orders that nobody confirmed yet hold of a product: it is out of stock, but not sold for good."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Sum

from catalog.models import Product
from orders.models import OrderItem
from orders.status import Status


@dataclass(frozen=True)
class Held:
    units: int
    orders: int


def held(product: Product) -> Held:
    """Return how many units how many pending orders took out of stock."""
    pending = OrderItem.objects.filter(product=product, order__status=Status.PENDING, order__holds_stock=True)
    found = pending.aggregate(units=Sum("quantity", default=0), orders=Count("order_id", distinct=True))
    return Held(**found)
