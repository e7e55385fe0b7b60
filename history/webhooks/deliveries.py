"""What is to be delivered to whom, and what became of it.

Each endpoint follows the feed by a position of its own; for each event it wants there is a row. A deliverer claims one
and by that puts off its next try: whatever dies then, it is tried again, so each event arrives at least once. An
order's events go one after the other, in the order of its revisions.

What fails alone is tried for three days, then given up. An endpoint where nothing has arrived for three days is
switched off, with a mail to staff, and loses nothing: switched on again, it goes on where it was.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta

from django.db import connection, transaction

from core.db.batches import delete_in_batches
from history.feed.models import FeedEvent
from history.webhooks import alarm
from history.webhooks.models import Delivery, Endpoint
from history.webhooks.sending import Answer

logger = logging.getLogger(__name__)

# Events looked at for an endpoint at a time.
BATCH = 500
# Longer than one try can take, looking the name up included, so that nobody else takes what is being sent.
LEASE = timedelta(minutes=1)
# Pauses of one delivery: the first, then twice as long each time, up to the longest.
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(hours=6)
# So long something fails before it is given up, or its endpoint is switched off.
PATIENCE = timedelta(days=3)
# After so many failures in a row an endpoint gets one try at a time, with pauses of its own.
STRIKES = 5
LONGEST_PAUSE = timedelta(minutes=15)

# Each the first of its order that waits. Asked for as a minimum, one look into an index; NOT EXISTS may be joined with
# all that waits.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT delivery_id FROM webhook_deliveries AS delivery
    WHERE endpoint_id = %(endpoint)s AND due_at <= %(at)s AND event_id = (
        SELECT min(event_id) FROM webhook_deliveries AS waiting
        WHERE waiting.endpoint_id = %(endpoint)s AND waiting.order_id = delivery.order_id AND due_at IS NOT NULL)
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE webhook_deliveries AS delivery SET attempts = attempts + 1, tried_at = %(at)s,
    first_tried_at = coalesce(first_tried_at, %(at)s), due_at = %(at)s + %(lease)s
FROM due WHERE delivery.delivery_id = due.delivery_id
RETURNING delivery.*
"""


@transaction.atomic
def fan_out(endpoint_id: int, *, at: datetime) -> int:
    """Write the deliveries of the events after an endpoint's position; return how many events that were."""
    endpoint = Endpoint.objects.select_for_update(skip_locked=True).active().filter(pk=endpoint_id).first()
    if endpoint is None:
        return 0
    events = list(FeedEvent.objects.after(endpoint.position)[:BATCH])
    if events:
        wanted = [
            _delivery(endpoint, event, at) for event in events if not endpoint.kinds or event.kind in endpoint.kinds
        ]
        Delivery.objects.bulk_create(wanted, ignore_conflicts=True)
        Endpoint.objects.filter(pk=endpoint_id).update(position=events[-1].position)
    if len(events) == BATCH:
        # A claim is quick where it is known that much waits; the database would find out by itself, but in a minute.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE webhook_deliveries")
    return len(events)


def _delivery(endpoint: Endpoint, event: FeedEvent, at: datetime) -> Delivery:
    return Delivery(
        endpoint=endpoint,
        event_id=event.event_id,
        order_id=event.order_id,
        rev=event.rev,
        kind=event.kind,
        body=json.dumps(event.told()),
        due_at=at,
    )


def claim(endpoint: Endpoint, limit: int, *, at: datetime, lease: timedelta = LEASE) -> list[Delivery]:
    """Take up to `limit` deliveries that are due, and put off their next try as if these had died."""
    if endpoint.retry_at and at < endpoint.retry_at:
        return []
    if endpoint.failures >= STRIKES:
        limit = 1
    values = {"endpoint": endpoint.pk, "at": at, "limit": limit, "lease": lease}
    return sorted(Delivery.objects.raw(CLAIM, values), key=lambda delivery: delivery.event_id)


def settle(delivery: Delivery, answer: Answer, *, at: datetime) -> None:
    """Store the result of a try, and what it says of the endpoint.

    Raises OSError where staff had to be told that an endpoint is switched off and could not; then it stays on. Not to
    be called within a transaction: no row is locked while the mail server is talked to.
    """
    if answer.is_taken:
        _taken(delivery, answer, at)
        return
    endpoint = _failed(delivery, answer, at)
    if endpoint.is_active and endpoint.failing_since and at - endpoint.failing_since >= PATIENCE:
        alarm.tell_staff(endpoint, failing_since=endpoint.failing_since, error=answer.error)
        # Unless something arrived meanwhile.
        Endpoint.objects.filter(pk=endpoint.pk, failing_since=endpoint.failing_since).update(is_active=False)


@transaction.atomic
def _taken(delivery: Delivery, answer: Answer, at: datetime) -> None:
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
    Delivery.objects.filter(pk=delivery.pk).update(
        delivered_at=at, due_at=None, status_code=answer.status, answer=answer.text, error=""
    )
    if endpoint.failures:
        Endpoint.objects.filter(pk=endpoint.pk).update(failures=0, failing_since=None, retry_at=None)


@transaction.atomic
def _failed(delivery: Delivery, answer: Answer, at: datetime) -> Endpoint:
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
    failing_since = endpoint.failing_since = endpoint.failing_since or at
    failures = endpoint.failures = endpoint.failures + 1
    # Whoever took it over when this try was given up for dead decides on it.
    Delivery.objects.waiting().filter(pk=delivery.pk, attempts=delivery.attempts).update(
        due_at=_next_try(delivery, failing_since, failures, at),
        status_code=answer.status,
        answer=answer.text,
        error=answer.error,
    )
    logger.warning("Webhook %s: try %s failed: %s", delivery, delivery.attempts, answer.error)
    endpoint.retry_at = at + _pause(failures - STRIKES + 1, LONGEST_PAUSE) if failures >= STRIKES else None
    endpoint.save(update_fields=["failures", "failing_since", "retry_at"])
    return endpoint


def _next_try(delivery: Delivery, failing_since: datetime, failures: int, at: datetime) -> datetime | None:
    """When it is tried again; None to give up, where others arrived since it was first tried."""
    first = delivery.first_tried_at
    assert first is not None
    if at - first >= PATIENCE and failing_since > first:
        return None
    # Where nothing arrives it is not this event's fault, and the endpoint's own pauses are what spares it.
    return at + _pause(delivery.attempts, LONGEST_RETRY if failures < STRIKES else LONGEST_PAUSE)


def _pause(failures: int, longest: timedelta) -> timedelta:
    pause: timedelta = min(FIRST_RETRY * 2 ** min(failures - 1, 20), longest)
    return pause


@transaction.atomic
def redeliver(delivery: Delivery, *, at: datetime) -> None:
    """Have it sent again now, delivered or not, with all its patience anew."""
    Delivery.objects.filter(pk=delivery.pk).update(due_at=at, attempts=0, first_tried_at=None)
    Endpoint.objects.filter(pk=delivery.endpoint_id).update(retry_at=None)


@transaction.atomic
def go_on(endpoint: Endpoint, *, at: datetime) -> None:
    """Have an endpoint that was switched on again get what waits for it, now and with all its patience anew."""
    Endpoint.objects.filter(pk=endpoint.pk).update(failures=0, failing_since=None, retry_at=None)
    # What was never tried is due already; there may be any number of these.
    tried = Delivery.objects.waiting().filter(endpoint=endpoint, attempts__gt=0)
    tried.update(due_at=at, attempts=0, first_tried_at=None)


def forget(*, before: datetime) -> int:
    """Forget deliveries written before then, settled or not; return how many."""
    return delete_in_batches(Delivery.objects.filter(created_at__lt=before))
