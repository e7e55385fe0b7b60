"""Up to when the reports are complete.

Source: PostgreSQL history_events and rollup_queue, where what the reports do not have yet is pending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from history.rollups import read


@dataclass(frozen=True)
class Freshness:
    """complete_at: every change recorded before it is in the reports. behind: orders with changes that are not
    delivered; days: delivered, but not counted anew yet."""

    complete_at: datetime
    behind: int
    days: int

    @property
    def is_behind(self) -> bool:
        return bool(self.behind or self.days)


def freshness(at: datetime) -> Freshness:
    """at: now. To be asked before the report is read, so that it never promises more than is shown."""
    behind = read.behind()
    return Freshness(complete_at=min(behind.since or at, at), behind=behind.orders, days=behind.days)
