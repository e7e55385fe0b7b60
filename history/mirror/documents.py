"""The shape of what MongoDB keeps: one document per order, a pure function of its rows at one revision.

{_id, order_id, user_id, external_ref, status, total_amount, created_at, shipping_address, idempotency_key,
 holds_stock, changed_by, changed_by_name, changed_at, change_note, told_customer_at,
 products: [{order_item_id, product_id, sku, name, price, quantity}],
 refunds: [{refund_id, amount, items, reason, is_last, refunded_by, refunded_by_name, refunded_at}],
 events: [{event_id, rev, kind, status, timestamp, time_known, actor_id, actor, note, changes, recorded_at,
           transaction_id}],
 rev, archived_at, digest}

Nothing of the rows is left out, so that an archived order comes back exactly (history/archive/rows.py). Money is
Decimal128, times are UTC with MongoDB's milliseconds; the microseconds beyond stand beside each, as created_at_us.
A deleted order leaves a tombstone (status "deleted", no products, total 0), so that an older revision still on its
way cannot bring it back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
from bson import Decimal128, ObjectId
from bson.errors import BSONError

from core.row_isolation import attempt, describe
from history.mirror.source import OrderRows, Row, at

Document = dict[str, Any]

DELETED = "deleted"


def document_id(order_id: int) -> ObjectId:
    """Return the one `_id` that an order can have, on whatever shard: its number in twelve bytes."""
    return ObjectId(order_id.to_bytes(12, "big"))


# What digest() raises for a document whose content cannot be stored.
UNBUILDABLE = (BSONError, ArithmeticError, ValueError, RecursionError)


def build_each(orders: Iterable[OrderRows]) -> tuple[dict[int, Document], dict[int, str]]:
    """Return the documents of several orders by number, and why the others cannot be one."""
    built: dict[int, Document] = {}
    unbuildable: dict[int, str] = {}
    for rows in orders:
        document, error = attempt(build, rows)
        if document is not None:
            built[rows.order_id] = document
        elif error is not None:
            unbuildable[rows.order_id] = f"cannot be a document: {describe(error)}"
    return built, unbuildable


def build(rows: OrderRows) -> Document:
    """Return the document of an order's rows. Pure: the same rows always give the same document."""
    document = {
        "_id": document_id(rows.order_id),
        "order_id": rows.order_id,
        **(_order(rows.order) if rows.order else _tombstone()),
        "products": [_product(item) for item in rows.items],
        "refunds": [_refund(refund) for refund in rows.refunds],
        "events": [_event(event) for event in rows.events],
        "rev": rows.rev,
        "archived_at": None,
    }
    document["digest"] = digest(document)
    return document


def digest(document: Document) -> str:
    """Return sha256 over the BSON of a document's content, its fields by name; `digest` and the archive mark apart.

    Types and the order of products and events count, so an edit, a removal and a new order of them all show.
    Raises one of UNBUILDABLE where the content cannot be stored at all.
    """
    content = {key: document[key] for key in sorted(document) if key not in ("digest", "archived_at")}
    return hashlib.sha256(bson.encode(content)).hexdigest()


def _order(order: Row) -> Document:
    return {
        "user_id": order["user_id"],
        "external_ref": order["external_ref"],
        "status": order["status"],
        "total_amount": _money(order["total_amount"]),
        **held_time("created_at", order["created_at"]),
        "shipping_address": storable(order["shipping_address"]),
        "idempotency_key": order["idempotency_key"],
        "holds_stock": order["holds_stock"],
        "changed_by": order["changed_by"],
        "changed_by_name": order["changed_by_name"],
        **held_time("changed_at", order["changed_at"]),
        "change_note": order["change_note"],
        **held_time("told_customer_at", order["told_customer_at"]),
    }


def _tombstone() -> Document:
    return {
        "user_id": None,
        "external_ref": None,
        "status": DELETED,
        "total_amount": Decimal128("0.00"),
        "created_at": None,
        "shipping_address": {},
    }


def _product(item: Row) -> Document:
    return {
        "order_item_id": item["order_item_id"],
        "product_id": item["product_id"],
        "sku": item["sku"],
        "name": item["product_name"],
        "price": _money(item["price"]),
        "quantity": item["quantity"],
    }


def _refund(refund: Row) -> Document:
    return {
        "refund_id": refund["refund_id"],
        "amount": _money(refund["amount"]),
        "items": storable(refund["items"]),
        "reason": refund["reason"],
        "is_last": refund["is_last"],
        "refunded_by": refund["refunded_by"],
        "refunded_by_name": refund["refunded_by_name"],
        **held_time("refunded_at", refund["refunded_at"]),
    }


def _event(event: Row) -> Document:
    return {
        "event_id": event["event_id"],
        "rev": event["rev"],
        "kind": event["kind"],
        "status": event["status"],
        **held_time("timestamp", event["occurred_at"]),
        "time_known": event["is_time_known"],
        "actor_id": event["actor_id"],
        "actor": event["actor_name"],
        "note": event["note"],
        "changes": storable(event["changes"]),
        **held_time("recorded_at", event["recorded_at"]),
        "transaction_id": event["transaction_id"],
    }


def _money(amount: Decimal | int) -> Decimal128:
    exact = Decimal(amount)
    if not exact.is_finite():
        raise ValueError(f"an amount is {exact}")
    return Decimal128(exact)


def held_time(name: str, text: str | None) -> Document:
    """A time as MongoDB keeps it, and the microseconds (0 to 999) that it does not keep."""
    if text is None:
        return {name: None, f"{name}_us": 0}
    moment = at(text)
    return {name: milliseconds(moment), f"{name}_us": moment.microsecond % 1000}


def milliseconds(moment: datetime) -> datetime:
    """Cut to what MongoDB keeps, here and nowhere else."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def storable(value: Any) -> Any:
    """JSON values as BSON can hold them: every number with a point, or too big, is exact as Decimal128."""
    if isinstance(value, dict):
        return {key: storable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    if isinstance(value, Decimal) or (isinstance(value, int) and not -(2**63) <= value < 2**63):
        return Decimal128(Decimal(value))
    return value


def plain(value: Any) -> Any:
    """The inverse of storable: JSON values as PostgreSQL gives them, exact numbers as Decimal."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.to_decimal() if isinstance(value, Decimal128) else value
