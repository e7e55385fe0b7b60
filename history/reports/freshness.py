"""Up to when the reports are complete.

Source: PostgreSQL history_events, where what MongoDB does not have yet is pending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from history.models import Event


@dataclass(frozen=True)
class Freshness:
    """complete_at: every change recorded before it is in the reports. behind: orders with changes that are not."""

    complete_at: datetime
    behind: int


def freshness(at: datetime) -> Freshness:
    """at: now. To be asked before the report is read, so that it never promises more than is shown."""
    pending = Event.objects.of_orders().pending()
    asked = pending.aggregate(behind=Count("order_id", distinct=True), since=Min("recorded_at"))
    return Freshness(complete_at=min(asked["since"] or at, at), behind=asked["behind"])
