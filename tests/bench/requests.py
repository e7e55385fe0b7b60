"""`python -m tests.bench.requests`: what a request pays for its id, its line in the log and the limits.

On databases of its own, or those of DATABASE_URL and MONGODB_URL; each figure with and without, alternating, in one
process.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from statistics import quantiles
from typing import Any

from django.core.management import call_command

from tests.bench import figures
from tests.bench.figures import Figure
from tests.bench.stores import databases

ROUNDS = 400
LEAST = 50  # µs
ID = "0123456789abcdef0123456789abcdef"


def took(call: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    call()
    return (clock() - began) * 1e6


def compare(
    name: str,
    with_it: Callable[[], object],
    without: Callable[[], object],
    *,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Figure:
    """Compare the lowest tenth of each, which a busy machine disturbs least."""
    for warm in range(20):
        (with_it if warm % 2 else without)()
    pairs = [(took(with_it, clock), took(without, clock)) for _ in range(rounds)]
    dear, cheap = (quantiles(values, n=10)[0] for values in zip(*pairs, strict=True))
    # Beside next to nothing a ratio says nothing.
    ratio = dear / cheap if cheap > LEAST else None
    return Figure(name, f"{dear:,.0f} µs", f"without {cheap:,.0f} µs: {dear - cheap:+,.0f} µs", ratio)


def measured() -> Iterator[Figure]:
    from django.conf import settings
    from django.db import connection, transaction
    from django.http import HttpRequest, HttpResponse
    from django.urls import resolve
    from django.utils import timezone

    from config import counters, limits, logs, request_ids
    from orders.services import RequestedItem, place_order
    from tests.factories import ProductFactory, UserFactory

    customer, product = UserFactory(), ProductFactory(stock=100_000)
    keys = iter(range(1_000_000))

    def as_request(call: Callable[[], object]) -> Callable[[], object]:
        def called() -> None:
            token = request_ids.current.set(ID)
            try:
                call()
            finally:
                request_ids.current.reset(token)

        return called

    def look() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def order() -> None:
        items = [RequestedItem(product, 1)]
        place_order(customer=customer, items=items, key=f"{ID}{next(keys)}", at=timezone.now())

    yield compare("transaction that only looks", as_request(look), look)
    yield compare("order of one product", as_request(order), order)

    # What Python does, by the time of its processor.
    python: Any = {"rounds": 4000, "clock": time.thread_time}
    request: Any = HttpRequest()
    request.method, request.path, request.resolver_match = "GET", "/search/", resolve("/search/")
    request.META["REMOTE_ADDR"] = "192.0.2.7"
    answered = logs.RequestMiddleware(lambda _: HttpResponse())
    handler = logging.StreamHandler(open(os.devnull, "w"))  # noqa: SIM115 - for as long as the process lives
    handler.setFormatter(logs.JsonFormatter())
    logs.logger.propagate, logs.logger.handlers = False, [handler]
    logs.logger.setLevel(logging.INFO)
    yield compare("id and line in the log", lambda: answered(request), HttpResponse, **python)
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10**9)
    limit = limits.RateLimitMiddleware(lambda _: HttpResponse())
    yield compare("limit of a search", lambda: limit.process_view(request, answered, (), {}), lambda: None, **python)
    yield compare("the counter alone", lambda: counters.hit(("bench", "192.0.2.7"), 60), lambda: None, **python)


def main() -> int:
    with databases():
        call_command("migrate", verbosity=0)
        figures.show(measured())
    return 0


if __name__ == "__main__":
    sys.exit(main())
