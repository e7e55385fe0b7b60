"""Asking order_history: one range of created_at, one aggregation, values that Python counts with.

Source: MongoDB order_history, behind PostgreSQL by the relay's lag. Raises pymongo's errors.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bson import Decimal128
from django.conf import settings

from history import mongo
from history.mongo import Document
from history.reports.periods import Period


def aggregate(period: Period, stages: list[Document], **only: Any) -> list[Document]:
    """Run the stages over the orders placed in the period; `only` narrows them further.

    Deleted orders have no created_at, so no period meets them.
    """
    placed = {"created_at": {"$gte": period.start, "$lt": period.end}}
    found = mongo.for_reading().aggregate(
        [{"$match": placed | only}, *stages],
        # The server gives up when the page does; else a question nobody waits for would hold up the next.
        maxTimeMS=settings.MONGODB_READ_TIMEOUT_MS,
    )
    return list(found)


def day_of_order() -> Document:
    """The day an order was placed, as YYYY-MM-DD in the shop's zone.

    As text, because that needs only UTC → local, which is never ambiguous; a truncated time needs the way back.
    """
    return {"$dateToString": {"date": "$created_at", "format": "%Y-%m-%d", "timezone": settings.TIME_ZONE}}


def money(value: Decimal128 | int) -> Decimal:
    """A sum as MongoDB gives it: Decimal128, or the integer 0 of nothing."""
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
