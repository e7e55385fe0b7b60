"""`python -m tests.web.buyers --rounds 1000`: sixteen buyers want the last one, over HTTP, again and again.

Exit code 0 only where each round sold exactly one, told the others that it is sold out, and answered nothing else.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import django

from tests.faults.servers import Servers

BUYERS = 16
Got = TypeVar("Got")


def together(calls: Sequence[Callable[[], Got]], pool: ThreadPoolExecutor) -> list[Got]:
    """What the calls return, all begun at the same moment; the pool has a thread for each."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], Got]) -> Got:
        barrier.wait()
        return call()

    return list(pool.map(begin, calls))


def sell_the_last(port: int, rounds: int) -> Counter[str]:
    """Play the rounds; return how often an answer was what, in words."""
    from catalog.models import Product
    from orders.models import Order
    from tests.factories import ProductFactory
    from tests.web.customers import CHECKOUT, Customer, checkout_form, fill_carts

    product = ProductFactory(stock=0)
    buyers = [Customer(port) for _ in range(BUYERS)]
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(BUYERS) as pool:
        for _ in range(rounds):
            Product.objects.filter(pk=product.pk).update(stock=1)
            fill_carts(buyers, [product])
            sold = Order.objects.count()
            calls = [lambda buyer=buyer: buyer.wire.post(CHECKOUT, checkout_form([product])) for buyer in buyers]
            answers = together(calls, pool)
            told = Counter(_told(answer.status, answer.location, answer.body) for answer in answers)
            seen += told
            is_sold_once = told["ordered"] == Order.objects.count() - sold == 1
            seen["rounds that sold another number than one"] += not is_sold_once
            seen["rounds that left stock"] += Product.objects.get(pk=product.pk).stock != 0
    for buyer in buyers:
        buyer.wire.close()
    return +seen


def _told(status: int, location: str, body: str) -> str:
    if status == 302 and location.startswith("/checkout/done/"):
        return "ordered"
    if status == 422 and "(sold out)" in body:
        return "told sold out"
    return f"answered {status} {location}"


def expected(rounds: int) -> Counter[str]:
    return Counter({"ordered": rounds, "told sold out": rounds * (BUYERS - 1)})


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.web.buyers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    rounds = parser.parse_args(arguments).rounds
    with Servers() as servers:
        django.setup()
        # They import models, which need the settings made above.
        from django.core.management import call_command
        from django.db import connection

        from tests.web.server import Server

        call_command("migrate", verbosity=0)
        log = Path(servers.home) / "web.log"
        with Server(log) as server:
            began = time.monotonic()
            seen = sell_the_last(server.port, rounds)
            connection.close()
        print(f"{rounds:,} rounds of {BUYERS} buyers in {time.monotonic() - began:.0f} s: {dict(seen)}")
        deadlocks = log.read_text().count("deadlock")
        print(f"deadlocks in the web's log: {deadlocks}")
        servers.is_kept = is_wrong = seen != expected(rounds) or deadlocks > 0
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
