"""`python -m tests.faults.archive`: kill -9 archive and restore at each of their points and at random, over a shop with
damaged documents; at every moment each order is in at least one store.

Exit code 0 only where that held, the damaged ones stayed, and what was restored is what it was, column by column. The
seed repeats the choices, not the timing of the machine.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import django

from tests.faults.servers import Servers

# Orders of a transaction: few, so that a kill finds work in hand.
BATCH = 10
# Of the documents.
DAMAGED = 0.01
# Orders that one command is to restore.
RESTORED_AT_ONCE = 40
DEATH = -signal.SIGKILL

# The life of orders as `seed_load` makes it has neither refunds nor notes, nor anything below a second.
LIVELIER = """
UPDATE orders SET told_customer_at = clock_timestamp(), idempotency_key = 'key-' || order_id, external_ref =
    CASE WHEN order_id % 2 = 0 THEN 'ref-' || order_id END, shipping_address = '{"name": "Ada", "n": 1.10}'
WHERE order_id % 3 = 0;
INSERT INTO refunds (order_id, amount, items, reason, is_last, refunded_by, refunded_by_name, refunded_at)
SELECT order_id, 1.10, '[{"price": "1.10", "n": 12.50}]', 'bent', false, 1, 'Sam', clock_timestamp()
FROM orders WHERE order_id % 5 = 0 AND status = 'delivered'
"""


class Campaign:
    """A filled shop, and who archives, restores, kills and checks there."""

    def __init__(self, servers: Servers, seed: str, orders: int) -> None:
        from tests.faults.parts import Part
        from tests.history.archived_rows import by_order

        self.chance = random.Random(seed)
        self.part = Part("relay-archive", servers.home, {}, seed)
        self.problems: list[str] = []
        self.deaths = self.in_flight = 0
        order_ids = fill(orders)
        self.damaged = damage(self.chance.sample(order_ids, max(1, int(len(order_ids) * DAMAGED))), self.chance)
        self.saved = by_order(order_ids)
        self.watch = Watch(servers.postgres.url, orders)

    def strike(self, points: Sequence[str], hits: Sequence[int]) -> None:
        """Die at each point, the first and later times it is passed."""
        for point in points:
            for hit in hits if point != "archive: mid mark" else hits[:1]:  # a hundred are marked at once
                self.part.command(self.restore_some() if "restore" in point else self.archive_some(hit), point, hit)
                code = self.part.wait(120)
                if code != DEATH:
                    self.problems.append(f"{point!r} was not passed {hit} times: exit code {code}")
                self._died(f"{point} {hit}")

    def kill(self, count: int) -> None:
        """Kill archives and restores after a random time."""
        for number in range(count):
            self.part.command(self.archive_all() if self.live() > BATCH else self.restore_some())
            time.sleep(self.chance.uniform(0.05, 0.6))
            self.in_flight += self.part.is_alive
            self.part.kill()
            self._died(f"kill {number}")

    def archive_some(self, batches: int) -> list[str]:
        """Of the oldest so many batches and one more, at least."""
        from orders.models import Order

        left = Order.objects.filter(pk__in=self.saved.keys() - self.damaged).order_by("created_at")
        day = left.values_list("created_at", flat=True)[(batches + 1) * BATCH].date() + timedelta(days=1)
        return ["archive_orders", "--before", day.isoformat(), "--batch", str(BATCH)]

    def archive_all(self) -> list[str]:
        # At a rate that lets a kill find it at work.
        return ["archive_orders", "--before", "2100-01-01", "--batch", str(BATCH), "--rate", "300"]

    def restore_some(self) -> list[str]:
        from history.models import ArchivedOrder

        archived = sorted(ArchivedOrder.objects.values_list("pk", flat=True))
        return ["restore_order", *map(str, self.chance.sample(archived, min(RESTORED_AT_ONCE, len(archived))))]

    def live(self) -> int:
        from orders.models import Order

        return Order.objects.filter(pk__in=self.saved.keys() - self.damaged).count()

    def _died(self, story: str) -> None:
        self.deaths += 1
        self.problems += [f"after {story}: {problem}" for problem in check(self.saved)]

    def end(self, restored: int) -> None:
        """Archive the rest, look who stayed, restore so many, and compare both stores."""
        from django.utils import timezone

        from history.archive import back, marks, run
        from history.mirror import reconcile
        from history.models import ArchivedOrder
        from orders.models import Order

        deadline = time.monotonic() + 60
        # Sessions of the dead hold their rows until PostgreSQL has noticed.
        while (outcome := run.archive_before(timezone.now())).waiting and time.monotonic() < deadline:
            time.sleep(0.2)
        marks.drain()
        stayed = set(Order.objects.filter(pk__in=self.saved).values_list("pk", flat=True))
        if stayed != self.damaged or outcome.differing.keys() != self.damaged:
            self.problems.append(f"{len(stayed ^ self.damaged)} orders stayed that should not, or left damaged")
        archived = sorted(ArchivedOrder.objects.values_list("pk", flat=True))
        for order_id in self.chance.sample(archived, min(restored, len(archived))):
            back.restore(order_id, by=None, at=timezone.now())
        self.problems += check(self.saved)
        found = reconcile.reconcile()
        named = {difference.order_id for difference in found.differences}
        if named != self.damaged or found.rollups:
            self.problems.append(f"reconcile: {len(named ^ self.damaged)} orders wrongly named, {found.rollups}")
        self.problems += self.watch.end()


class Watch(threading.Thread):
    """Looks all the time whether live and archived orders together are all there are."""

    def __init__(self, url: str, orders: int) -> None:
        super().__init__(daemon=True)
        self.looks = 0
        self._url, self._orders = url, orders
        self._problems: set[str] = set()
        self._stopped = threading.Event()
        self.start()

    def run(self) -> None:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stopped.wait(0.01):
                [(live, archived)] = connection.execute(
                    "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM archived_orders)"
                ).fetchall()
                self.looks += 1
                if live + archived != self._orders:
                    self._problems.add(f"at a moment there were {live} live and {archived} archived orders")

    def end(self) -> list[str]:
        self._stopped.set()
        self.join()
        return sorted(self._problems)


def fill(orders: int) -> list[int]:
    """Make a shop with so many orders, mirrored; return the numbers of those that may leave."""
    from django.db import connection
    from django.utils import timezone

    from history.archive import run
    from history.demo import load
    from history.mirror import relay

    load.fill(load.Load(orders=orders, now=timezone.now()))
    with connection.cursor() as cursor:
        cursor.execute(LIVELIER)
    relay.drain()
    return run.candidates(timezone.now(), after=run.FIRST, most=orders)


def damage(order_ids: Sequence[int], chance: random.Random) -> set[int]:
    """Edit these orders' documents, half of them with a digest that fits."""
    from history import mongo
    from history.mirror.documents import digest
    from tests.history.damage import EDITS

    mirror = mongo.for_writing()
    for order_id in order_ids:
        document = mirror.find_one({"order_id": order_id})
        assert document
        chance.choice(list(EDITS.values()))(document)
        if chance.random() < 0.5:
            document["digest"] = digest(document)
        mirror.replace_one({"_id": document["_id"]}, document)
    return set(order_ids)


def check(saved: dict[int, Any]) -> list[str]:
    """What is wrong: an order in neither store or in both, a row that changed, a document that is not its stub's."""
    from history.mirror import documents, held, source
    from history.models import ArchivedOrder
    from tests.history.archived_rows import by_order

    with source.snapshot():
        live = by_order(saved)
        stubs = dict(ArchivedOrder.objects.values_list("pk", "sha256"))
    found = held.by_order({"$gte": min(saved), "$lte": max(saved)})
    sound = {number for number in stubs if [documents.digest(each) for each in found[number]] == [stubs[number]]}
    problems = {
        "in neither store": saved.keys() - live.keys() - stubs.keys(),
        "in both": live.keys() & stubs.keys(),
        "changed": {number for number in live if live[number] != saved[number]},
        "not the stub's": stubs.keys() - sound,
    }
    return [f"{what}: {sorted(numbers)[:5]}" for what, numbers in problems.items() if numbers]


def run_all(servers: Servers, *, seed: str, orders: int, kills: int, restored: int, hits: Sequence[int]) -> Any:
    """Return the figures by name; "problems" is empty where everything held."""
    from django.core.management import call_command

    from history import faults

    call_command("migrate", verbosity=0)
    campaign = Campaign(servers, seed, orders)
    try:
        campaign.strike(faults.ARCHIVE_POINTS + faults.RESTORE_POINTS, hits)
        campaign.kill(kills)
        campaign.end(restored)
    finally:
        campaign.part.kill()
    return {
        "orders": orders,
        "deaths": campaign.deaths,
        "kills in flight": campaign.in_flight,
        "damaged": len(campaign.damaged),
        "looks": campaign.watch.looks,
        "problems": campaign.problems,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.archive", description=__doc__)
    parser.add_argument("--orders", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=20, help="at random, beside those at the points")
    parser.add_argument("--restored", type=int, default=1000, help="orders compared column by column in the end")
    parser.add_argument("--hits", type=int, nargs="+", default=[1, 3], help="times a point is passed until it kills")
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    asked = {name: getattr(options, name) for name in ("seed", "orders", "kills", "restored", "hits")}
    with Servers() as servers:
        django.setup()
        figures = run_all(servers, **asked)
        servers.is_kept = bool(figures["problems"])
    print(json.dumps(figures))
    return 1 if figures["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
