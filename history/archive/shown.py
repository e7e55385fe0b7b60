"""Archived orders as orders, with items and refunds as if prefetched: whatever shows an order shows them too.

Never saved, and is_archived says so: services find no such row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet

from catalog.models import Product
from history.archive.rows import Rows
from history.mirror import source
from history.models import Event, EveryOrder
from orders.models import Order, OrderItem, Refund
from users.models import User

TIMES = {"created_at", "changed_at", "told_customer_at", "refunded_at", "occurred_at", "recorded_at"}
MODELS: dict[str, type[Model]] = {"items": OrderItem, "refunds": Refund}
LISTED = ("order_id", "customer_id", "total_amount", "status", "created_at", "rev", "external_ref")


def order_of(rows: Rows) -> Order:
    columns = dict(rows.order)
    order = Order(customer_id=columns.pop("user_id"), **_columns(columns))
    order.is_archived = True
    hold(order, "items", items_of(rows))
    hold(order, "refunds", [Refund(**_columns(row)) for row in rows.refunds])
    return order


def items_of(rows: Rows) -> list[OrderItem]:
    return [OrderItem(**_columns(row)) for row in rows.items]


def events_of(rows: Rows) -> list[Event]:
    """By revision; the mirror has them all."""
    return [Event(**_columns(row)) for row in rows.events]


def order_of_stub(row: EveryOrder) -> Order:
    """What is known of an order without its document; nobody knows its items."""
    order = listed_order(row, [])
    order.is_incomplete = True
    hold(order, "refunds", [])
    return order


def listed_order(row: EveryOrder, items: Sequence[OrderItem]) -> Order:
    """What a list shows of an order, live or archived, with its customer if they were read with the row."""
    order = Order(**{name: getattr(row, name) for name in LISTED})
    order.is_archived = row.is_archived
    if EveryOrder._meta.get_field("customer").is_cached(row):
        order.customer = row.customer or User(pk=row.customer_id, name="not here any more")
    hold(order, "items", items)
    return order


def hold(order: Order, name: str, rows: Sequence[Model]) -> None:
    """Have order.items.all(), or the like, be these, as prefetch_related does."""
    # Not order.items.all(), which would cost more than all the rest of a long list.
    held: QuerySet[Any] = QuerySet(MODELS[name])
    held._result_cache = list(rows)
    vars(order).setdefault("_prefetched_objects_cache", {})[name] = held


def add_pictures(items: Iterable[OrderItem]) -> None:
    """Give each item its product, or what stands for one that is not there any more."""
    items = list(items)
    wanted = {item.product_id for item in items}
    products = Product.objects.defer("description", "attributes").in_bulk(wanted)
    for item in items:
        gone = Product(pk=item.product_id, name=item.product_name, sku=item.sku, image="")
        item.product = products.get(item.product_id, gone)


def _columns(row: source.Row) -> dict[str, Any]:
    return {name: _time(value) if name in TIMES else value for name, value in row.items()}


def _time(text: str | None) -> datetime | None:
    return None if text is None else source.at(text)
