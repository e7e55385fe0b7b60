"""Rows that no service would write, written past every rule of the database: one of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from tests.emptying import empty_tables

TABLES = ("users", "products", "orders", "order_items", "feed_events", "history_events", "archived_orders")

# SET clauses by what is wrong.
ORDERS = {
    "a total that is no number": "total_amount = 'NaN'",
    "placed at infinity": "created_at = 'infinity'",
    "placed at minus infinity": "created_at = '-infinity'",
    "placed in the year 58884": "created_at = '58884-03-01'",
    "placed before Christ": "created_at = '0044-03-15 BC'",
    "placed on the calendar's last evening": "created_at = '9999-12-31 23:59:59.999999+00'",
    "an address that is a text": """shipping_address = '"1 Main Street"'""",
    "an address that is a list": """shipping_address = '["1 Main Street", {"city": null}]'""",
    "an address that is null": "shipping_address = 'null'",
    "an address of odd lines": r"""shipping_address = '{"name": ["\\u0000"], "city": {"a": 1e400}, "line1": null}'""",
    "an address over 16 MB": "shipping_address = jsonb_build_object('line1', repeat('x', 17000000))",
    "a status that is none": "status = 'lost'",
    "an empty status": "status = ''",
    "a reference of blanks": "external_ref = repeat(' ', order_id::integer % 60)",
    "changed at infinity": "changed_at = 'infinity', changed_by_name = ''",
}
ITEMS = {
    "a price that is no number": "price = 'NaN'",
    "a huge quantity": "quantity = 2147483647",
    "a quantity of zero": "quantity = 0",
    "a quantity below zero": "quantity = -2147483648",
}
PRODUCTS = {
    "a product whose price is no number": "price = 'NaN'",
    "a product whose attributes are a text": """attributes = '"red"'""",
    "a product whose attributes are a list": "attributes = '[1, null]'",
    "a product whose attributes are null": "attributes = 'null'",
    "a product with odd attributes": r"""attributes = '{"": {"a": [1e400]}, "colour": ["\\u0000"]}'""",
    "a product made at infinity": "created_at = 'infinity'",
    "a product made in the year 58884": "created_at = '58884-03-01'",
    "a product with much stock": "stock = 2147483647",
    "a product with stock below zero": "stock = -5",
}
CUSTOMERS = {
    "a customer without an email": "email = ''",
    "a customer who came at infinity": "created_at = 'infinity', last_login = '-infinity'",
    "a customer without a name": "name = ''",
}


@contextmanager
def unguarded() -> Iterator[None]:
    """Take the CHECK constraints of the tables away, and with them the triggers that refuse values; put them back at
    the end, when nothing is left in the tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'c' AND conrelid = ANY(%s::regclass[])""",
            [list(TABLES)],
        )
        constraints = cursor.fetchall()
        cursor.execute(
            """SELECT tgrelid::regclass::text, tgname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE tgrelid = ANY(%s::regclass[]) AND NOT tgisinternal AND prosrc ~ 'RAISE EXCEPTION'
                AND (proname ~ 'refuse|check|valid|transition')""",
            [list(TABLES)],
        )
        triggers = cursor.fetchall()
        for table, name, _ in constraints:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for table, name in triggers:
            cursor.execute(f'ALTER TABLE {table} DISABLE TRIGGER "{name}"')
    try:
        yield
    finally:
        empty_tables()
        with connection.cursor() as cursor:
            for table, name, definition in constraints:
                cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
            for table, name in triggers:
                cursor.execute(f'ALTER TABLE {table} ENABLE TRIGGER "{name}"')


def spoil(table: str, change: str, key: Any, *, is_recorded: bool) -> None:
    """Change one row; is_recorded: the triggers that record changes do so."""
    column = {"users": "user_id", "products": "product_id", "orders": "order_id", "order_items": "order_id"}[table]
    with transaction.atomic(), connection.cursor() as cursor:
        if not is_recorded:
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"UPDATE {table} SET {change.replace('%', '%%')} WHERE {column} = %s", [key])
