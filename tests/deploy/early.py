"""The shop as its first code had it: its tables, what it said to them, and the documents that it wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bson import Decimal128
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from history import mongo
from history.mirror.documents import document_id

# The first day on which orders were placed and carried over.
STATE = [("history", "0002_capture"), ("users", "0002_lower_case_email")]
TABLES = {"users": "user_id", "products": "product_id", "orders": "order_id", "order_items": "order_item_id"}
CREATED = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)

USER = "INSERT INTO users (name, email, created_at) VALUES (%s, %s, %s) RETURNING user_id"
PRODUCT = "INSERT INTO products (name, price, stock, created_at) VALUES (%s, %s, %s, %s) RETURNING product_id"
ORDER = "INSERT INTO orders (user_id, total_amount, created_at) VALUES (%s, %s, %s) RETURNING order_id"
ITEM = "INSERT INTO order_items (order_id, product_id, quantity, price) VALUES (%s, %s, %s, %s)"
TAKE = "UPDATE products SET stock = stock - %s WHERE product_id = %s"

Rows = list[tuple[Any, ...]]


def make_tables() -> None:
    MigrationExecutor(connection).migrate(STATE)


def sell(person: str) -> list[int]:
    """Do by plain SQL what a shop does, naming only what its first tables had; returns the orders that are left.

    Three orders: one paid and shipped, one with an item exchanged, one deleted.
    """
    user = _one(USER, person, f"{person.upper()}@Shop.Example", CREATED)
    laptop = _one(PRODUCT, f"Laptop of {person}", Decimal("999.90"), 10, CREATED)
    cable = _one(PRODUCT, f"Cable of {person}", Decimal("0.00"), 0, CREATED)
    shipped, edited, deleted = (_place(user, laptop) for _ in range(3))
    for status in ("paid", "shipped"):
        _do("UPDATE orders SET status = %s WHERE order_id = %s", status, shipped)
    with transaction.atomic():
        _do("UPDATE order_items SET quantity = 1 WHERE order_id = %s", edited)
        _do(ITEM, edited, cable, 3, Decimal("0.00"))
        _do("UPDATE orders SET total_amount = 999.90 WHERE order_id = %s", edited)
        _do(TAKE, -1, laptop)
    _do("DELETE FROM orders WHERE order_id = %s", deleted)
    return [shipped, edited]


def _place(user: int, product: int) -> int:
    with transaction.atomic():
        order = _one(ORDER, user, Decimal("1999.80"), CREATED)
        _do(ITEM, order, product, 2, Decimal("999.90"))
        _do(TAKE, 2, product)
    return order


def mirror(order: int) -> None:
    """Carry one order over as the first relay did: a document of fewer fields, its events marked."""
    columns = "user_id, external_ref, status, total_amount, created_at, shipping_address, rev"
    row = query(f"SELECT {columns} FROM orders WHERE order_id = %s", order)[0]
    document = dict(zip(columns.split(", "), row, strict=True))
    items = query("SELECT product_id, sku, product_name, price, quantity FROM order_items WHERE order_id = %s", order)
    events = query("SELECT rev, kind, status, occurred_at FROM history_events WHERE order_id = %s", order)
    mongo.for_writing().insert_one(
        document
        | {
            "_id": document_id(order),
            "order_id": order,
            "shipping_address": {},
            "archived_at": None,
            "digest": "0" * 64,
        }
        | {"total_amount": Decimal128(document["total_amount"])}
        | {"products": [_named("product_id sku name price quantity", item) for item in items]}
        | {"events": [_named("rev kind status timestamp", event) for event in events]}
    )
    _do("UPDATE history_events SET delivered_at = clock_timestamp() WHERE order_id = %s", order)


def _named(names: str, row: tuple[Any, ...]) -> dict[str, Any]:
    values = [Decimal128(value) if isinstance(value, Decimal) else value for value in row]
    return dict(zip(names.split(), values, strict=True))


def query(sql: str, *parameters: object) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _one(sql: str, *parameters: object) -> int:
    return query(sql, *parameters)[0][0]


def _do(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
