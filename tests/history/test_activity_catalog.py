"""What people do to products and categories is recorded once, with who did it and old → new."""

from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.models import Product
from tests.factories import CategoryFactory, ProductFactory
from tests.history.recorded import told

pytestmark = pytest.mark.django_db

PRODUCTS = "/admin/catalog/product/"


def typed(product: Product, **changes):
    data = {"name": product.name, "sku": product.sku, "price": str(product.price), "stock": product.stock}
    seen = {"stock_seen": product.stock, "description": "", "attributes": "{}", "is_active": "on"}
    return {**data, **seen, **changes}


def test_staff_changing_a_product(client, boss):
    lamps, desks = CategoryFactory(name="Lamps"), CategoryFactory(name="Desks")
    product = ProductFactory(name="Lamp", price=Decimal("10.00"), stock=5, category=lamps)

    changed = typed(product, name="Big lamp", price="12.50", stock=8, category=desks.pk)
    changed.pop("is_active")
    client.post(f"{PRODUCTS}{product.pk}/change/", changed)

    changes = {
        "name": ["Lamp", "Big lamp"],
        "price": ["10.00", "12.50"],
        "category": ["Lamps", "Desks"],
        "is_active": [True, False],
    }
    # Stock is corrected by a form of its own; here it stays, whatever is posted.
    assert told() == [("changed", "product", product.pk, "Big lamp", "Bo Boss", changes)]


def test_saving_a_product_unchanged_is_no_activity(client, boss):
    product = ProductFactory()

    client.post(f"{PRODUCTS}{product.pk}/change/", typed(product))
    product.save()

    assert told() == []


def test_staff_adding_and_deleting_a_product(client, boss):
    client.post(f"{PRODUCTS}add/", typed(Product(name="Lamp", sku="L-1", price=Decimal("1.00"), stock=2)))
    lamp = Product.objects.get()

    client.post(f"{PRODUCTS}{lamp.pk}/delete/", {"post": "yes"})

    created, deleted = told()
    assert created[:5] == ("created", "product", lamp.pk, "Lamp", "Bo Boss")
    assert (created[5]["price"], created[5]["stock"]) == ([None, "1.00"], [None, 2])
    assert deleted[:5] == ("deleted", "product", lamp.pk, "Lamp", "Bo Boss")


def test_each_product_retired_or_activated_in_bulk_is_told(client, boss):
    first, second, retired = ProductFactory(), ProductFactory(), ProductFactory(is_active=False)

    for action in ("retire", "activate"):
        client.post(PRODUCTS, {"action": action, "_selected_action": [first.pk, second.pk]})

    assert [(pk, changes) for _, _, pk, _, _, changes in told()] == [
        (first.pk, {"is_active": [True, False]}),
        (second.pk, {"is_active": [True, False]}),
        (first.pk, {"is_active": [False, True]}),
        (second.pk, {"is_active": [False, True]}),
    ]
    assert not Product.objects.get(pk=retired.pk).is_active


def test_sales_are_told_by_their_order_alone(place):
    place(ProductFactory())

    assert told() == []


def test_a_category_renamed(client, boss):
    category = CategoryFactory(name="Lamps", slug="lamps")

    client.post(f"/admin/catalog/category/{category.pk}/change/", {"name": "Lights", "slug": "lamps"})

    assert told() == [("changed", "category", category.pk, "Lights", "Bo Boss", {"name": ["Lamps", "Lights"]})]


def test_a_long_text_is_cut():
    product = ProductFactory()
    product.description = "x" * 5000
    product.save(update_fields=["description"])

    [(*_, changes)] = told()
    assert changes == {"description": ["", "x" * 500 + "…"]}


def test_a_save_by_the_columns_name_is_told():
    product, category = ProductFactory(), CategoryFactory(name="Lamps")
    product.category = category
    product.save(update_fields=["category_id"])

    assert told()[0][5] == {"category": [None, "Lamps"]}
