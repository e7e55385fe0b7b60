"""The mark `archived_at` of archived orders' documents, for whoever reads MongoDB.

Whether an order is archived is told by its stub alone. Its document is marked before its rows leave and the mark is
taken away after they came back, so a document that is the only copy always has one: nothing overwrites or deletes it,
even where the stub is lost. Who sets a mark keeps the stub or the order locked meanwhile, so that an archive or a
restore cannot come in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby

from django.db.models import QuerySet
from pymongo import UpdateOne

from core.db.transactions import waiting_transaction
from history import faults, mongo
from history.mirror.documents import document_id, milliseconds
from history.mirror.writer import LIST
from history.models import ArchivedOrder, Event
from orders.models import Order


def count() -> int:
    """Return how many documents are still to be marked."""
    return _unmarked().count()


def drain(progress: Callable[[int], object] = lambda _: None) -> None:
    """Mark every document that is still to be; raises django.db.Error or PyMongoError where a store fails."""
    while marked := mark_some():
        progress(marked)


def mark(order_ids: Iterable[int], at: datetime) -> None:
    """Mark the documents of orders that are about to leave, or have left; at: archived_at of their stubs."""
    change = {"$set": {"archived_at": milliseconds(at)}}
    mongo.for_writing().bulk_write(
        [UpdateOne({"_id": document_id(order_id)}, change) for order_id in order_ids], ordered=False
    )
    faults.point("archive: mid mark")


@waiting_transaction()
def mark_some() -> int:
    """Mark up to a hundred documents and return how many orders that were; none where others are at them."""
    stubs = list(_unmarked().order_by("order_id").select_for_update(skip_locked=True)[:LIST])
    for at, together in groupby(stubs, key=lambda stub: stub.archived_at):
        mark([stub.order_id for stub in together], at)
    ArchivedOrder.objects.filter(pk__in=[stub.pk for stub in stubs]).update(is_marked=True)
    return len(stubs)


def mark_again(order_ids: Sequence[int]) -> int:
    """Have these documents marked anew by the next who marks; return how many of them are of archived orders."""
    return ArchivedOrder.objects.filter(pk__in=order_ids).update(is_marked=False)


@waiting_transaction()
def remove(order_id: int) -> bool:
    """Take the mark from the document of an order that was restored; return whether it was.

    PostgreSQL has every event of a restored order's document. Where one is missing, the document is the only copy of
    it, such as of an order whose stub was lost and whose number was used again.
    """
    Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    if ArchivedOrder.objects.filter(pk=order_id).exists():
        return False
    known = events_of(order_id)
    of_order = {"order_id": order_id}
    for document in mongo.for_writing().find(of_order, {"events": 1}):
        if any((each.get("event_id"), each["rev"], each["timestamp"]) not in known for each in document["events"]):
            return False
    mongo.for_writing().update_many(of_order, {"$set": {"archived_at": None}})
    return True


def events_of(order_id: int) -> set[tuple[int, int | None, datetime]]:
    """Return number, revision and time, as a document has it, of each event that PostgreSQL has of an order."""
    events = Event.objects.of_order(order_id).values_list("event_id", "rev", "occurred_at")
    return {(event_id, rev, milliseconds(at)) for event_id, rev, at in events}


def _unmarked() -> QuerySet[ArchivedOrder]:
    return ArchivedOrder.objects.filter(is_marked=False)
