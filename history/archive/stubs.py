"""Rebuild the stub of an archived order from its document, where PostgreSQL has lost it.

Source: MongoDB order_history; target: PostgreSQL archived_orders. The document is not touched.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from core.db.transactions import waiting_transaction
from history.archive.rows import Rows, rows
from history.mirror import held
from history.mirror.documents import UNBUILDABLE, Document, digest, document_id
from history.mirror.source import at
from history.models import ArchivedOrder, Event
from history.rollups import queue
from history.rollups.later import day_of
from orders.models import Order
from orders.status import FINISHED


@waiting_transaction()
def rebuild(order_id: int) -> bool:
    """Rebuild one stub; return whether there is exactly one document that can be believed.

    Such a document is marked as archived, stands under the order's own `_id` and fits its digest.
    """
    documents = [each for each in held.by_order({"$in": [order_id]}).get(order_id, []) if _is_sound(order_id, each)]
    if len(documents) != 1 or _is_known(order_id):
        return False
    [document] = documents
    described = rows(document)
    stub = _stub(document, described)
    stub.save(force_insert=True)
    # A trigger describes new stubs from the rows that are about to leave; here are none.
    stub.external_ref = described.order["external_ref"]
    stub.product_ids = sorted({item["product_id"] for item in described.items})
    stub.save(update_fields=["external_ref", "product_ids"])
    queue.add_days([day_of(stub.created_at)])
    return True


def _is_known(order_id: int) -> bool:
    return Order.objects.filter(pk=order_id).exists() or Event.objects.of_order(order_id).exists()


def _is_sound(order_id: int, document: Document) -> bool:
    try:
        return (
            document["_id"] == document_id(order_id)
            and document["status"] in FINISHED
            and isinstance(document["archived_at"], datetime)
            and digest(document) == document["digest"]
        )
    except UNBUILDABLE:  # by hand MongoDB can be given what its client cannot write
        return False


def _stub(document: Document, described: Rows) -> ArchivedOrder:
    return ArchivedOrder(
        order_id=document["order_id"],
        user_id=document["user_id"],
        created_at=at(described.order["created_at"]),
        total_amount=Decimal(described.order["total_amount"]),
        status=document["status"],
        rev=document["rev"],
        sha256=document["digest"],
        archived_at=document["archived_at"],
        latest_at=max(at(event["occurred_at"]) for event in described.events),
    )
