"""Lists, pages and reports over very many archived orders, as ten years of archiving leave them.

Some orders are really placed, mirrored and archived; the others are stubs written by SQL, their rollups beside them by
the same rule, their documents left out: what shows a single order is asked of the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from catalog.models import Category, Product
from history import mongo
from history.demo import load
from history.models import ArchivedOrder
from history.rollups import writes
from orders.models import Order
from tests.bench import admin, buyers, costs, reports
from tests.bench.figures import Figure, p95
from tests.bench.olist import timed
from tests.bench.scale import pages, sizes
from tests.bench.scale.stub_rule import FIRST_ORDER, FIRST_PRODUCT, PRODUCTS, WRITE, Stubs
from users.models import User

DAYS = 3650
REAL_ORDERS = 5_000
RUNS, REPORT_RUNS = 4, 2
CUSTOMERS = 60
CHECKOUTS = 100
DAYS_AT_ONCE = 30
VERSION = 1
GIVES_UP = 10_000  # milliseconds: where MongoDB takes longer, a report says so instead (MONGODB_READ_TIMEOUT_MS)

INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'archived_orders' AND indexname <> 'archived_orders_pkey'
"""


def measured(count: int) -> Iterator[Figure]:
    """count: of the stubs, so many a day for ten years."""
    assert settings.TIME_ZONE == "UTC", "the rule of the stubs knows no other zone"
    # All of them before the first of the real ones, so that no day has some of both.
    first = timezone.localdate() - timedelta(days=DAYS + load.DAYS + 2)
    stubs = Stubs(first, DAYS, max(1, count // DAYS))
    timed("real orders", _real_orders)
    timed(f"{stubs.count:,} stubs", lambda: _write(stubs))
    rolled_up = timed("their rollups", lambda: _roll_up(stubs))
    yield from _sizes(stubs.count, rolled_up)
    yield from _of_customers()
    yield from _of_staff(first + timedelta(days=DAYS - 1))
    yield pages.memory()


def _real_orders() -> None:
    """The older half of them archived as archive_orders does, the others live."""
    load.fill(load.Load(REAL_ORDERS, timezone.now()))
    call_command("relay", drain=True, verbosity=0)
    half = Order.objects.order_by("created_at")[REAL_ORDERS // 2].created_at.date()
    call_command("archive_orders", before=half, verbosity=0)
    Category.objects.get_or_create(slug="load", defaults={"name": "Load"})
    Product.objects.bulk_create(
        Product(product_id=FIRST_PRODUCT + number, name=f"Old product {number}", sku=f"OLD-{number}", price=1, stock=0)
        for number in range(PRODUCTS)
    )
    admin.prepare()


def _write(stubs: Stubs) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET maintenance_work_mem = '1GB'")
        # It would look for the rows of each order, which never were.
        cursor.execute("ALTER TABLE archived_orders DISABLE TRIGGER history_describe_stub")
        with _without_indexes(cursor):
            cursor.execute(WRITE, stubs.parameters())
        cursor.execute("ALTER TABLE archived_orders ENABLE TRIGGER history_describe_stub")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout; RESET maintenance_work_mem")


@contextmanager
def _without_indexes(cursor: CursorWrapper) -> Iterator[None]:
    """Made anew afterwards, which is many times quicker."""
    cursor.execute(INDEXES)
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)


def _roll_up(stubs: Stubs) -> int:
    """Write what the keeper would count of them; return how many bytes that are."""
    collection, written = mongo.for_writing(mongo.ROLLUPS), 0
    for start in range(0, stubs.days, DAYS_AT_ONCE):
        counted = dict(stubs.day(number) for number in range(start, min(start + DAYS_AT_ONCE, stubs.days)))
        collection.bulk_write([*writes.operations(counted, VERSION).values()], ordered=False)
        contents = (content for parts in counted.values() for kind in parts.values() for content in kind)
        written += sum(len(value) for content in contents for value in content.values() if isinstance(value, bytes))
    return written


def _sizes(stubs: int, rolled_up: int) -> Iterator[Figure]:
    size = sizes.of_tables(["archived_orders"])["archived_orders"] / stubs
    yield Figure("`archived_orders` and its indexes", f"{size:,.0f} bytes an order", f"{stubs:,} stubs")
    yield from sizes.projected("archived, in PostgreSQL", size)
    yield Figure("rollups in MongoDB", f"{rolled_up / stubs:,.0f} bytes an order", "of 1.5 items")
    yield from sizes.projected("in rollups", rolled_up / stubs)


def _of_customers() -> Iterator[Figure]:
    archived = ArchivedOrder.objects.filter(order_id__lt=FIRST_ORDER).order_by("sha256")[:CUSTOMERS]
    users = User.objects.in_bulk([stub.user_id for stub in archived])
    asked = [(pages.signed_in(users[stub.user_id]), stub.order_id) for stub in archived]
    yield pages.every("My orders", [(client, "/orders/") for client, _ in asked])
    yield pages.every("an archived order's page", [(client, f"/orders/{number}/") for client, number in asked])
    order = costs.caller()
    took = [costs.milliseconds(order, number) for number in buyers.ready(CHECKOUTS)]
    yield Figure(f"one checkout at a time, p95 of {CHECKOUTS}", f"{p95(took):,.1f} ms")


def _of_staff(last: date) -> Iterator[Figure]:
    """last: the day of the newest stub."""
    desk = pages.signed_in(User.objects.get(email=admin.MANAGER))
    lists = [path for path in admin.pages() if path.startswith(admin.ORDERS)]
    yield pages.slowest("back office, orders", desk, lists, RUNS, limit=admin.LIMIT_MS)
    for name, is_month, _, _ in reports.PAGES:
        query, _ = reports.month(last) if is_month else ("period=all", "")
        what = f"{name}, {'thirty days' if is_month else 'everything'}"
        yield pages.slowest(what, desk, [f"/reports/{name}/?{query}&compare=none"], REPORT_RUNS, limit=GIVES_UP)
