"""`python -m tests.bench.api`: orders a second through the API, beside those through the shop's checkout.

gunicorn as in production but over plain http, asked by CLIENTS at once from another process, page and API in turn, on
databases of its own or those of DATABASE_URL and MONGODB_URL. Exit code 1 where the API takes fewer orders a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

from django.core.management import call_command

from tests.bench.stores import databases
from tests.web.wire import Wire

CLIENTS = 16
ROUNDS = 3
PRODUCTS = 400

# By whom (a session's key or a key of the API), and what is posted.
Form = tuple[str, dict[str, str]]
Body = tuple[str, str]


def post_forms(port: int, forms: Sequence[Form]) -> float:
    """Post checkout forms, CLIENTS at once; return how many a second. Raises where one is no order."""

    def go(own: Sequence[Form]) -> None:
        for session, form in own:
            wire = Wire(port, session)
            answer = wire.post("/checkout/", form)
            assert answer.status == 302, answer.body[:500]
            assert answer.location.startswith("/checkout/done/"), answer.location
            wire.close()

    return _rate(go, forms)


def post_bodies(port: int, bodies: Sequence[Body]) -> float:
    """Post orders to the API, each on a connection of its own, like the forms."""

    def go(own: Sequence[Body]) -> None:
        for key, body in own:
            wire = Wire(port)
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())}
            answer = wire.post_json("/api/v1/orders", body, headers)
            assert answer.status == 201, answer.body[:500]
            wire.close()

    return _rate(go, bodies)


def _rate(go: object, every: Sequence[object]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(go, (every[number::CLIENTS] for number in range(CLIENTS))))  # type: ignore[arg-type]
    return len(every) / (time.perf_counter() - began)


def measure(orders: int) -> int:
    """orders: of each round and way."""
    from django.conf import settings
    from django.db import connection

    from catalog.models import Product
    from config.api.scopes import ORDERS_WRITE
    from tests.web.customers import ADDRESS, Customer, checkout_form, fill_carts
    from tests.web.server import Server
    from users import api_keys

    # Nobody signs in by password here, and the real hasher takes its time for each customer.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0)
    products = Product.objects.bulk_create(
        Product(name=f"Product {number}", sku=f"BENCH-{uuid4().hex}", price=Decimal("12.50"), stock=1_000_000)
        for number in range(PRODUCTS)
    )
    _, key = api_keys.make(
        name=f"Bench {uuid4()}", scopes=[ORDERS_WRITE], customer=None, requests_per_minute=10_000_000
    )
    logs = Path(tempfile.mkdtemp(prefix="user-order-system-bench-"))
    with Server(logs / "web.log") as shop, ProcessPoolExecutor(1, get_context("spawn")) as clients:
        customers = [Customer(shop.port) for _ in range(orders)]
        pages, api = [], []
        for _ in range(ROUNDS):
            forms, bodies = [], []
            for number, customer in enumerate(customers):
                product = products[number % PRODUCTS]
                fill_carts([customer], [product])
                forms.append((customer.session, checkout_form([product])))
                items = [{"sku": product.sku, "quantity": 1}]
                asked = {"customer_id": customer.user.pk, "items": items, "shipping_address": ADDRESS}
                bodies.append((key, json.dumps(asked)))
            connection.close()
            pages.append(clients.submit(post_forms, shop.port, forms).result())
            api.append(clients.submit(post_bodies, shop.port, bodies).result())
    print(f"{CLIENTS} clients, {ROUNDS} rounds of {orders} orders each")
    print(f"checkout: {max(pages):.0f} orders/s (rounds: {', '.join(f'{rate:.0f}' for rate in pages)})")
    print(f"API:      {max(api):.0f} orders/s (rounds: {', '.join(f'{rate:.0f}' for rate in api)})")
    print(f"API / checkout: {max(api) / max(pages):.2f} (at least 1)")
    return int(max(api) < max(pages))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api", description=__doc__)
    parser.add_argument("--orders", type=int, default=800, help="of each round and way")
    asked = parser.parse_args(arguments)
    with databases():
        return measure(asked.orders)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
