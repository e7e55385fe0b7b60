"""Orders that contradict themselves are named with their figures, by both commands, on the page and in the metrics."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from history.mirror import relay
from history.models import ReconcileRun
from orders.consistency import inconsistencies
from orders.models import Order
from orders.services import cancel_order
from tests.factories import ProductFactory, UserFactory
from tests.impossible import possible

pytestmark = pytest.mark.django_db(transaction=True)


def sql(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


@pytest.fixture
def wrong(place, mirror):
    """Orders of each kind: the lines that name them."""
    good = place(ProductFactory(price=Decimal("50.00")), quantity=2)
    cancel_order(place(), by=good.customer, at=good.created_at)
    total, cancelled, both = (place(ProductFactory(price=Decimal("50.00")), quantity=3) for _ in range(3))
    sql("UPDATE orders SET total_amount = 1234.5 WHERE order_id = %s", total.pk)
    sql("UPDATE orders SET status = 'cancelled' WHERE order_id IN (%s, %s)", cancelled.pk, both.pk)
    sql("UPDATE orders SET total_amount = 0 WHERE order_id = %s", both.pk)
    sql("INSERT INTO orders (user_id, total_amount) VALUES (%s, 150)", good.customer_id)
    empty = Order.objects.latest("order_id")
    relay.drain()
    return [
        f"in PostgreSQL, order {total.pk}: total_amount is 1,234.50, its items come to 150.00, "
        "the difference is 1,084.50",
        f"in PostgreSQL, order {cancelled.pk}: is cancelled and still holds stock",
        f"in PostgreSQL, order {both.pk}: total_amount is 0.00, its items come to 150.00, the difference is -150.00; "
        "is cancelled and still holds stock",
        f"in PostgreSQL, order {empty.pk}: has no items yet, total_amount is 150.00",
        "2 orders with another total_amount than their items, 1 without items, 2 cancelled and holding stock.",
    ]


def named(told):
    return [
        line for line in told.splitlines() if line.startswith("in PostgreSQL, order ") or "another total_amount" in line
    ]


def test_both_commands_name_them(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("check_stock")
    assert ended.value.code == 1
    assert named(capsys.readouterr().out) == wrong

    call_command("reconcile")  # the stores are equal
    assert named(capsys.readouterr().out) == wrong
    call_command("reconcile", since="2000-01-01T00:00:00Z")
    assert named(capsys.readouterr().out) == wrong


def test_the_mirror_page_and_the_metrics_count_them(wrong, client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert "shop_orders_wrong_totals" not in client.get("/metrics").content.decode()

    call_command("reconcile")

    run = ReconcileRun.objects.get()
    assert (run.wrong_totals, run.without_items, run.holding_stock) == (2, 1, 2)
    page = client.get(reverse("admin:history_mirror")).content.decode()
    assert all(head in page for head in ("Total is not that of the items", "Without items", "Cancelled, holding stock"))
    told = client.get("/metrics").content.decode()
    for line in ("wrong_totals 2.0", "without_items 1.0", "holding_stock 2.0"):
        assert f"\nshop_orders_{line}" in told


def test_an_order_may_be_committed_before_its_items(mirror, capsys):
    product = ProductFactory()
    sql("INSERT INTO orders (user_id, total_amount) VALUES (%s, 150)", UserFactory().pk)
    [empty] = inconsistencies()
    assert (empty.has_no_items, empty.has_wrong_total) == (True, False)
    call_command("check_stock")

    sql(
        "INSERT INTO order_items (order_id, product_id, quantity, price) VALUES (%s, %s, 3, 50)",
        empty.order_id,
        product.pk,
    )

    assert inconsistencies() == []


def test_a_total_that_is_no_number_is_named(place):
    order = place()
    with possible("orders_total_amount_possible", "orders"):
        sql("UPDATE orders SET total_amount = 'NaN'")

    [found] = inconsistencies([order.pk])

    assert str(found).startswith(f"in PostgreSQL, order {order.pk}: total_amount is NaN, its items come to ")


def test_json_of_a_wrong_shape_is_named(place, capsys):
    order, product = place(), ProductFactory()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE orders SET shipping_address = '\"Graz\"' WHERE order_id = %s", [order.pk])
        cursor.execute("UPDATE products SET attributes = '[]' WHERE product_id = %s", [product.pk])
        cursor.execute("SET session_replication_role = origin")

    with pytest.raises(SystemExit):
        call_command("check_stock")

    lines = capsys.readouterr().out.splitlines()
    assert f"in PostgreSQL, order {order.pk}: shipping_address is no JSON object" in lines
    assert f"in PostgreSQL, product {product.pk}: attributes are no JSON object" in lines
