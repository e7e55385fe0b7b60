"""The shop, the back office and the reports over very many live orders."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.db import connection
from django.utils import timezone

from catalog.models import Category
from history.demo.load import Load, fill
from history.models import Event
from history.rollups import keeper
from orders.models import Order
from tests.bench import admin, http, shop
from tests.bench import reports as report_pages
from tests.bench.figures import Figure
from tests.bench.scale import pages, sizes
from users.models import User

CUSTOMERS = 100
RUNS = 3
PAGE_SECONDS = 4
CHECKOUTS = 400


def measured(orders: int) -> Iterator[Figure]:
    """orders: so many live ones, generated unless they are there."""
    if Order.objects.count() < orders:
        fill(Load(orders, timezone.now()))
    _catch_up()
    live, before, placed = sizes.of_live(), sizes.of_tables(sizes.PLACED), Order.objects.count()
    yield from shop.pages(PAGE_SECONDS, CHECKOUTS)
    yield from http.orders(CHECKOUTS, 1)
    after, placed = sizes.of_tables(sizes.PLACED), Order.objects.count() - placed
    yield from sizes.told(live | {table: (after[table] - before[table]) / placed for table in sizes.PLACED})
    yield from _of_customers()
    desk = pages.signed_in(User.objects.get(email=admin.MANAGER))
    yield pages.slowest("back office", desk, admin.pages(), RUNS, limit=admin.LIMIT_MS)
    yield from report_pages.pages(RUNS)
    yield pages.memory()


def _of_customers() -> Iterator[Figure]:
    """My orders, and an order, of customers at random."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT order_id FROM orders TABLESAMPLE SYSTEM (10) ORDER BY random() LIMIT %s", [CUSTOMERS])
        some = Order.objects.filter(pk__in=[number for (number,) in cursor.fetchall()])
    asked = [(pages.signed_in(order.customer), order) for order in some.select_related("customer")]
    yield pages.every("My orders", [(client, "/orders/") for client, _ in asked])
    yield pages.every("an order's page", [(client, order.get_absolute_url()) for client, order in asked])


def _catch_up() -> None:
    """As a shop is whose relay and keeper have been at work, but for the documents of live orders."""
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        if Event.objects.pending().exists():
            cursor.execute("UPDATE history_events SET delivered_at = now() WHERE delivered_at IS NULL")
        keeper.drain()
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")
    Category.objects.get_or_create(slug="load", defaults={"name": "Load"})
    if not User.objects.filter(email=admin.MANAGER).exists():
        admin.prepare()
    print(f"caught up in {time.monotonic() - began:.0f} s", flush=True)
