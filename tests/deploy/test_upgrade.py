"""A shop with data from its first day comes through every migration to now, and the code of then goes on meanwhile."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bson import Decimal128
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db.models.signals import pre_migrate
from django.utils import timezone

from config.roles import ROLES
from history.mirror import reconcile, relay
from orders.models import Order
from orders.services import RequestedItem, change_status, place_order
from tests.deploy import early
from tests.deploy.early import TABLES, query
from tests.factories import StaffFactory
from tests.history import restored

COLUMNS = """
SELECT table_name, column_name, is_nullable = 'YES' OR column_default IS NOT NULL OR is_generated = 'ALWAYS'
FROM information_schema.columns WHERE table_name = ANY(%s) ORDER BY 1, 2
"""
EVENTS = "SELECT order_id, rev, kind, status, occurred_at, actor_name, note, changes FROM history_events ORDER BY 1, 2"
LEDGER = """
SELECT name, stock, sum(delta), string_agg(reason || ' ' || delta, ', ' ORDER BY movement_id)
FROM products LEFT JOIN stock_movements USING (product_id) GROUP BY product_id ORDER BY product_id
"""


@pytest.fixture
def shop(transactional_db, mirror):
    """The first shop, on tables of its own, while the test runs."""
    with restored.empty_postgres("upgraded"):
        early.make_tables()
        yield mirror
    ContentType.objects.clear_cache()


def columns():
    """By table, the columns, and whether a row may be inserted without naming them."""
    found = query(COLUMNS, list(TABLES))
    return {(table, column): is_free for table, column, is_free in found}


def rows(known):
    """Of each table, the rows as they are in the columns that are known."""
    by_table = {table: ", ".join(f'"{column}"' for of, column in known if of == table) for table in TABLES}
    return {table: query(f"SELECT {named} FROM {table} ORDER BY {TABLES[table]}") for table, named in by_table.items()}


def test_the_first_shop_comes_through_with_all_it_has_and_its_code_goes_on(shop):
    mirrored, pending = early.sell("ada")
    early.mirror(mirrored)
    known = columns()
    before, told = rows(known), query(EVENTS)

    limits = []

    def note(**_):
        limits.extend(query("SHOW statement_timeout"))

    pre_migrate.connect(note)
    call_command("migrate", verbosity=0, interactive=False)
    pre_migrate.disconnect(note)
    ContentType.objects.clear_cache()

    # An index may take its time, a page's statement may not.
    assert (set(limits), query("SHOW statement_timeout")) == ({("0",)}, [("30s",)])
    # Nothing that was there is lost or altered.
    assert rows(known) == before
    assert query(EVENTS) == told
    assert [len(each) for each in before.values()] == [1, 2, 2, 3]
    assert Group.objects.count() == len(ROLES)
    assert query("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
    assert query("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid") == []
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    # The ledger begins with what was there.
    assert query(LEDGER) == [("Laptop of ada", 5, 5, "opening 5"), ("Cable of ada", 0, None, None)]
    call_command("check_stock")

    # The mirror: what waited is carried over, the document of then is found out, named and mended.
    relay.drain()
    assert [each.order_id for each in reconcile.reconcile().differences] == [mirrored]
    call_command("reconcile", repair=True)
    document = shop.find_one({"order_id": pending})
    assert document["total_amount"] == Decimal128("999.90")
    assert [(each["name"], each["quantity"]) for each in document["products"]] == [
        ("Laptop of ada", 1),
        ("Cable of ada", 3),
    ]
    assert [each["kind"] for each in document["events"]] == ["placed", "items", "edited"]
    assert document["created_at_us"] == 456

    goes_on_with_the_code_of_now(mirrored)
    goes_on_with_the_code_of_then(known)


def goes_on_with_the_code_of_now(old):
    staff, now = StaffFactory(), timezone.now()
    order = Order.objects.get(pk=old)
    product = order.items.get().product
    change_status(order, to="delivered", by=staff, at=now)
    place_order(customer=order.customer, items=[RequestedItem(product, 2)], key="k", at=now)
    product.refresh_from_db()

    assert product.stock == 3
    assert order.customer.email == "ada@shop.example"
    relay.drain()
    call_command("check_stock")
    call_command("reconcile")


def goes_on_with_the_code_of_then(known):
    """Between the migration and the last restart of a process, both codes are at work."""
    added = {column: is_free for column, is_free in columns().items() if column not in known}
    assert all(added.values()), f"the code of then cannot insert without {[c for c, free in added.items() if not free]}"
    assert len(added) >= 4

    shipped, edited = early.sell("ben")
    relay.drain()

    assert query(
        "SELECT status, total_amount FROM orders WHERE order_id IN (%s, %s) ORDER BY order_id", shipped, edited
    ) == [
        ("shipped", Decimal("1999.80")),
        ("pending", Decimal("999.90")),
    ]
    call_command("check_stock")
    call_command("reconcile")
