"""What a product has cost, and who changed it.

Source: MongoDB activity_log, behind PostgreSQL by the relay's lag, as far back as ACTIVITY_LOG_DAYS.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from history import mongo
from history.models import Subject

MOST = 50


@dataclass(frozen=True)
class PriceChange:
    """old: None where the product was added. at: aware, UTC."""

    at: datetime
    old: Decimal | None
    new: Decimal
    by: str


def of_product(product_id: int) -> list[PriceChange]:
    """Return the latest changes of a product's price, newest first. Raises pymongo's errors."""
    asked = {"subject": Subject.PRODUCT.value, "subject_id": product_id, "changes.price": {"$exists": True}}
    found = mongo.for_reading(mongo.ACTIVITY_LOG).find(asked, max_time_ms=settings.MONGODB_READ_TIMEOUT_MS)
    changes = []
    for document in found.sort(mongo.NEWEST_FIRST).limit(MOST):
        old, new = document["changes"]["price"]
        if new is not None:  # otherwise it was deleted
            was = None if old is None else old.to_decimal()
            changes.append(PriceChange(document["timestamp"], was, new.to_decimal(), document["actor"]))
    return changes
