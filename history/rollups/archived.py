"""The part of a rollup that comes from documents: what archived orders held and when they took their steps.

Source: MongoDB order_history, the only copy of these. Raises pymongo's errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from history import mongo
from history.mirror.writer import chosen
from history.mongo import Document
from history.rollups.placed import MOST_CENTS, Placed

MINUTE = timedelta(minutes=1)


def filled_in(placed: Sequence[Placed]) -> list[Placed]:
    """Return the orders, the archived ones with their items and durations; without, where the document is missing."""
    numbers = sorted(order.order_id for order in placed if order.is_archived)
    if not numbers:
        return list(placed)
    wanted = set(numbers)
    documents = {
        document["order_id"]: document
        for condition in chosen(numbers)
        for document in mongo.for_writing().find({"order_id": condition, "archived_at": {"$ne": None}})
        if document["order_id"] in wanted
    }
    return [_filled_in(order, documents[order.order_id]) if order.order_id in documents else order for order in placed]


def _filled_in(order: Placed, document: Document) -> Placed:
    products = document["products"]
    reached = _reached(document["events"])
    return order._replace(
        product_ids=[product["product_id"] for product in products],
        quantities=[product["quantity"] for product in products],
        line_cents=[_cents(product) for product in products],
        to_paid=_minutes(document["created_at"], reached.get("paid")),
        to_shipped=_minutes(reached.get("paid"), reached.get("shipped")),
        to_delivered=_minutes(reached.get("shipped"), reached.get("delivered")),
    )


def _cents(product: Document) -> int:
    price: Decimal = product["price"].to_decimal()
    return min(int(price * 100) * int(product["quantity"]), MOST_CENTS)


def _reached(events: Sequence[Document]) -> dict[str, datetime | None]:
    """When each status was reached first since the order was (last) placed; None where nobody knows."""
    reached: dict[str, datetime | None] = {}
    for event in events:
        if event["kind"] == "placed":
            reached = {}
        reached.setdefault(event["status"], event["timestamp"] if event["time_known"] else None)
    return reached


def _minutes(before: datetime | None, after: datetime | None) -> int | None:
    return None if before is None or after is None else (after - before) // MINUTE
