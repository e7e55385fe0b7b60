"""Rebuild the stub of an archived order from its document, where PostgreSQL has lost it.

Source: MongoDB order_history; target: PostgreSQL archived_orders. The document is not touched.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import connection

from core.db.transactions import waiting_transaction
from history import triggers
from history.archive import leave, marks
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
    """Rebuild the stub of an order that PostgreSQL does not know.

    Return whether there is exactly one document that can be believed: it is marked as archived, stands under the
    order's own `_id` and fits its digest.
    """
    document = _sound_document(order_id)
    if document is None or _is_known(order_id):
        return False
    _insert(document)
    return True


def replace_rows(order_id: int) -> bool:
    """Archive again an order whose rows came back with an older copy of PostgreSQL; its document has all their events.

    Return whether it was done, by the same condition as rebuild.
    """
    with triggers.capture_off(), connection.cursor() as cursor:
        Order.objects.select_for_update().filter(pk=order_id).first()
        document = _sound_document(order_id)
        if document is None or ArchivedOrder.objects.filter(pk=order_id).exists():
            return False
        held_events = {(event["event_id"], event["rev"], event["timestamp"]) for event in document["events"]}
        if not marks.events_of(order_id) <= held_events:
            return False
        cursor.execute(leave.DELETE, {"orders": [order_id]})
        _insert(document)
    return True


def _insert(document: Document) -> None:
    described = rows(document)
    stub = _stub(document, described)
    stub.save(force_insert=True)
    # A trigger describes new stubs from the rows that are about to leave; here are none.
    stub.external_ref = described.order["external_ref"]
    stub.product_ids = sorted({item["product_id"] for item in described.items})
    stub.save(update_fields=["external_ref", "product_ids"])
    queue.add_days([day_of(stub.created_at)])


def _sound_document(order_id: int) -> Document | None:
    documents = [each for each in held.by_order({"$in": [order_id]}).get(order_id, []) if _is_sound(order_id, each)]
    return documents[0] if len(documents) == 1 else None


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
