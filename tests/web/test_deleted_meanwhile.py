"""Somebody deletes what another is changing, in that very moment: the other is told, and nothing fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from history.webhooks import endpoints
from history.webhooks.models import Endpoint
from tests.config.processes import wait_until
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory
from tests.pages import told
from tests.parallel import blocked, in_parallel
from users.addresses import keep_address
from users.models import Address

pytestmark = pytest.mark.django_db(transaction=True)

LINES = {"name": "Ada", "line1": "1 High Street", "city": "Springfield", "postcode": "123", "country": "Utopia"}
PRODUCT = {"name": "Other", "sku": "L-1", "price": "2.00", "stock": "5", "attributes": "{}", "is_active": "on"}


@pytest.fixture
def customer():
    return UserFactory()


def posted_while_deleted(client, thing, path, data):
    """The answer to a form sent while the thing it changes is deleted, but not yet committed."""
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        type(thing).objects.filter(pk=thing.pk).delete()
        posted = pool.submit(in_parallel, [lambda: client.post(path, data)])
        waited = wait_until(lambda: blocked() == 1)
    assert waited
    [answer] = posted.result(timeout=20)
    return answer


def endpoint() -> Endpoint:
    made = Endpoint(name="Warehouse", url="https://shop.example/", kinds=[])
    endpoints.add(made)
    return made


def back_office(name, thing):
    return reverse(f"admin:{name}", args=[thing.pk])


def test_an_address(shopper, customer):
    for name, data in [("address_change", LINES | {"line1": "2 Mill Lane"}), ("address_prefer", {})]:
        keep_address(customer, LINES, at=timezone.now())
        address = Address.objects.get()

        answer = posted_while_deleted(shopper, address, reverse(f"users:{name}", args=[address.pk]), data)

        assert (answer.status_code, told(answer)[-1]) == (
            302,
            "That address was removed meanwhile. Nothing was changed.",
        )
        assert not Address.objects.exists()


@pytest.mark.parametrize(
    ("make", "name", "data"),
    [
        (ProductFactory, "catalog_product_change", PRODUCT),
        (CategoryFactory, "catalog_category_change", {"name": "Other", "slug": "other"}),
        (UserFactory, "users_user_change", {"name": "Other", "email": "other@shop.example", "is_active": "on"}),
        (endpoint, "history_endpoint_change", {"name": "Other", "url": "https://other.example/", "is_active": "on"}),
    ],
)
def test_what_staff_change(client, make, name, data):
    client.force_login(StaffFactory())
    thing = make()

    answer = posted_while_deleted(client, thing, back_office(name, thing), data)

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert "Perhaps it was deleted?" in str(told(answer))
    assert not type(thing).objects.filter(pk=thing.pk).exists()


def test_a_products_stock(client):
    client.force_login(StaffFactory())
    lamp = ProductFactory(name="Lamp", stock=10)

    data = {"number": 7, "note": "counted", "seen": 1}
    answer = posted_while_deleted(client, lamp, back_office("catalog_product_restock", lamp), data)

    assert "Lamp was deleted meanwhile." in answer.content.decode()


def test_the_secret_of_an_endpoint(client):
    client.force_login(StaffFactory())
    made = endpoint()

    answer = posted_while_deleted(client, made, back_office("history_endpoint_rotate", made), {})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("make", "name"), [(CategoryFactory, "catalog_category_delete"), (UserFactory, "users_user_delete")]
)
def test_what_somebody_else_deletes_too(client, make, name):
    client.force_login(StaffFactory())
    thing = make(is_verified=False) if make is UserFactory else make()

    answer = posted_while_deleted(client, thing, back_office(name, thing), {"post": "yes"})

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert "Perhaps it was deleted?" in str(told(answer))
