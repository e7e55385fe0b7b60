"""Load every timestamp that PostgreSQL can store; Python's datetime has no infinity and no years beyond 1 to 9999.

Such a value is loaded as the nearest of EARLIEST and LATEST, so that one row does not make all others unreadable. Times
beyond these two are not possible in every time zone, so they are loaded as one of them too.
"""

from __future__ import annotations

from datetime import UTC, datetime

from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader

EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
LATEST = datetime(9999, 12, 29, tzinfo=UTC)


class ClampingLoader(TimestamptzLoader):
    timezone = UTC  # Django looks whether it is the connection's

    def load(self, data: Buffer) -> datetime:
        try:
            moment = super().load(data)
        except DataError:
            text = bytes(data)
            return EARLIEST if text.startswith(b"-") or text.endswith(b"BC") else LATEST
        return min(max(moment, EARLIEST), LATEST).astimezone(UTC)


def clamping(adapters: AdaptersMap) -> AdaptersMap:
    """Return a copy of a connection's adapters that loads every timestamp."""
    found = AdaptersMap(adapters)
    found.register_loader("timestamptz", ClampingLoader)
    return found


def is_representable(moment: datetime) -> bool:
    """Return whether a loaded time is the one stored, not the nearest possible."""
    return EARLIEST < moment < LATEST
