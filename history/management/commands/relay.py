"""manage.py relay: carry events to MongoDB until told to stop, or with --drain until nothing is pending."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection
from tqdm import tqdm

from config.working import Service
from history import mongo
from history.mirror import relay
from history.models import Event
from history.rollups import keeper

WORKERS = 2


class Command(Service):
    help = "Carry events from PostgreSQL to MongoDB, until stopped (SIGTERM); any number of relays may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--drain", action="store_true", help="Stop when nothing is pending.")

    def handle(self, *args: Any, drain: bool, **options: Any) -> None:
        if drain:
            self._drain()
        else:
            self.serve(relay.Relay(), name="relay", waits_for="events")

    def _drain(self) -> None:
        started = time.monotonic()
        mongo.prepare()
        pending = Event.objects.pending().count()
        delivered = orders = 0
        with tqdm(total=pending, unit=" events", disable=None) as bar, ThreadPoolExecutor(WORKERS) as workers:
            # Each is a relay of its own: while one waits for MongoDB, the other reads and builds.
            for done in [workers.submit(_deliver, bar) for _ in range(WORKERS)]:
                delivered += done.result()[0]
                orders += done.result()[1]
        keeper.drain()
        seconds = time.monotonic() - started
        rate = f"{orders / seconds:,.0f} orders/s" if seconds else ""
        self.stdout.write(f"{delivered:,} events of {orders:,} orders delivered in {seconds:.1f} s ({rate}).")
        parked = Event.objects.parked().count()
        if parked:
            self.stderr.write(f"{parked:,} events are parked with an error; see the events in the back office.")


def _deliver(bar: Any) -> tuple[int, int]:
    """Deliver until nothing can be; returns events and orders."""
    delivered = orders = 0
    try:
        for batch in relay.batches():
            delivered += batch.delivered
            orders += batch.orders
            bar.update(batch.delivered)
    finally:
        connection.close()  # this thread's
    return delivered, orders
