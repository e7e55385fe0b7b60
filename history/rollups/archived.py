"""The part of a rollup that comes from documents: what archived orders held and when they took their steps.

Source: MongoDB order_history, the only copy of these. Raises pymongo's errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from history import mongo
from history.mirror.writer import chosen
from history.mongo import Document
from history.rollups.placed import MOST_CENTS, Placed

MINUTE = timedelta(minutes=1)
# By hand MongoDB can be given any document.
MISSHAPEN = (KeyError, TypeError, AttributeError, ValueError, ArithmeticError)
Find = Callable[[Document], Iterable[Document]]


def filled_in(placed: Sequence[Placed]) -> list[Placed]:
    """Return the orders, the archived ones with their items and durations; without, where the document is missing or
    has not the shape of one: reconcile lists it."""
    found = documents([order.order_id for order in placed if order.is_archived], find=mongo.for_writing().find)
    return [_filled_in(order, found[order.order_id]) if order.order_id in found else order for order in placed]


def documents(order_ids: Iterable[int], *, find: Find) -> dict[int, Document]:
    """Return the documents of archived orders by number; of one that is restored meanwhile it is the same."""
    wanted = {*order_ids}
    return {
        document["order_id"]: document
        for condition in chosen(sorted(wanted))
        for document in find({"order_id": condition})
        if document["order_id"] in wanted
    }


def _filled_in(order: Placed, document: Document) -> Placed:
    try:
        return _with(order, document)
    except MISSHAPEN:
        return order


def _with(order: Placed, document: Document) -> Placed:
    products = document["products"]
    found = reached(document["events"])
    return order._replace(
        product_ids=[product["product_id"] for product in products],
        quantities=[product["quantity"] for product in products],
        line_cents=[_cents(product) for product in products],
        to_paid=minutes(document["created_at"], found.get("paid")),
        to_shipped=minutes(found.get("paid"), found.get("shipped")),
        to_delivered=minutes(found.get("shipped"), found.get("delivered")),
    )


def _cents(product: Document) -> int:
    price: Decimal = product["price"].to_decimal()
    return min(int(price * 100) * int(product["quantity"]), MOST_CENTS)


def reached(events: Sequence[Document]) -> dict[str, datetime | None]:
    """When each status was reached first since the order was (last) placed; None where nobody knows."""
    found: dict[str, datetime | None] = {}
    for event in events:
        if event["kind"] == "placed":
            found = {}
        found.setdefault(event["status"], event["timestamp"] if event["time_known"] else None)
    return found


def minutes(before: datetime | None, after: datetime | None) -> int | None:
    return None if before is None or after is None else (after - before) // MINUTE
