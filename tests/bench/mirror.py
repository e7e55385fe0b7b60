"""How quickly changes reach MongoDB: one by one while the shop is busy, and many at once after a rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from django.db import connection
from django.utils import timezone

from history.mirror import relay
from history.models import Event
from orders.models import Order
from orders.services import RequestedItem, change_status, place_order
from tests.factories import ProductFactory, UserFactory

CHANGES_A_SECOND = 200
SECONDS = int(os.environ.get("BENCH_LAG_SECONDS", "15"))
BACKLOG = int(os.environ.get("BENCH_BACKLOG", "10000"))


def lag() -> str:
    """Time from a change's transaction to its mark, at 200 changes a second and one relay."""
    relay.drain()
    customer, product = UserFactory(), ProductFactory(stock=1_000_000)
    process = subprocess.Popen([sys.executable, "manage.py", "relay"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    first = Event.objects.order_by("event_id").last()
    started = time.perf_counter()
    for number in range(0, SECONDS * CHANGES_A_SECOND, 2):
        wait = started + number / CHANGES_A_SECOND - time.perf_counter()
        time.sleep(max(wait, 0))
        items = [RequestedItem(product, 1)]
        order = place_order(customer=customer, items=items, key=f"lag-{number}", at=timezone.now())
        change_status(order, to="paid", by=customer, at=timezone.now())
    reached = SECONDS * CHANGES_A_SECOND / (time.perf_counter() - started)
    while Event.objects.pending().exists():
        time.sleep(0.1)
    process.terminate()
    process.communicate(timeout=15)
    p50, p99 = _percentiles(first.event_id if first else 0)
    return f"lag at {reached:,.0f} changes/s      p50 {p50 * 1000:,.0f} ms, p99 {p99 * 1000:,.0f} ms"


def _percentiles(after: int) -> tuple[float, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY delivered_at - recorded_at)),
                      extract(epoch FROM percentile_disc(0.99) WITHIN GROUP (ORDER BY delivered_at - recorded_at))
            FROM history_events WHERE event_id > %s""",
            [after],
        )
        p50, p99 = cursor.fetchone()
    return float(p50), float(p99)


def backlog() -> str:
    """Time to deliver many orders at once."""
    relay.drain()
    customer = UserFactory()
    Order.objects.bulk_create(Order(customer=customer, total_amount=1) for _ in range(BACKLOG))
    started = time.perf_counter()
    delivered = relay.drain()
    seconds = time.perf_counter() - started
    return f"backlog of {delivered:,} orders    {seconds:.1f} s, {delivered / seconds:,.0f} orders/s"
