"""The SQL and the MongoDB queries that the product promises to answer, word for word but for the ids."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from history.mirror import relay
from history.models import Event
from tests.factories import ProductFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def placed(mirror):
    """Place the example's order in plain SQL; returns (user_id, order_id, the two product ids)."""
    user_id = UserFactory().pk
    laptop, mouse = ProductFactory(name="Laptop", sku="LAP").pk, ProductFactory(name="Mouse").pk
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO orders(user_id, total_amount) VALUES (%s, 150) RETURNING order_id", [user_id])
        order_id = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO order_items(order_id, product_id, quantity, price) VALUES (%s, %s, 2, 50), (%s, %s, 1, 50)",
            [order_id, laptop, order_id, mouse],
        )
        cursor.execute("COMMIT")
    relay.drain()
    return user_id, order_id, laptop, mouse


def test_the_order_reads_back_with_its_items(placed):
    user_id, order_id, laptop, mouse = placed

    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT o.order_id, o.total_amount, o.status, o.created_at,
                json_agg(json_build_object('product_id', oi.product_id, 'quantity', oi.quantity, 'price', oi.price))
                AS items
            FROM orders o JOIN order_items oi ON o.order_id = oi.order_id WHERE o.user_id = %s GROUP BY o.order_id""",
            [user_id],
        )
        [(number, total, status, created_at, items)] = cursor.fetchall()

    assert (number, total, status) == (order_id, Decimal("150.00"), "pending")
    assert created_at.tzinfo is not None
    assert items == [
        {"product_id": laptop, "quantity": 2, "price": 50.00},
        {"product_id": mouse, "quantity": 1, "price": 50.00},
    ]


def test_the_mirror_finds_the_order(placed, mirror):
    _, order_id, laptop, mouse = placed

    document = mirror.find_one({"order_id": order_id})

    assert document["total_amount"].to_decimal() == Decimal("150.00")
    assert document["status"] == "pending"
    assert [(p["product_id"], p["name"], p["quantity"]) for p in document["products"]] == [
        (laptop, "Laptop", 2),
        (mouse, "Mouse", 1),
    ]
    assert document["products"][0]["sku"] == "LAP"
    [event] = document["events"]
    placed_at = Event.objects.get(order_id=order_id).occurred_at
    assert event["status"] == "pending"
    assert event["timestamp"] == placed_at.replace(microsecond=placed_at.microsecond // 1000 * 1000)


def test_the_mirror_sums_what_a_customer_spent(placed, mirror):
    user_id, *_ = placed

    result = list(
        mirror.aggregate(
            [{"$match": {"user_id": user_id}}, {"$group": {"_id": "$user_id", "totalSpent": {"$sum": "$total_amount"}}}]
        )
    )

    assert [(row["_id"], row["totalSpent"].to_decimal()) for row in result] == [(user_id, Decimal("150.00"))]


def test_the_promised_indexes_are_there(mirror):
    indexes = mirror.index_information()

    assert indexes["order_id"]["unique"] is True
    assert {"user_id", "status", "created_at"} <= set(indexes)
