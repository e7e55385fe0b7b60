"""What orchestrators and proxies ask: is the process alive, can it serve?

/healthz: 200 as long as the process answers; asks no store.
/readyz: 200 where PostgreSQL answers, else 503. MongoDB away is told but no reason to take the shop from the net: it
sells without. Both are answered before any other middleware, so that neither a host name nor https is asked for; they
tell nothing that a visitor may not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymongo
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from pymongo.errors import PyMongoError

from history import mongo

# Seconds: who asks wants to know now.
PATIENCE = 2
# The oldest change that the mirror does not have; parked ones are for staff to look at. By the index of pending ones.
LAG = """
SELECT extract(epoch FROM clock_timestamp() - recorded_at)::integer FROM history_events
WHERE delivered_at IS NULL AND parked_at IS NULL ORDER BY event_id LIMIT 1
"""


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return _answer({"status": "alive"})
        if request.path == "/readyz":
            return _readiness()
        return self.get_response(request)


def _readiness() -> HttpResponse:
    """Say how each store does; relay_lag_seconds: how old the oldest undelivered change is."""
    mirror = "ok" if _mongodb_answers() else "away"
    try:
        behind = lag()
    except Error:
        return _answer({"status": "away", "postgresql": "away", "mongodb": mirror}, status=503)
    return _answer({"status": "ready", "postgresql": "ok", "mongodb": mirror, "relay_lag_seconds": behind})


def lag() -> int:
    """Return how old, in seconds, the oldest undelivered change is; raises django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [f"{PATIENCE}s"])
        try:
            cursor.execute(LAG)
            row = cursor.fetchone()
        finally:
            cursor.execute("RESET statement_timeout")
    return row[0] if row else 0


def _mongodb_answers() -> bool:
    try:
        with pymongo.timeout(PATIENCE):
            mongo.for_reading().database.command("ping")
    except PyMongoError:
        return False
    return True


def _answer(told: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return JsonResponse(told, status=status, headers={"Cache-Control": "no-store"})
