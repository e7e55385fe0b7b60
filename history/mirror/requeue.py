"""Having parked events tried again now instead of when their time comes."""

from __future__ import annotations

from django.db import models, transaction

from core.db.batches import in_batches
from history import wakeup
from history.models import Event


def requeue_all() -> int:
    """Return how many events are in the queue again."""
    return _requeue(Event.objects.parked())


def requeue_event(event_id: int) -> int:
    """Put one parked event into the queue again, with what else of its order is parked; return how many that were."""
    parked = Event.objects.parked()
    event = parked.filter(pk=event_id).first()
    if event is None:
        return 0
    # They share a document: what keeps one keeps them all.
    return _requeue(parked.filter(pk=event_id) if event.order_id is None else parked.filter(order_id=event.order_id))


def _requeue(parked: models.QuerySet[Event]) -> int:
    count = sum(batch.update(parked_at=None, retry_at=None) for batch in in_batches(parked))
    transaction.on_commit(wakeup.notify)
    return count
