"""Figures for Prometheus at /metrics: requests, orders, how far the mirror is behind, the database's pool.

For whoever has METRICS_TOKEN (`Authorization: Bearer ...`); without one set there is no such page, but on a machine of
one's own. Counts are of all workers of this web server (gunicorn.conf.py gives them a common folder), the stores'
figures of the moment, the pool's of the worker that answers.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from config.health import seconds_behind
from config.paging import count_up_to
from config.probes import Probe
from history.models import Event, ParkedRow, ReconcileRun
from users.models import Erasure

REQUESTS = Counter("shop_http_requests", "Answered requests.", ["view", "method", "status"])
# Seconds; the limits of the pages lie among them.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 0.5, 1, 2.5, 5, 10)
SECONDS = Histogram("shop_http_request_seconds", "Time until the answer was made.", ["view"], buckets=BUCKETS)
ORDERS = Counter("shop_orders_placed", "Orders placed, by customers and through the API.")

# Pending events are counted so far and no further.
MOST = 100_000
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class MetricsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/metrics" and _may_see(request):
            return HttpResponse(_page(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
        began = time.perf_counter()
        response = self.get_response(request)
        # By its name, never its path: visitors choose paths.
        match = request.resolver_match
        view = match.view_name if match else "unknown"
        method = request.method if request.method in METHODS else "other"
        SECONDS.labels(view).observe(time.perf_counter() - began)
        REQUESTS.labels(view, method, response.status_code).inc()
        return response


def count_order(*, created: bool, **_: Any) -> None:
    """Receive post_save of an order."""
    if created:
        transaction.on_commit(ORDERS.inc)


class Stores(Collector):
    """What PostgreSQL and its pool say now; nothing where it does not answer."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (text, value) in (EVENTS.result() or {}).items():
            yield GaugeMetricFamily(name, text, value)
        told = connection.pool.get_stats() if connection.pool else {}  # type: ignore[attr-defined]
        for name in ("pool_size", "pool_available", "requests_waiting"):
            yield GaugeMetricFamily(f"shop_database_{name}", "Of one worker.", told.get(name, 0))


def _inconsistent() -> dict[str, tuple[str, int]]:
    """Orders that contradict themselves, as the latest reconcile of all orders found them."""
    run = ReconcileRun.objects.of_all_orders().newest_first().first()
    if run is None:
        return {}
    return {
        "shop_orders_wrong_totals": ("Total is not that of the items.", run.wrong_totals),
        "shop_orders_without_items": ("No items yet.", run.without_items),
        "shop_orders_holding_stock": ("Cancelled, and hold stock.", run.holding_stock),
    }


def _events() -> dict[str, tuple[str, int]]:
    try:
        pending, parked, behind = Event.objects.pending(), Event.objects.parked(), seconds_behind()
        return {
            "shop_relay_lag_seconds": ("Age of the oldest undelivered change.", behind),
            "shop_events_pending": (f"At most {MOST:,}.", int(count_up_to(pending, MOST))),
            "shop_erasures_failing": ("Each with its error.", Erasure.objects.failing().count()),
            "shop_rows_parked": ("Rows left out because they cannot be worked on.", ParkedRow.objects.count()),
            "shop_events_parked": (f"At most {MOST:,}.", int(count_up_to(parked, MOST))),
            **_inconsistent(),
        }
    except Error:
        return {}
    finally:
        connection.close()


EVENTS = Probe(_events)


def _page() -> bytes:
    registry = CollectorRegistry()
    registry.register(Stores())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(REGISTRY) + generate_latest(registry)


def _may_see(request: HttpRequest) -> bool:
    if not settings.METRICS_TOKEN:
        return bool(settings.LOCAL)
    sent = request.headers.get("Authorization", "")
    return secrets.compare_digest(sent.encode("latin-1", "replace"), f"Bearer {settings.METRICS_TOKEN}".encode())
