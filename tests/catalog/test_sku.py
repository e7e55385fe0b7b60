"""One spelling of each SKU, wherever it comes in; what looks alike is said."""

from __future__ import annotations

import importlib
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from pytest_django.asserts import assertContains, assertNotContains

from catalog.models import Product
from core.text import normalize_sku
from tests.catalog.test_admin import LIST, page_of, typed
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db

LONG = "x" * 63 + " "
SPELLINGS = ["K 108 ", "\tK 108", "K\u00a0108", "K  108", "K\u200b 108", "\ufeffK 108\r\n", "K\u2009108\u00ad"]


@pytest.fixture
def boss(client):
    client.force_login(StaffFactory())


def insert(sku: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO products (name, price, sku) VALUES ('Odd', 1, %s) RETURNING product_id", [sku])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_stored_and_found_as_one(spelling):
    scale = Product.objects.create(name="Scale", price=Decimal(1), sku=spelling)
    saved = Product(name="Other", price=Decimal(1), sku=spelling)

    assert scale.sku == Product.objects.values_list("sku", flat=True).get() == "K 108"
    assert Product.objects.get(sku=spelling) == Product.objects.get(sku__in=[spelling]) == scale
    with pytest.raises(ValidationError, match=r"sku|SKU"):
        saved.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        saved.save()


@pytest.mark.parametrize("sku", [*SPELLINGS, "K\t108", "K\n108", "K\x7f108", " ", "K\u3000108"])
def test_the_database_refuses_any_other(sku):
    with pytest.raises(IntegrityError, match="blanks"), transaction.atomic():
        insert(sku)
    # What it refuses is what the one spelling has not.
    assert insert(normalize_sku(sku).translate(dict.fromkeys(map(ord, "\t\n\x7f"))))


@pytest.mark.parametrize("sku", ["K\t108", "K\n108", "K\x85108"])
def test_control_characters_are_refused_in_words(client, boss, sku):
    page = client.post(f"{LIST}add/", typed(Product(name="Lamp", sku=sku, price=1, stock=1)))

    assertContains(page, "A SKU has no tabs, line breaks or other control characters.")
    assert not Product.objects.exists()


def test_the_form_says_that_another_product_has_almost_the_same_sku(client, boss):
    ProductFactory(name="Scale", sku="00k-108")
    for sku in ("K-108", "00K -108", "k-108"):
        page = client.post(f"{LIST}add/", typed(Product(name="Lamp", sku=sku, price=1, stock=1)), follow=True)
        assertContains(page, "00k-108 (Scale)")
        Product.objects.filter(name="Lamp").delete()
    page = client.post(f"{LIST}add/", typed(Product(name="Lamp", sku="K-1080", price=1, stock=1)), follow=True)
    assertNotContains(page, "(Scale)")


def test_products_of_before_are_put_right_and_never_merged(client, boss):
    migration = importlib.import_module("catalog.migrations.0013_one_spelling_of_skus")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE products DISABLE TRIGGER products_sku_spelling")
        numbers = [insert(sku) for sku in ("K-108", "K-108 ", "K-108\u00a0", "L\t 1", " M\u200b", "\u00a0", " ", LONG)]
        cursor.execute(migration.CLEAN)
        cursor.execute(migration.CLEAN)
        cursor.execute("ALTER TABLE products ENABLE TRIGGER products_sku_spelling")

    skus = dict(Product.objects.values_list("pk", "sku"))
    assert [skus[number] for number in numbers] == [
        "K-108", f"K-108 (product {numbers[1]})", f"K-108 (product {numbers[2]})", "L 1", "M", "", "", LONG.strip(),
    ]  # fmt: skip
    product = Product.objects.get(pk=numbers[1])
    assertContains(client.post(page_of(product), typed(product, name="Second scale"), follow=True), "successfully")
    assert Product.objects.get(pk=numbers[1]).name == "Second scale"
