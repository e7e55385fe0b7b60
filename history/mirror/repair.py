"""Mending differences the way every change goes: by an event above both stores' revisions, which a relay delivers.

A mark that is wrong is no change of an order and only set right.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from history import triggers, wakeup
from history.archive import back, marks, stubs
from history.mirror.compare import Difference
from history.models import ArchivedOrder, Event, Kind
from orders.models import Order

ACTOR = "reconcile"


def repair(differences: Iterable[Difference], *, at: datetime, is_postgres_older: bool = False) -> int:
    """Have the relays write each differing document anew; return how many orders that are.

    at: aware datetime of the repair's events. is_postgres_older: an order that was archived since the copy of
    PostgreSQL is archived again, where its document has all its events.
    A document whose order PostgreSQL never had becomes a tombstone.
    Of archived orders only the mark is mended, by the next who marks, and a missing stub is rebuilt: PostgreSQL has
    nothing to mend the rest with. Refunds that PostgreSQL has lost come back from the document. A document marked as
    archived is neither overwritten nor deleted.
    """
    repaired = 0
    for difference in differences:
        if difference.is_stub_missing:
            repaired += stubs.rebuild(difference.order_id)
            continue
        if difference.is_mark_only:
            repaired += _mend_mark(difference)
            continue
        if difference.is_archived or (difference.is_marked and not marks.remove(difference.order_id)):
            repaired += is_postgres_older and difference.is_marked and stubs.replace_rows(difference.order_id)
            continue
        if difference.has_other_refunds and back.restore_refunds(difference.order_id):
            repaired += 1
            continue
        with triggers.capture_off():
            repaired += _write_event(difference, at)
    wakeup.notify()
    return repaired


def _mend_mark(difference: Difference) -> bool:
    if difference.is_archived:
        return bool(marks.mark_again([difference.order_id]))
    return marks.remove(difference.order_id)


def _write_event(difference: Difference, at: datetime) -> bool:
    order = Order.objects.select_for_update(no_key=True).filter(pk=difference.order_id).first()
    # After the lock: an archive that took the order meanwhile has left its stub by now.
    if ArchivedOrder.objects.filter(pk=difference.order_id).exists():
        return False
    last = Event.objects.of_order(difference.order_id).last()
    rev = max(order.rev if order else 0, (last.rev or 0) if last else 0, difference.mirror_rev) + 1
    if order is not None:
        Order.objects.filter(pk=order.pk).update(rev=rev)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        [transaction_id] = cursor.fetchone()
    Event.objects.create(
        order_id=difference.order_id,
        rev=rev,
        kind=Kind.REPAIRED if order else Kind.DELETED,
        status=order.status if order else (last.status if last else "unknown"),
        occurred_at=at,
        actor_name=ACTOR,
        note="; ".join(difference.what)[:2000],
        transaction_id=transaction_id,
    )
    return True
