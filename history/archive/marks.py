"""The mark `archived_at` of archived orders' documents, for whoever reads MongoDB.

Whether an order is archived is told by its stub alone; the marks follow, because in a large archive they take longest.
Who sets one keeps the stub or the order locked meanwhile, so that an archive or a restore cannot come in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from django.db import transaction
from django.db.models import QuerySet

from history import faults, mongo
from history.mirror.documents import document_id, milliseconds
from history.mirror.writer import LIST
from history.models import ArchivedOrder
from orders.models import Order


def count() -> int:
    """Return how many documents are still to be marked."""
    return _unmarked().count()


def drain(progress: Callable[[int], object] = lambda _: None) -> None:
    """Mark every document that is still to be; raises django.db.Error or PyMongoError where a store fails."""
    while marked := mark_some():
        progress(marked)


@transaction.atomic
def mark_some() -> int:
    """Mark up to a hundred documents and return how many orders that were; none where others are at them."""
    stubs = list(_unmarked().order_by("order_id").select_for_update(skip_locked=True)[:LIST])
    for at, together in groupby(stubs, key=lambda stub: stub.archived_at):
        wanted = {"order_id": {"$in": [stub.order_id for stub in together]}}
        mongo.for_writing().update_many(wanted, {"$set": {"archived_at": milliseconds(at)}})
    faults.point("archive: mid mark")
    ArchivedOrder.objects.filter(pk__in=[stub.pk for stub in stubs]).update(is_marked=True)
    return len(stubs)


def mark_again(order_ids: Sequence[int]) -> int:
    """Have these documents marked anew by the next who marks; return how many of them are of archived orders."""
    return ArchivedOrder.objects.filter(pk__in=order_ids).update(is_marked=False)


@transaction.atomic
def remove(order_id: int) -> bool:
    """Take the mark from a live order's document; return whether the order is live."""
    is_live = Order.objects.select_for_update(no_key=True).filter(pk=order_id).exists()
    if not is_live or ArchivedOrder.objects.filter(pk=order_id).exists():
        return False
    mongo.for_writing().update_one({"_id": document_id(order_id)}, {"$set": {"archived_at": None}})
    return True


def _unmarked() -> QuerySet[ArchivedOrder]:
    return ArchivedOrder.objects.filter(is_marked=False)
