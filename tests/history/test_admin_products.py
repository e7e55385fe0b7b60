"""The product's page in the back office: what orders hold, what it has cost."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from catalog.models import Product
from history.mirror import relay
from orders.services import change_status
from orders.status import Status
from tests.factories import ProductFactory, StaffFactory
from tests.pages import breaks_csp, text

# The relay claims in a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss(client, activity_log):
    boss = StaffFactory(name="Sam")
    client.force_login(boss)
    return boss


def page_of(product):
    return reverse("admin:catalog_product_change", args=[product.pk])


def typed(product, **changes):
    attributes = json.dumps(product.attributes)
    data = {"name": product.name, "sku": product.sku, "price": str(product.price), "attributes": attributes}
    return {**data, "initial-attributes": attributes, "description": "", "is_active": "on", **changes}


def test_what_pending_orders_hold(client, boss, place, now):
    lamp = ProductFactory(name="Lamp", sku="LAMP-1", stock=20)
    place(lamp, quantity=2)
    place(lamp, ProductFactory(), quantity=1)
    change_status(place(lamp, quantity=5), to=Status.PAID, by=boss, at=now)

    page = client.get(page_of(lamp))

    assert "12 are left to sell. 3 more are held by 2 pending orders" in text(page)
    link = f"{reverse('admin:orders_order_changelist')}?status__exact=pending&product={lamp.pk}"
    assertContains(page, link.replace("&", "&amp;"))
    assert len(client.get(link).context["cl"].result_list) == 2
    assert breaks_csp(page) == []
    assertNotContains(client.get(page_of(ProductFactory())), "held by")


def test_what_it_has_cost_and_who_changed_it(client, boss):
    client.post(
        reverse("admin:catalog_product_add"),
        typed(Product(name="Lamp", sku="L-1", price=Decimal("10.00")), stock=3),
    )
    lamp = Product.objects.get()
    client.post(page_of(lamp), typed(lamp, price="1250.50"))
    client.post(page_of(lamp), typed(lamp, price="1250.50", name="Lantern"))
    relay.drain()

    page = client.get(page_of(lamp))

    told = [(change.old, change.new, change.by) for change in page.context["prices"]]
    assert told == [(Decimal("10.00"), Decimal("1250.50"), "Sam"), (None, Decimal("10.00"), "Sam")]
    assertContains(page, "$1,250.50")


def test_without_mongodb_the_page_is_there(client, boss, settings):
    lamp = ProductFactory(name="Lamp")
    settings.MONGODB_URL = "mongodb://127.0.0.1:1/nothing"

    page = client.get(page_of(lamp))

    assertContains(page, "History store is not reachable.")
    assertContains(page, "Lamp")
