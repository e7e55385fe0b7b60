"""Archiving all that is old enough, batch by batch in the order of their numbers, as gently as asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from datetime import time as time_of_day

from django.conf import settings
from django.db import connection
from django.utils import timezone

from history.archive import leave
from history.archive.leave import Outcome
from orders.status import FINISHED

# Orders of one transaction: more make it longer, fewer make more round trips.
BATCH = 100

# Before every order's number.
FIRST = -(2**63)

CANDIDATES = """
SELECT order_id FROM orders WHERE order_id > %s AND created_at < %s AND status = ANY(%s) ORDER BY order_id LIMIT %s
"""
COUNT = "SELECT count(*) FROM orders WHERE created_at < %s AND status = ANY(%s)"


def start_of(day: date) -> datetime:
    """Return the first moment of a day in the shop's time zone."""
    return timezone.make_aware(datetime.combine(day, time_of_day.min), timezone.get_default_timezone())


def moment_by_settings() -> datetime:
    """Return before when orders were placed that the settings call old."""
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    return start_of(today - timedelta(days=settings.ARCHIVE_AFTER_DAYS))


def count(before: datetime) -> int:
    """Return how many finished orders were placed before a moment."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [before, list(FINISHED)])
        return int(cursor.fetchone()[0])


def candidates(before: datetime, *, after: int, most: int) -> list[int]:
    """Return the next numbers of finished orders that were placed before a moment."""
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, [after, before, list(FINISHED), most])
        return [order_id for (order_id,) in cursor.fetchall()]


def archive_before(
    before: datetime,
    *,
    batch: int = BATCH,
    rate: float | None = None,
    is_dry: bool = False,
    progress: Callable[[int], object] = lambda _: None,
) -> Outcome:
    """Archive every finished order that was placed before a moment, and return what became of them.

    batch: orders of one transaction. rate: orders a second at most. is_dry: only look, nothing is changed.
    Raises as leave.archive does; what was archived until then stays so, and the next run goes on.
    """
    outcome = Outcome()
    began = time.monotonic()
    done = 0
    for order_ids in _batches(before, batch):
        outcome.add(_looked_at(order_ids) if is_dry else leave.archive(order_ids, at=timezone.now()))
        progress(len(order_ids))
        done += len(order_ids)
        if rate:
            time.sleep(max(0.0, began + done / rate - time.monotonic()))
    return outcome


def _batches(before: datetime, size: int) -> Iterator[list[int]]:
    after = FIRST
    while order_ids := candidates(before, after=after, most=size):
        yield order_ids
        after = order_ids[-1]


def _looked_at(order_ids: list[int]) -> Outcome:
    outcome, digests = leave.look(order_ids)
    outcome.archived = len(digests)
    return outcome
