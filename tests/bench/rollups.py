"""What the rollups cost to keep and to read, and how soon a change is in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone

from history.mirror import relay
from history.rollups import keeper, read
from orders.models import Order
from tests.bench import mirror
from tests.bench.figures import Figure

SECONDS = 15
CHANGES_A_SECOND = 50
MOST_BEHIND = 2  # seconds
# Orders of the day before it begins, and seconds between two looks.
TODAY, LOOK = 3000, 0.02
EVER = date(1970, 1, 1), date(2199, 12, 31)
TIMES = 7


def rebuild() -> list[Figure]:
    """Time to count every day anew, and to read each kind for all days there are, the median of some times."""
    keeper.drain()
    keeper.queue_all()
    orders, started = Order.objects.count(), time.perf_counter()
    days = keeper.drain()
    seconds = time.perf_counter() - started
    anew = Figure(f"rollups of {orders:,} orders anew", f"{seconds:.1f} s", f"{orders / seconds:,.0f} orders/s")
    kinds: dict[str, Callable[..., Iterable[Any]]] = {
        "sums": read.sums,
        "durations": read.durations,
        "orders": read.orders,
        "lines": read.lines,
    }
    return [anew] + [
        Figure(f"rollups read for all {days:,} days: {name}", f"{_median(ask) * 1000:,.0f} ms")
        for name, ask in kinds.items()
    ]


def freshness() -> list[Figure]:
    """How far the reports are behind while 50 changes a second are made on a day that has thousands of orders."""
    customer, products = mirror.shop()
    with connection.cursor() as cursor:
        cursor.execute(mirror.PLACED, {"user": customer, "products": products, "number": TODAY})
    relay.drain()
    behind = []
    with mirror.RelayProcess(), mirror.writers(customer, products) as busy:
        time.sleep(1)  # it looks at everything once when it starts
        started = time.perf_counter()
        working = busy.write(CHANGES_A_SECOND, SECONDS)
        while not all(each.done() for each in working):
            since, now = read.behind().since, timezone.now()
            behind.append((now - since).total_seconds() if since else 0.0)
            time.sleep(LOOK)
        reached = sum(each.result() for each in working) / (time.perf_counter() - started)
    behind.sort()
    p50, p99 = behind[len(behind) // 2], behind[len(behind) * 99 // 100]
    limit = f"at most {MOST_BEHIND * 1000:,} ms"
    told = f"reports behind at {reached:,.0f} changes/s on a day of {TODAY:,} orders"
    beside = f"p50 {p50 * 1000:,.0f} ms"
    return [Figure(f"{told}, p99", f"{p99 * 1000:,.0f} ms", beside, p99 / MOST_BEHIND, limit, p99 <= MOST_BEHIND)]


def _median(ask: Callable[..., Iterable[Any]]) -> float:
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        for _day in ask(*EVER):
            pass
        taken.append(time.perf_counter() - started)
    return sorted(taken)[TIMES // 2]
