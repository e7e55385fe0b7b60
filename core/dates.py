"""Moments and ranges of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def retained_since(days: int, *, at: datetime) -> datetime:
    """Return the moment before which data expires that is retained for so many days; 0 days: nothing ever expires.

    at: aware datetime, now.
    """
    return at - timedelta(days=days) if days else BEGINNING
