"""`python -m tests.bench.feed --events 1000`: what the feed costs an order's change, and how fast webhooks go out.

On databases of its own, gone afterwards; the receiver is in this process and answers at once.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence

import django
from django.core.management import call_command

from tests.faults.servers import Servers

ORDERS = 50
# Turns of each way, one after the other, so that a busy moment of the machine hits both.
TURNS = 10


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.feed", description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    options = parser.parse_args(arguments)
    with Servers():
        os.environ["WEBHOOK_NETWORKS"] = "127.0.0.0/8"
        django.setup()
        call_command("migrate", verbosity=0)
        measure(options.events)


def measure(events: int) -> None:
    # They import models, which need the settings made above.
    from django.utils import timezone

    from history.feed import positions
    from history.webhooks import endpoints
    from history.webhooks.deliverer import BUSY_PAUSE, Deliverer
    from history.webhooks.models import Endpoint
    from tests.history.receiver import Receiver

    numbers = place()
    seconds = {"ENABLE": 0.0, "DISABLE": 0.0}
    for way in list(seconds) * TURNS:
        seconds[way] += change(numbers, events // TURNS, way)
    print(f"a change of an order: {seconds['ENABLE'] / events * 1e6:.0f} µs, of these for the feed "
          f"{(seconds['ENABLE'] - seconds['DISABLE']) / events * 1e6:.0f} µs")  # fmt: skip
    receiver = Receiver()
    endpoints.add(Endpoint(name="Warehouse", url=receiver.url))
    began = time.perf_counter()
    while positions.number():
        pass
    print(f"numbered: {positions.ends().last / (time.perf_counter() - began):,.0f} events/s")
    deliverer, began = Deliverer(), time.perf_counter()
    while deliverer.turn(at=timezone.now()):
        time.sleep(BUSY_PAUSE)
    print(f"delivered to one receiver: {len(receiver.requests) / (time.perf_counter() - began):,.0f} webhooks/s")
    deliverer.finish()
    receiver.close()


def place() -> list[int]:
    from django.utils import timezone

    from orders.services import RequestedItem, place_order
    from tests.factories import ProductFactory, UserFactory

    lamp, customer = ProductFactory(stock=10**6), UserFactory()
    at = timezone.now()
    return [
        place_order(customer=customer, items=[RequestedItem(lamp, 1)], key=f"bench-{number}", at=at).pk
        for number in range(ORDERS)
    ]


def change(numbers: list[int], count: int, way: str) -> float:
    """Return the seconds that so many changes take, each committed by itself, with the feed's trigger or without."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE history_events {way} TRIGGER history_feed")
        began = time.perf_counter()
        for number in range(count):
            cursor.execute(
                "UPDATE orders SET change_note = %s, changed_at = clock_timestamp() WHERE order_id = %s",
                [str(number), numbers[number % ORDERS]],
            )
        took = time.perf_counter() - began
        cursor.execute("ALTER TABLE history_events ENABLE TRIGGER history_feed")
    return took


if __name__ == "__main__":
    main()
