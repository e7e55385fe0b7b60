"""How quickly changes reach MongoDB: one by one while the shop is busy, and many at once after a rest."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from django.db import connection

from history import mongo
from history.mirror import relay
from history.models import Event
from tests.bench import load
from tests.bench.figures import Figure
from tests.factories import ProductFactory, UserFactory

WRITERS = 2
CHANGES_A_SECOND = 200
# Milliseconds by the share of changes that take no longer; seconds of a hundred thousand events.
MOST_LAG = {0.5: 60, 0.99: 500}
MOST_BACKLOG = 90
# Seconds between two orders that somebody waits for in MongoDB, and between two looks for one.
WATCHED, LOOK = 1.0, 0.02

# A shop after an outage: of a hundred events forty place an order of one to three items, thirty-four have one paid,
# twenty-six one shipped. A round is a thousand events; orders are paid in the round after theirs, shipped in the next.
ROUND = {"placed": 400, "paid": 340, "shipped": 260}
PLACED = """
WITH placed AS (
    INSERT INTO orders (user_id, total_amount, changed_by, changed_by_name, shipping_address)
    SELECT %(user)s, 30, %(user)s, 'Ada', '{"name": "Ada", "line1": "Mill Lane 1", "city": "Ely", "country": "England"}'
    FROM generate_series(1, %(number)s) RETURNING order_id)
INSERT INTO order_items (order_id, product_id, quantity, price)
SELECT order_id, item, 1, 10 FROM placed CROSS JOIN unnest(%(products)s::bigint[]) WITH ORDINALITY AS i (item, nth)
WHERE nth <= 1 + order_id %% 3
"""
STEPPED = """
UPDATE orders SET status = %(to)s, changed_by = %(user)s, changed_by_name = 'Sam', changed_at = clock_timestamp()
WHERE order_id IN (
    SELECT order_id FROM orders WHERE status = %(before)s AND order_id <= %(up_to)s
    ORDER BY order_id DESC LIMIT %(number)s)
"""


class RelayProcess:
    """`manage.py relay` on the databases of the environment. `with RelayProcess() as relay`."""

    def __enter__(self) -> RelayProcess:
        self._process = subprocess.Popen([sys.executable, "manage.py", "relay"], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=15)

    @property
    def pid(self) -> int:
        return self._process.pid

    def megabytes(self) -> float:
        """The memory it holds now."""
        command = ["ps", "-o", "rss=", "-p", str(self._process.pid)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


@contextmanager
def writers(customer: int, products: list[int]) -> Iterator[load.Writers]:
    started = load.Writers(WRITERS, customer, products)
    try:
        yield started
    finally:
        started.close()


def lag(seconds: int, rate: int = CHANGES_A_SECOND) -> list[Figure]:
    """Time from a change's transaction to its mark, at so many changes a second and one relay."""
    relay.drain()
    customer, products = shop()
    with RelayProcess() as process, writers(customer, products) as busy:
        first = _last_event()
        memory = [process.megabytes()]
        began = time.perf_counter()
        working = busy.write(rate, seconds)
        seen = sorted(_watch(working, customer, products))
        reached = (sum(each.result() for each in working) + len(seen)) / (time.perf_counter() - began)
        memory.append(process.megabytes())
        while Event.objects.pending().exists():
            time.sleep(0.1)
    p50, p99 = _percentiles(first)
    found = {"p50": p50 * 1000, "p99": p99 * 1000}
    return [
        Figure(
            f"lag of the relay at {reached:,.0f} changes/s, {name}, for {seconds} s",
            f"{took:,.0f} ms",
            f"to a reader of MongoDB {_ms(seen, share)}; relay's memory {memory[0]:.0f} → {memory[1]:.0f} MB",
            took / most,
            f"at most {most} ms",
            took <= most,
        )
        for (name, took), (share, most) in zip(found.items(), MOST_LAG.items(), strict=True)
    ]


def _watch(working: list[Future[int]], customer: int, products: list[int]) -> Iterator[float]:
    """Place orders while the writers work, and yield the seconds from each commit to its sight in MongoDB."""
    documents = mongo.for_reading()
    while not all(each.done() for each in working):
        number = load.place(customer, products)
        committed = time.perf_counter()
        while not documents.find_one({"order_id": number}, {"rev": 1}):
            time.sleep(LOOK)
        yield time.perf_counter() - committed
        time.sleep(WATCHED)


def _ms(ordered: list[float], share: float) -> str:
    return f"{ordered[int(len(ordered) * share)] * 1000:,.0f} ms"


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


def backlog(events: int) -> list[Figure]:
    """Time to deliver what an outage left, by one relay."""
    relay.drain()
    first = _last_event()
    make_backlog(events)
    made = Event.objects.filter(event_id__gt=first)
    orders, total = made.values("order_id").distinct().count(), made.count()
    with RelayProcess() as process:
        began = time.perf_counter()
        memory = [process.megabytes()]
        while made.pending().exists():
            time.sleep(0.2)
            memory.append(process.megabytes())
        seconds = time.perf_counter() - began
    most = MOST_BACKLOG * total / 100_000
    return [
        Figure(
            f"backlog of {total:,} events of {orders:,} orders, one relay",
            f"{seconds:.1f} s, {total / seconds:,.0f} events/s",
            f"relay's memory {memory[0]:.0f} MB at first, {memory[-1]:.0f} MB at last, {max(memory):.0f} MB at most",
            seconds / most,
            f"at most {most:.0f} s",
            seconds <= most,
        )
    ]


def make_backlog(events: int) -> None:
    """Have that many events waiting, of orders on their way."""
    user, products = shop()
    rounds = -(-events // sum(ROUND.values()))
    last: list[int] = []  # order of each round
    with connection.cursor() as cursor:

        def step(before: str, to: str, up_to: int) -> None:
            values = {"before": before, "to": to, "up_to": up_to, "number": ROUND[to], "user": user}
            cursor.execute(STEPPED, values)

        for number in range(rounds + 2):
            if number < rounds:
                cursor.execute(PLACED, {"user": user, "products": products, "number": ROUND["placed"]})
                cursor.execute("SELECT max(order_id) FROM orders")
                last.append(cursor.fetchone()[0])
            if 1 <= number <= rounds:
                step("pending", "paid", last[number - 1])
            if number >= 2:
                step("paid", "shipped", last[number - 2])


def shop() -> tuple[int, list[int]]:
    """A customer and three products, by number."""
    return UserFactory().pk, [product.pk for product in ProductFactory.create_batch(3, stock=10**6)]


def _last_event() -> int:
    return Event.objects.order_by("-event_id").values_list("event_id", flat=True).first() or 0
