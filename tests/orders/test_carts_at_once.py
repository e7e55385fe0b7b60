"""Changes of one cart at the same time: each that was confirmed is in it, for guests and customers."""

from functools import partial

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Product
from orders.cart import Cart
from orders.models import CartItem
from tests.factories import PASSWORD, ProductFactory, UserFactory
from tests.parallel import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)

ADD, UPDATE, REMOVE, CART = (reverse(f"orders:{name}") for name in ("cart_add", "cart_update", "cart_remove", "cart"))


def tabs(client, count) -> list[Client]:
    """Tabs of one visitor."""
    opened = [Client() for _ in range(count)]
    for tab in opened:
        tab.cookies = client.cookies.copy()
    return opened


@pytest.fixture(params=["guest", "customer"])
def visitor(request, client):
    client.get("/")
    if request.param == "customer":
        client.force_login(UserFactory())
    return client


def in_cart(client) -> dict[str, int]:
    return {item.product.name: item.quantity for item in client.get(CART).context["cart"].items}


def test_first_items_added_at_once_are_all_there(visitor):
    products = ProductFactory.create_batch(6)

    in_parallel(
        [
            partial(tab.post, ADD, {"product": product.pk})
            for tab, product in zip(tabs(visitor, 6), products, strict=True)
        ]
    )

    assert in_cart(visitor) == {product.name: 1 for product in products}


def test_the_same_product_added_at_once_adds_up(visitor):
    lamp = ProductFactory(name="Lamp")

    in_parallel([partial(tab.post, ADD, {"product": lamp.pk, "quantity": 2}) for tab in tabs(visitor, 6)])

    assert in_cart(visitor) == {"Lamp": 12}


def test_what_was_removed_stays_removed(visitor):
    products = ProductFactory.create_batch(6)
    for product in products:
        visitor.post(ADD, {"product": product.pk})
    opened = tabs(visitor, 6)

    in_parallel(
        [
            *(
                partial(tab.post, REMOVE, {"product": product.pk})
                for tab, product in zip(opened[:3], products[:3], strict=True)
            ),
            *(
                partial(tab.post, UPDATE, {"product": product.pk, "quantity": 5})
                for tab, product in zip(opened[3:], products[3:], strict=True)
            ),
        ]
    )

    assert in_cart(visitor) == {product.name: 5 for product in products[3:]}


def test_a_cart_stays_within_its_limit(visitor, monkeypatch):
    monkeypatch.setattr("orders.cart.MAX_PRODUCTS", 3)
    products = ProductFactory.create_batch(6)

    in_parallel(
        [
            partial(tab.post, ADD, {"product": product.pk})
            for tab, product in zip(tabs(visitor, 6), products, strict=True)
        ]
    )

    assert CartItem.objects.count() == 3


def test_signing_in_in_two_tabs_takes_everything_over_once(client):
    customer = UserFactory()
    CartItem.objects.create(customer=customer, product=ProductFactory(name="Mug"), quantity=1, price_seen=1)
    client.get("/")
    client.post(ADD, {"product": ProductFactory(name="Lamp").pk, "quantity": 3})

    in_parallel(
        [
            partial(tab.post, reverse("account_login"), {"login": customer.email, "password": PASSWORD})
            for tab in tabs(client, 3)
        ]
    )

    client.force_login(customer)
    assert in_cart(client) == {"Mug": 1, "Lamp": 3}
    assert CartItem.objects.count() == 2


def test_what_a_guest_added_while_signing_in_comes_along(client):
    customer = UserFactory()
    client.get("/")
    (guest,) = tabs(client, 1)
    client.post(reverse("account_login"), {"login": customer.email, "password": PASSWORD})
    guest.post(ADD, {"product": ProductFactory(name="Lamp").pk})

    assert in_cart(client) == {"Lamp": 1}
    client.get(CART)
    assert client.cookies["cart"].value == ""


def test_a_visitor_who_only_looks_leaves_no_row(client):
    client.get("/")
    client.get(CART)

    assert not CartItem.objects.exists()
    assert "sessionid" not in client.cookies


@pytest.mark.parametrize("key", ["", "x", "a" * 33, "ä" * 32, "'; --", "\x00" * 32])
def test_a_cookie_that_is_none_of_ours_is_replaced(client, key):
    client.cookies["cart"] = key

    client.post(ADD, {"product": ProductFactory(name="Lamp").pk})

    assert in_cart(client) == {"Lamp": 1}
    assert len(client.cookies["cart"].value) == 32


def test_carts_that_guests_left_are_deleted(settings, client):
    lamp = ProductFactory()
    client.post(ADD, {"product": lamp.pk})
    Cart(UserFactory()).add(Product.objects.get(), 1)
    settings.CART_COOKIE_AGE = 0

    CartItem.objects.expired(at=timezone.now()).delete()

    assert CartItem.objects.get().guest_key is None
