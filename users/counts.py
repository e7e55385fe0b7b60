"""Where allauth counts what it limits (sign-ins, sign-ups, resets): a cache in PostgreSQL, for all web servers.

Its table is UNLOGGED, so that counting costs no disk write, and empty after a crash of PostgreSQL. No address of a
person or a machine is in it, only digests of what was counted. Nothing else uses it: no page that is only looked at.
"""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection
from django.utils.crypto import salted_hmac

GET = "SELECT value FROM rate_counts WHERE key = %s AND expires_at > %s"
SET = """
INSERT INTO rate_counts (key, value, expires_at) VALUES (%s, %s, %s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
"""
# Writes nothing where there is one that has not expired.
ADD = f"{SET} WHERE rate_counts.expires_at <= %s"
DELETE = "DELETE FROM rate_counts WHERE key = %s"
FORGET = "DELETE FROM rate_counts WHERE key IN (SELECT key FROM rate_counts WHERE expires_at <= %s LIMIT 10000)"
# One write in so many clears away what has expired.
FORGET_EVERY = 100


class CountsCache(BaseCache):
    """Values are JSON. By the clock of the web servers, as allauth's own times are."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return _write(ADD, [*self._row(key, value, timeout, version), _now()]) == 1

    def get(self, key: Any, default: Any | None = None, version: int | None = None) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(GET, [self._key(key, version), _now()])
            row = cursor.fetchone()
        return json.loads(row[0]) if row else default

    def set(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        _write(SET, self._row(key, value, timeout, version))
        if random.randrange(FORGET_EVERY) == 0:  # noqa: S311 - nothing is to be guessed
            _write(FORGET, [_now()])

    def delete(self, key: Any, version: int | None = None) -> bool:
        return _write(DELETE, [self._key(key, version)]) == 1

    def clear(self) -> None:
        _write("DELETE FROM rate_counts", [])

    def _row(self, key: Any, value: Any, timeout: float | None, version: int | None) -> list[Any]:
        ends = self.get_backend_timeout(timeout)
        return [self._key(key, version), json.dumps(value), datetime.fromtimestamp(ends or time.time(), UTC)]

    def _key(self, key: Any, version: int | None) -> str:
        return salted_hmac("users.counts", self.make_key(key, version), algorithm="sha256").hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)


def _write(statement: str, values: list[Any]) -> int:
    """Execute it and return how many rows were written."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
