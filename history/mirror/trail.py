"""The last piece of an order's trail in the logs: request → event → delivery, all with the request's id."""

from __future__ import annotations

import logging
from collections.abc import Iterable

logger = logging.getLogger("shop.deliveries")

# event_id, order_id, rev, request_id, milliseconds from the event to its delivery.
Delivered = tuple[int, int | None, int | None, str | None, float]


def tell(delivered: Iterable[Delivered]) -> None:
    """Log each delivered event that came of a request, in one line."""
    if not logger.isEnabledFor(logging.INFO):
        return
    for event_id, order_id, rev, request_id, ms in delivered:
        if request_id:
            order = {"order": order_id, "rev": rev} if order_id else {}
            told = {"request_id": request_id, "event": event_id, **order, "ms": round(float(ms), 1)}
            logger.info("A change was delivered.", extra={"told": told})
