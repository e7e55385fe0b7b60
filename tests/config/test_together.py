"""Statements sent as one message do what they would one by one."""

from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from config.database import together
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db

RENAME = "UPDATE products SET name = %s WHERE product_id = %s"
# Sees what the one before it did.
COPY = "UPDATE products SET sku = name || %s WHERE product_id = %s"
TAKE = "UPDATE products SET stock = stock - %s WHERE product_id = %s"


def test_each_sees_what_the_one_before_did_and_values_stay_values():
    product = ProductFactory(name="Mug", sku="MUG")
    hostile = "100 % '; DROP TABLE products; --"

    with CaptureQueriesContext(connection) as sent:
        together.execute((RENAME, [hostile, product.pk]), (COPY, ["!", product.pk]))

    product.refresh_from_db()
    assert (product.name, product.sku) == (hostile, f"{hostile}!")
    assert len(sent) == 1


def test_of_one_that_fails_nothing_stays():
    product = ProductFactory(name="Mug", stock=1)

    with pytest.raises(IntegrityError, match="products_stock_not_negative"), transaction.atomic():
        together.execute((RENAME, ["Cup", product.pk]), (TAKE, [2, product.pk]), (COPY, ["!", product.pk]))
    with pytest.raises(DataError), transaction.atomic():
        together.execute((RENAME, ["x" * 201, product.pk]), (TAKE, [1, product.pk]))

    assert Product.objects.values_list("name", "stock").get(pk=product.pk) == ("Mug", 1)
