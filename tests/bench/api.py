"""`python -m tests.bench.api`: orders a second through the API, beside those through the shop's checkout.

gunicorn as in production but over plain http, asked by CLIENTS at once from another process, page and API in turn, on
databases of its own or those of DATABASE_URL and MONGODB_URL. Exit code 1 where the API takes fewer orders a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from django.core.management import call_command

from tests.bench import http
from tests.bench.figures import Figure, show
from tests.bench.http import CLIENTS
from tests.bench.stores import databases
from tests.web.wire import Wire

ROUNDS = 3


def post(port: int, key: str, bodies: Sequence[str]) -> float:
    """Order through the API, CLIENTS at once, each on one connection; return how many a second."""

    def go(own: Sequence[str]) -> None:
        wire = Wire(port)
        for body in own:
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())}
            answer = wire.post_json("/api/v1/orders", body, headers)
            assert answer.status == 201, answer.body[:500]
        wire.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(go, (bodies[number::CLIENTS] for number in range(CLIENTS))))
    return len(bodies) / (time.perf_counter() - began)


def orders(number: int, rounds: int = ROUNDS) -> list[Figure]:
    """number: of the orders of each round and way."""
    from django.db import connection

    from config.api.scopes import ORDERS_WRITE
    from tests.web.server import Server
    from users import api_keys

    name, many = f"Bench {uuid4()}", 10_000_000
    _, key = api_keys.make(name=name, scopes=[ORDERS_WRITE], customer=None, requests_per_minute=many)
    pages, api = [], []
    with ExitStack() as stack:
        logs = stack.enter_context(TemporaryDirectory())
        shop = stack.enter_context(Server(Path(logs) / "web.log"))
        clients = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
        for _ in range(rounds):
            forms, bodies = http.forms(number), _bodies(number)
            connection.close()
            pages.append(clients.submit(http.post, shop.port, forms).result()[0])
            api.append(clients.submit(post, shop.port, key, bodies).result())
    share = max(api) / max(pages)
    beside = f"through the shop's checkout {max(pages):,.0f}/s"
    what = f"orders through the API, {CLIENTS} clients"
    return [Figure(what, f"{max(api):,.0f}/s", beside, share, "at least 1", share >= 1)]


def _bodies(number: int) -> list[str]:
    """Orders of one product each, for as many customers."""
    from catalog.models import Product
    from tests.bench import buyers
    from tests.web.customers import ADDRESS

    numbers = buyers.ready(number)
    skus = dict(Product.objects.filter(pk__gte=buyers.PRODUCTS).values_list("pk", "sku"))
    return [
        json.dumps(
            {
                "customer_id": buyers.CUSTOMERS + each,
                "items": [{"sku": skus[buyers.product(each)], "quantity": 1}],
                "shipping_address": ADDRESS,
            }
        )
        for each in numbers
    ]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api", description=__doc__)
    parser.add_argument("--orders", type=int, default=800, help="of each round and way")
    asked = parser.parse_args(arguments)
    with databases():
        call_command("migrate", verbosity=0)
        return 1 if show(orders(asked.orders)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
