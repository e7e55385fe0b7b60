"""Numbering the feed: each event gets the next position once its transaction is committed.

Two ways were weighed. By transaction: only rows below pg_snapshot_xmin, ordered by (transaction_id, event_id). It needs
no process, but two changes of one order come in the wrong order where the later one's transaction began first and
waited for the row, one long transaction of anybody stops the feed, and a database moved to another server counts its
transactions anew. By position, as here: one process at a time, under the lock of feed_ends, numbers what it can see,
ordered by event_id. An order's event_ids rise with its revisions, because they are given under the row's lock, and a
position can be seen only when all lower ones can.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from history.feed.models import FeedEnds, FeedEvent

# Numbered at a time, and forgotten.
BATCH = 1000

NUMBER = """
WITH fresh AS (
    SELECT event_id, row_number() OVER (ORDER BY event_id) AS number
    FROM feed_events WHERE position IS NULL ORDER BY event_id LIMIT %s)
UPDATE feed_events SET position = %s + number, numbered_at = clock_timestamp()
FROM fresh WHERE feed_events.event_id = fresh.event_id
"""
# Positions that nobody gave, such as by plain SQL: they would stand in the way of the next ones.
RESET = "UPDATE feed_events SET position = NULL, numbered_at = NULL WHERE position > %s"
FORGET = """
DELETE FROM feed_events WHERE position > %s AND position <= %s AND numbered_at < %s RETURNING position
"""


def ends() -> FeedEnds:
    """Return both ends of the feed as they are now."""
    return FeedEnds.objects.filter(pk=1).first() or FeedEnds()


def number() -> int:
    """Number what was committed since; return how many, 0 also where another process is at it."""
    if not FeedEvent.objects.unnumbered().exists():
        return 0
    FeedEnds.objects.bulk_create([FeedEnds(pk=1)], ignore_conflicts=True)
    with transaction.atomic():
        held = FeedEnds.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if held is None:
            return 0
        # A statement after the lock's own: it sees all that the last holder numbered.
        with connection.cursor() as cursor:
            cursor.execute(RESET, [held.last])
            cursor.execute(NUMBER, [BATCH, held.last])
            count: int = cursor.rowcount
        FeedEnds.objects.filter(pk=1).update(last=held.last + count)
    return count


def forget(*, before: datetime) -> int:
    """Forget the oldest events numbered before then, and return how many; at most BATCH, so call it again."""
    with transaction.atomic():
        held = FeedEnds.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if held is None:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [held.forgotten, held.forgotten + BATCH, before])
            gone = [position for (position,) in cursor.fetchall()]
        if gone:
            FeedEnds.objects.filter(pk=1).update(forgotten=max(gone))
    return len(gone)
