"""What writing an order costs: the capture of its changes, and Django above bare SQL."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone

from catalog import stock
from catalog.models import Product
from orders.models import Order
from orders.services import RequestedItem, place_order
from tests.bench.figures import Figure
from tests.factories import ProductFactory, UserFactory

ROUNDS = 5
SAVES = 400
LEAST_CAPTURE, LEAST_PLACING = 0.85, 0.40

# The statements of place_order, written by hand.
ORDER_OF_KEY = "SELECT order_id FROM orders WHERE user_id = %s AND idempotency_key = %s"
ADD_ITEMS = """
INSERT INTO order_items (order_id, product_id, quantity, price, product_name, sku)
SELECT %s, * FROM unnest(%s::bigint[], %s::integer[], %s::numeric[], %s::text[], %s::text[])
"""
QUEUE_EMAIL = """
INSERT INTO order_mails (order_id, rev, status, language) SELECT order_id, rev, %s, %s FROM orders WHERE order_id = %s
"""


def rate(work: Callable[[int], object], times: int) -> float:
    """Calls a second."""
    started = time.perf_counter()
    for number in range(times):
        work(number)
    return times / (time.perf_counter() - started)


def capture() -> list[Figure]:
    """Saves a second with the triggers ÷ without: 400 creates and 400 status changes, each in a transaction."""
    customer = UserFactory()

    def saves() -> float:
        orders: list[Order] = []

        def create(_: int) -> None:
            with transaction.atomic():
                orders.append(Order.objects.create(customer=customer, total_amount=Decimal("1.00")))

        def change(number: int) -> None:
            with transaction.atomic():
                orders[number].status = "paid"
                orders[number].save()

        return 2 / (1 / rate(create, SAVES) + 1 / rate(change, SAVES))

    saves()
    on, off = [], []
    for _ in range(ROUNDS):
        on.append(saves())
        _switch_triggers(on=False)
        off.append(saves())
        _switch_triggers(on=True)
    saved_on, saved_off = statistics.median(on), statistics.median(off)
    ratio = saved_on / saved_off
    return [
        Figure(
            "saves of an order, recorded by the database",
            f"{saved_on:,.0f}/s",
            f"without the triggers {saved_off:,.0f}/s",
            ratio,
            f"at least {LEAST_CAPTURE}",
            ratio >= LEAST_CAPTURE,
        )
    ]


def _switch_triggers(*, on: bool) -> None:
    with connection.cursor() as cursor:
        for table in ("orders", "order_items"):
            cursor.execute(f"ALTER TABLE {table} {'ENABLE' if on else 'DISABLE'} TRIGGER USER")


def placing() -> list[Figure]:
    """place_order of three items ÷ the same statements by bare psycopg."""
    customer, products = UserFactory(), ProductFactory.create_batch(3, stock=1_000_000)
    items = [RequestedItem(product, 1) for product in products]
    rounds = iter(range(10_000))

    def through_django(key: str) -> float:
        return rate(lambda n: place_order(customer=customer, items=items, key=f"{key}-{n}", at=timezone.now()), SAVES)

    def bare(key: str) -> float:
        return rate(lambda n: _place_bare(customer.pk, products, f"{key}-{n}"), SAVES)

    through_django("warm"), bare("bare-warm")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(through_django(f"a{next(rounds)}"))
        theirs.append(bare(f"b{next(rounds)}"))
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        Figure(
            "place_order of three items",
            f"{statistics.median(ours):,.0f} orders/s",
            f"its statements by bare psycopg {statistics.median(theirs):,.0f}/s",
            ratio,
            f"at least {LEAST_PLACING}",
            ratio >= LEAST_PLACING,
        )
    ]


def _place_bare(customer: int, products: list[Product], key: str) -> None:
    """The statements of place_order, on the connection that Django uses, without Django."""
    ids = [product.pk for product in products]
    connection.ensure_connection()
    bare = connection.connection
    with bare.transaction(), bare.cursor() as cursor:
        cursor.execute("SELECT user_id FROM users WHERE user_id = %s FOR NO KEY UPDATE", [customer])
        cursor.execute(
            f"SELECT product_id, name, price, stock, sku, is_active, ({ORDER_OF_KEY}) FROM products "
            "WHERE product_id = ANY(%s) ORDER BY product_id FOR NO KEY UPDATE",
            [customer, key, ids],
        )
        found = cursor.fetchall()
        cursor.execute(
            "INSERT INTO orders (user_id, total_amount, status, idempotency_key, holds_stock, changed_by, "
            "changed_by_name, changed_at) VALUES (%s, %s, 'pending', %s, true, %s, 'bench', now()) RETURNING order_id",
            [customer, sum(row[2] for row in found), key, customer],
        )
        [order_id] = cursor.fetchone()
        told = f'{{"reason": "sale", "order_id": {order_id}, "actor_id": {customer}, "actor_name": "bench"}}'
        numbers, names, prices, _, skus, _, _ = (list(column) for column in zip(*found, strict=True))
        cursor.execute(ADD_ITEMS, [order_id, numbers, [1] * len(ids), prices, names, skus])
        cursor.execute(stock.MOVE, [ids, [-1] * len(ids), told])
        cursor.execute(QUEUE_EMAIL, ["pending", "en", order_id])
