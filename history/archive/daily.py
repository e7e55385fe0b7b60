"""Archiving by itself: what has become old enough leaves a little at a time, while a relay has nothing to deliver."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.utils import timezone

from history.archive import leave, marks, run
from history.archive.columns import NotArchivable

logger = logging.getLogger(__name__)

# Orders at a time: events that come meanwhile wait no longer for their delivery than these take.
BATCH = 100
DAY = 86_400.0


class Daily:
    """Goes once a day, from its first call on, through all orders placed more than ARCHIVE_AFTER_DAYS ago; 0: never.

    Each call archives one batch or marks one. Raises django.db.Error or PyMongoError where a store fails; the next
    call goes on.
    """

    def __init__(self) -> None:
        self._next = 0.0
        self._after = run.FIRST

    def __call__(self) -> None:
        if marks.mark_some() or not settings.ARCHIVE_AFTER_DAYS or time.monotonic() < self._next:
            return
        order_ids = run.candidates(run.moment_by_settings(), after=self._after, most=BATCH)
        if not order_ids:
            self._next, self._after = time.monotonic() + DAY, run.FIRST
            return
        try:
            outcome = leave.archive(order_ids, at=timezone.now())
        except NotArchivable as error:
            logger.error("Orders are not archived: %s", error.why)
            self._next, self._after = time.monotonic() + DAY, run.FIRST
            return
        self._after = order_ids[-1]
        for order_id, why in outcome.differing.items():
            logger.error("Order %s is not archived: %s", order_id, why)
