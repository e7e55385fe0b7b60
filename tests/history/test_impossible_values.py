"""The database refuses values that nothing can work with, in every column of a kind that could hold one."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from orders.models import Order
from tests.factories import ProductFactory
from tests.impossible import possible

pytestmark = pytest.mark.django_db

TIMES = ["infinity", "-infinity", "0044-03-15 BC", "58884-01-01", "10000-01-01", "0001-01-01", "9999-12-31"]
BAD = {
    "numeric": ["NaN", "-1"],
    "timestamp with time zone": TIMES,
    "date": TIMES,
    "jsonb": ['"text"', "1", "null", "true"],
}
# Columns that only a library writes, in tables of its own; nothing of the shop calculates with them.
BY_LIBRARIES = (
    *("account_emailconfirmation", "django_admin_log", "django_migrations", "django_session", "mfa_authenticator"),
    "usersessions_usersession",
)
# What keeps rows from being added by hand, and is asked first.
ALONE = "ALTER TABLE stock_movements DISABLE TRIGGER catalog_keep_ledger_closed"
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    AND a.atttypid::regtype::text ~ 'numeric|real|double|timestamp|date|time|interval|json'
ORDER BY 1, 2
"""


def rows(statement, params=()):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall() if cursor.description else []


def refused_by(statement, params=()):
    """The name of the rule that refuses a statement."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        rows(statement, params)
    return error.value.__cause__.diag.constraint_name


def test_every_number_time_and_json_of_the_catalogue_is_a_possible_one():
    rows(ALONE)
    columns = [each for each in rows(COLUMNS) if each[0] not in BY_LIBRARIES]
    assert len(columns) > 60

    for table, column, kind in columns:
        for value in BAD[kind]:
            insert = f'INSERT INTO "{table}" ("{column}") VALUES (%s)'
            assert refused_by(insert, [value]) == f"{table}_{column}_possible", (table, column, value)


def test_a_list_is_no_object_and_an_object_no_list():
    assert refused_by("INSERT INTO products (attributes) VALUES ('[]')") == "products_attributes_possible"
    assert refused_by("INSERT INTO orders (shipping_address) VALUES ('[]')") == "orders_shipping_address_possible"
    assert refused_by("INSERT INTO refunds (items) VALUES ('{}')") == "refunds_items_possible"


def test_an_address_is_no_book():
    book = f'{{"name": "{"x" * 1_000_001}"}}'

    assert refused_by("INSERT INTO orders (shipping_address) VALUES (%s)", [book]) == "orders_shipping_address_possible"


def test_the_refusal_says_what_is_expected():
    with pytest.raises(IntegrityError, match="price of products cannot be NaN: it is a number from 0"):
        rows("INSERT INTO products (name, price) VALUES ('Lamp', 'NaN')")


def test_a_bad_row_of_before_can_be_changed_and_mended_and_made_no_worse():
    product = ProductFactory()
    with possible("products_price_possible", "products"):
        rows("UPDATE products SET price = 'NaN'")

    rows("UPDATE products SET price = price, stock = stock + 1, units_sold = 5")
    assert refused_by("UPDATE products SET price = -1") == "products_price_possible"
    rows("UPDATE products SET price = 12.30")

    product.refresh_from_db()
    assert (str(product.price), product.units_sold) == ("12.30", 5)


def test_an_update_is_refused_as_well_and_changes_nothing(place):
    order = place()

    assert refused_by("UPDATE orders SET total_amount = 'NaN'") == "orders_total_amount_possible"
    assert refused_by("UPDATE orders SET created_at = 'infinity'") == "orders_created_at_possible"
    assert refused_by("UPDATE order_items SET price = 'NaN'") == "order_items_price_possible"

    assert Order.objects.get().rev == order.rev
