"""What the rollups cost to keep and to read, and how soon a change is in them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.utils import timezone

from history.demo.load import Load, fill
from history.mirror import relay
from history.rollups import keeper, read
from orders.models import Order
from orders.services import RequestedItem, change_status, place_order
from tests.factories import ProductFactory, UserFactory

ORDERS = int(os.environ.get("BENCH_ROLLUP_ORDERS", "20000"))
SECONDS = int(os.environ.get("BENCH_FRESHNESS_SECONDS", "15"))
CHANGES_A_SECOND = 50
EVER = date(1970, 1, 1), date(2199, 12, 31)
TIMES = 7


def rebuild() -> str:
    """Time to count every day anew."""
    if Order.objects.count() < ORDERS:
        fill(Load(ORDERS, timezone.now()))
    keeper.drain()
    keeper.queue_all()
    orders, started = Order.objects.count(), time.perf_counter()
    days = keeper.drain()
    seconds = time.perf_counter() - started
    rate = f"{days / seconds:,.0f} days/s, {orders / seconds:,.0f} orders/s"
    return f"rollups of {days:,} days anew     {seconds:.1f} s, {rate}"


def reading() -> str:
    """Time to read each kind for all days there are; the median of some times."""
    kinds: dict[str, Callable[..., Iterable[Any]]] = {
        "sums": read.sums,
        "durations": read.durations,
        "orders": read.orders,
        "lines": read.lines,
    }
    return "rollups read for All        " + ", ".join(
        f"{name} {_median(ask) * 1000:,.0f} ms" for name, ask in kinds.items()
    )


def freshness() -> str:
    """How far the reports are behind, looked at after each of 50 changes a second with one relay; at most 2 s p99."""
    relay.drain()
    customer, product = UserFactory(), ProductFactory(stock=1_000_000)
    process = subprocess.Popen([sys.executable, "manage.py", "relay"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    behind, started = [], time.perf_counter()
    for number in range(SECONDS * CHANGES_A_SECOND // 2):
        time.sleep(max(started + 2 * number / CHANGES_A_SECOND - time.perf_counter(), 0))
        items = [RequestedItem(product, 1)]
        order = place_order(customer=customer, items=items, key=f"fresh-{number}", at=timezone.now())
        change_status(order, to="paid", by=customer, at=timezone.now())
        since, now = read.behind().since, timezone.now()
        behind.append((now - since).total_seconds() if since else 0.0)
    reached = SECONDS * CHANGES_A_SECOND / (time.perf_counter() - started)
    process.terminate()
    process.communicate(timeout=15)
    behind.sort()
    p50, p99 = behind[len(behind) // 2], behind[len(behind) * 99 // 100]
    return f"reports behind at {reached:,.0f} changes/s  p50 {p50 * 1000:,.0f} ms, p99 {p99 * 1000:,.0f} ms"


def _median(ask: Callable[..., Iterable[Any]]) -> float:
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        for _day in ask(*EVER):
            pass
        taken.append(time.perf_counter() - started)
    return sorted(taken)[TIMES // 2]
