"""Reading the feed from a position on, and waiting for what comes next.

Source: PostgreSQL feed_events; an event is there some milliseconds after its commit, while `manage.py
deliver_webhooks` runs.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from config import stopping
from history.feed import positions
from history.feed.models import FeedEvent

LARGEST_PAGE = 1000
LONGEST_WAIT = 25
# Seconds between two looks of whoever waits: one row by its key, on a connection borrowed for it alone.
LOOK = 0.25

# Each waits on a thread of the web server, of which there are few: the shop needs the others.
_places = threading.BoundedSemaphore(settings.FEED_WAITERS)


class UnknownPosition(Exception):
    """The feed cannot be read from there without leaving something out; oldest: the first position that works."""

    def __init__(self, message: str, oldest: int) -> None:
        super().__init__(message)
        self.oldest = oldest


@dataclass(frozen=True)
class Page:
    """Events in the feed's order; next: the position to go on from; latest: the feed's last; has_more: already."""

    events: list[FeedEvent]
    next: int
    latest: int
    has_more: bool


def read(after: int | None, limit: int) -> Page:
    """Return the events after a position; None: from the oldest that is kept.

    Raises UnknownPosition where events after it are forgotten already, or where the feed never got so far.
    """
    if after is None:
        after = positions.ends().forgotten
    events = list(FeedEvent.objects.after(after)[:limit])
    # Looked at last: what was forgotten between the two shows here.
    ends = positions.ends()
    if after < ends.forgotten:
        raise UnknownPosition("What came after this position is no longer kept.", ends.forgotten)
    if after > ends.last:
        told = "The feed has not come to this position: it was never given, or its database was set back since."
        raise UnknownPosition(told, ends.forgotten)
    reached = events[-1].position if events else after
    assert reached is not None
    return Page(events, reached, ends.last, reached < ends.last)


def wait(after: int, seconds: float) -> bool:
    """Wait until there is an event after a position, or this web server is to stop; at most so long.

    Returns False at once where as many wait in this process as may (settings.FEED_WAITERS), else True in the end.
    While it waits it holds no connection of the pool. Not to be called within a transaction.
    """
    if not _places.acquire(blocking=False):
        return False
    try:
        deadline = time.monotonic() + min(seconds, LONGEST_WAIT)
        while positions.ends().last <= after:
            connection.close()  # back to the pool
            left = deadline - time.monotonic()
            if left <= 0 or stopping.asked.wait(min(LOOK, left)):
                break
        return True
    finally:
        _places.release()
