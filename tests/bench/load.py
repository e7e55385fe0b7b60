"""What writes while the relay is measured: short transactions of plain SQL, with the wake-up that Django's saves send.

The services would need more of two processor cores than the databases and the relay leave them. Imported by each
writer's own process; importing it sets Django up.
"""

from __future__ import annotations

import itertools
import time
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.db import connection, transaction

from history import wakeup

# An order is paid when its writer has placed so many others since: by then the mirror has it.
PAID_AFTER = 100

PLACE = """
INSERT INTO orders (user_id, total_amount, changed_by, changed_by_name, shipping_address)
VALUES (%s, 30, %s, 'Ada', '{"name": "Ada", "line1": "Mill Lane 1", "city": "Ely", "country": "England"}')
RETURNING order_id
"""
ITEMS = "INSERT INTO order_items (order_id, product_id, quantity, price) SELECT %s, unnest(%s::bigint[]), 1, 10"
PAY = """
UPDATE orders SET status = 'paid', changed_by = %s, changed_by_name = 'Sam', changed_at = clock_timestamp()
WHERE order_id = %s
"""


def place(customer: int, products: list[int]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PLACE, [customer, customer])
        [number] = cursor.fetchone()
        cursor.execute(ITEMS, [number, products])
        transaction.on_commit(wakeup.request)
    return int(number)


def pay(order: int, customer: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PAY, [customer, order])
        transaction.on_commit(wakeup.request)


class Writers:
    """Processes that write at a steady rate together: places and payments in turn."""

    def __init__(self, number: int, customer: int, products: list[int]) -> None:
        self._pools = [ProcessPoolExecutor(1, get_context("spawn")) for _ in range(number)]
        self._of_order = (customer, products)
        for done in self._each(0.1, 1.0):
            done.result()  # imported and connected

    def write(self, changes_a_second: float, seconds: float) -> list[Future[int]]:
        """Start writing; each future becomes the changes that its writer made."""
        return self._each(len(self._pools) / changes_a_second, seconds)

    def close(self) -> None:
        for pool in self._pools:
            pool.shutdown()

    def _each(self, pause: float, seconds: float) -> list[Future[int]]:
        return [pool.submit(_write, pause, seconds, *self._of_order) for pool in self._pools]


def _write(pause: float, seconds: float, customer: int, products: list[int]) -> int:
    placed: list[int] = []
    began = time.perf_counter()
    for number in itertools.count():
        due = number * pause
        if due >= seconds:
            connection.close()
            return number
        time.sleep(max(0.0, began + due - time.perf_counter()))
        if number % 2 and len(placed) > PAID_AFTER:
            pay(placed[len(placed) - 1 - PAID_AFTER], customer)
        else:
            placed.append(place(customer, products))
    raise AssertionError("it counts for ever")
