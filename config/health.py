"""What orchestrators and proxies ask: is the process alive, can it serve?

/healthz: 200 as long as the process answers; asks no store.
/readyz: 200 where PostgreSQL answers, else 503. MongoDB away is told but no reason to take the shop from the net: it
sells without. Both are answered before any other middleware, so that neither a host name nor https is asked for; they
tell nothing that a visitor may not know. Readiness is probed at most once a second, however many ask.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from pymongo.errors import PyMongoError

from config.probes import Probe
from history import mongo
from history.mirror import lag

# Who asks wants to know now.
PATIENCE = "2s"


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
    mirror = "ok" if MONGODB.result() else "away"
    behind = POSTGRESQL.result()
    if behind is None:
        return _answer({"status": "away", "postgresql": "away", "mongodb": mirror}, status=503)
    return _answer({"status": "ready", "postgresql": "ok", "mongodb": mirror, "relay_lag_seconds": behind})


def seconds_behind() -> int:
    """Return how old the oldest undelivered change is, parked ones aside; raises django.db.Error."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
        return int((lag.oldest_waiting() or timedelta(0)).total_seconds())


def _seconds_behind() -> int | None:
    try:
        return seconds_behind()
    except Error:
        return None
    finally:
        connection.close()


def _mongodb_answers() -> bool:
    try:
        mongo.ping()
    except PyMongoError:
        return False
    return True


POSTGRESQL, MONGODB = Probe(_seconds_behind), Probe(_mongodb_answers)


def _answer(told: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return JsonResponse(told, status=status, headers={"Cache-Control": "no-store"})
