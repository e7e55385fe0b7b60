"""Activity is retained for settings.ACTIVITY_LOG_DAYS, 0: for ever. MongoDB expires it, PostgreSQL deletes it here."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection

from core.dates import retained_since
from history import triggers

BATCH = 5000

# What waits for the mirror stays until it is delivered. The condition is that of the index history_events_by_subject.
FORGET = """
DELETE FROM history_events WHERE event_id IN (
    SELECT event_id FROM history_events
    WHERE NOT (subject = 'order') AND delivered_at IS NOT NULL AND occurred_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def forget_activity(*, at: datetime) -> int:
    """Remove activity older than that from PostgreSQL's log, in batches, and return how much; orders' events stay.

    at: aware datetime, now.
    """
    before = retained_since(settings.ACTIVITY_LOG_DAYS, at=at)
    forgotten = 0
    while True:
        with triggers.erasing(), connection.cursor() as cursor:
            cursor.execute(FORGET, [before, BATCH])
            count: int = cursor.rowcount
        forgotten += count
        if count < BATCH:
            return forgotten
