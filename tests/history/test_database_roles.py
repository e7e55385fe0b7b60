"""Web and relay work under roles that own nothing: rows, never tables, and what happened stays."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from history import database_roles, upkeep
from history.mirror import reconcile, relay
from history.models import ArchivedOrder, Event
from orders import edits
from orders.edits import Wanted
from orders.models import Order, OrderItem
from orders.services import change_status
from tests.factories import PASSWORD, CategoryFactory, ProductFactory, StaffFactory, UserFactory
from tests.history.archived import archive
from tests.history.order_book import OrderBook
from tests.web.customers import checkout_form
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

WEB, RELAY = "test_web", "test_relay"

# Nobody but the owner.
NEVER = [
    "CREATE TABLE mine (id int)",
    "CREATE TABLE public.mine (id int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "ALTER TABLE orders ADD COLUMN mine int",
    "ALTER TABLE history_events DISABLE TRIGGER history_events_append_only",
    "ALTER TABLE products DISABLE TRIGGER USER",
    "DROP TABLE order_items",
    "DROP TRIGGER history_record_insert ON orders",
    "DROP FUNCTION history_touch_order",
    "CREATE OR REPLACE FUNCTION history_record_insert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "TRUNCATE orders CASCADE",
    "SET history.capture = 'off'; TRUNCATE history_events",
    "CREATE INDEX ON orders (status)",
    "SET session_replication_role = 'replica'",
    "COPY orders TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
    "DELETE FROM django_migrations",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "SET ROLE shop",
]
# The web neither.
NOT_BY_PAGES = [
    "CREATE TEMPORARY TABLE mine (id int)",
    "SET history.capture = 'off'; UPDATE history_events SET status = 'paid'",
    "SET history.capture = 'off'; UPDATE history_events SET changes = '{}'",
    "SET history.capture = 'off'; UPDATE history_events SET request_id = 'mine'",
    "SET history.capture = 'off'; DELETE FROM history_events",
    "UPDATE stock_movements SET delta = 1",
    "DELETE FROM stock_movements",
]


@contextmanager
def signed_in_as(role):
    owner = connection.settings_dict["USER"]
    connection.close()
    connection.close_pool()
    connection.settings_dict["USER"] = role
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()
        connection.settings_dict["USER"] = owner


@pytest.fixture
def roles():
    """Both roles, made by what the command prints; twice, because it may be run again."""
    printed = StringIO()
    call_command("database_roles", web=WEB, relay=RELAY, stdout=printed)
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(printed.getvalue())
    yield
    with connection.cursor() as cursor:
        for role in (WEB, RELAY):
            cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        cursor.execute("SELECT current_database()")
        cursor.execute(f'GRANT TEMPORARY ON DATABASE "{cursor.fetchone()[0]}" TO PUBLIC')


def test_it_fails_as_a_whole(roles):
    """A role that may not make roles gets nothing done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        [database] = cursor.fetchone()
        statements = database_roles.statements(database=database, owner=WEB, web="other_web", relay=RELAY)
        before = privileges(cursor)
        cursor.execute("SET ROLE " + RELAY)
        with pytest.raises(ProgrammingError):
            cursor.execute(statements)
        cursor.execute("ROLLBACK; RESET ROLE")
        late = statements.replace("REVOKE INSERT, UPDATE, DELETE ON django_migrations", "REVOKE ALL ON no_such_table")
        with pytest.raises(ProgrammingError):
            cursor.execute(late)
        cursor.execute("ROLLBACK")
        assert privileges(cursor) == before
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'other_web'")
        assert cursor.fetchone() == (0,)


def privileges(cursor) -> set[tuple[str, ...]]:
    cursor.execute("SELECT grantee, table_name, privilege_type FROM information_schema.table_privileges")
    return set(cursor.fetchall())


def refused(statement) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except ProgrammingError as error:
        return error.__cause__.sqlstate == "42501"
    return False


def test_neither_role_can_do_more_than_it_has_to(roles, place):
    place()

    with signed_in_as(WEB):
        assert [each for each in NEVER + NOT_BY_PAGES if not refused(each)] == []
    with signed_in_as(RELAY):
        assert [each for each in NEVER if not refused(each)] == []

    assert Event.objects.count() == 1


def test_the_shop_sells_is_run_and_delivers_under_these_roles(roles, client, mirror, now, tmp_path, settings):
    lamp, desk = ProductFactory(stock=9), ProductFactory(stock=9)
    customer, boss = UserFactory(), StaffFactory()
    settings.ACTIVITY_LOG_DAYS = 1

    with signed_in_as(WEB):
        client.post(reverse("account_login"), {"login": customer.email, "password": PASSWORD})
        client.post(reverse("orders:cart_add"), {"product": lamp.pk, "quantity": 1})
        assert client.post(reverse("orders:checkout"), checkout_form([lamp])).status_code == 302
        order = Order.objects.get()
        # What joins an event of its own transaction does so by the owner's function.
        item = OrderItem.objects.get()
        wanted = Wanted({item.pk: 2}, {desk: 1}, {"name": "Eve"})
        total = edits.plan_edit(order, wanted).total
        edits.edit_order(order, wanted, seen_rev=1, shown_total=total, reason="more", by=boss, at=timezone.now())
        for minutes, status in enumerate(("paid", "shipped", "delivered"), start=1):
            change_status(order, to=status, by=boss, at=timezone.now() + timedelta(minutes=minutes))
        client.force_login(boss)
        assert client.post(reverse("admin:history_requeue"), {"event": "all"}).status_code == 302
        category = CategoryFactory()
        category.name = "Renamed"
        category.save()
    edited = Event.objects.get(order_id=order.pk, rev=2)
    assert (edited.kind, len(edited.changes["items"])) == ("items", 2)

    with signed_in_as(RELAY):
        assert relay.drain() > 5
        archive(order)
        assert not Order.objects.exists()
        OrderBook(tmp_path / "book")
        call_command("import_orders", tmp_path / "book", stdout=StringIO())
        relay.drain()
        assert upkeep.carry_on(at=timezone.now()) == 0
        call_command("database_roles", stdout=StringIO())

    with signed_in_as(WEB):
        restored = client.post(reverse("admin:orders_order_restore", args=[order.pk]))
        assert restored.status_code == 302
        assert client.get("/reports/sales/").status_code == 200
    assert Order.objects.filter(pk=order.pk).exists()
    assert not ArchivedOrder.objects.exists()
    with signed_in_as(RELAY):
        relay.drain()
        assert reconcile.reconcile().differences == []
    assert User.objects.filter(email="ada@mail.example").exists()
