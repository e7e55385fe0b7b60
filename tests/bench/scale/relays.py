"""How a backlog shrinks with one, two and four relays, and whose processor time that takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

from django.db import connection, transaction

from history.mirror import reconcile, relay
from history.models import Event
from tests.bench import mirror
from tests.bench.figures import Figure
from tests.bench.scale.cpu import Cpu

COUNTS = (1, 2, 4)
# What is locked no relay claims: all of them begin at once, when the last one is there.
HOLD = """
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT event_id FROM history_events WHERE delivered_at IS NULL FOR UPDATE
"""


def measured(events: int) -> Iterator[Figure]:
    """events: of each backlog."""
    first = 0.0
    for count in COUNTS:
        relay.drain()
        mirror.make_backlog(events)
        waiting = Event.objects.pending().count()
        with ExitStack() as stack:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(HOLD)
                for _ in range(count):
                    stack.enter_context(mirror.RelayProcess())
            cpu, began = Cpu(), time.perf_counter()
            while Event.objects.pending().exists():
                time.sleep(0.1)
            seconds, used = time.perf_counter() - began, cpu.used()
        rate = waiting / seconds
        first = first or rate
        told = ", ".join(f"{name} {took / waiting * 1000:.2f}" for name, took in sorted(used.items()))
        what = f"backlog of {waiting:,} events, {count} relay{'s' if count > 1 else ''}"
        yield Figure(what, f"{rate:,.0f} events/s", f"processor, ms an event: {told}", rate / first)
    found = reconcile.reconcile()
    yield Figure(
        "orders compared afterwards",
        f"{found.compared:,}",
        f"{len(found.differences):,} differ",
        limit="none differs",
        is_met=not found.differences,
    )
