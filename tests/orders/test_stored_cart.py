"""A customer's cart is stored: the same on every device, joined with a guest's at sign-in."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from orders.cart import MAX_PRODUCTS
from orders.models import CartItem
from tests.factories import PASSWORD, ProductFactory, UserFactory
from tests.pages import text, told

pytestmark = pytest.mark.django_db

ADD, REMOVE, CART = (reverse(f"orders:{name}") for name in ("cart_add", "cart_remove", "cart"))


def in_cart(client) -> dict[str, int]:
    return {item.product.name: item.quantity for item in client.get(CART).context["cart"].items}


def device(customer) -> Client:
    client = Client()
    client.force_login(customer)
    return client


def sign_in(client, customer):
    return client.post(reverse("account_login"), {"login": customer.email, "password": PASSWORD}, follow=True)


@pytest.fixture
def customer():
    return UserFactory()


@pytest.fixture
def lamp():
    return ProductFactory(name="Lamp", stock=50)


def test_every_device_of_a_customer_has_the_same_cart(customer, lamp):
    phone, desk = device(customer), device(customer)

    phone.post(ADD, {"product": lamp.pk, "quantity": 2})
    desk.post(ADD, {"product": ProductFactory(name="Kettle").pk})
    assert in_cart(phone) == in_cart(desk) == {"Lamp": 2, "Kettle": 1}
    desk.post(REMOVE, {"product": lamp.pk})

    assert in_cart(phone) == {"Kettle": 1}


def test_it_is_there_after_signing_out_and_in(client, customer, lamp):
    client.force_login(customer)
    client.post(ADD, {"product": lamp.pk})

    client.post(reverse("account_logout"))
    assert in_cart(client) == {}
    sign_in(client, customer)

    assert in_cart(client) == {"Lamp": 1}


@pytest.mark.parametrize(("stored", "added", "kept"), [(5, 2, 5), (2, 5, 5), (3, 3, 3)])
def test_the_larger_quantity_is_kept_at_sign_in_and_it_is_said(client, customer, lamp, stored, added, kept):
    device(customer).post(ADD, {"product": lamp.pk, "quantity": stored})
    client.post(ADD, {"product": lamp.pk, "quantity": added})
    client.post(ADD, {"product": ProductFactory(name="Kettle").pk})

    page = sign_in(client, customer)

    assert in_cart(client) == {"Lamp": kept, "Kettle": 1}
    assert "the larger quantity was kept" in text(page)
    client.post(reverse("account_logout"))
    assert in_cart(client) == {}


def test_a_cart_that_only_comes_along_needs_no_words(client, customer, lamp):
    client.post(ADD, {"product": lamp.pk})

    page = sign_in(client, customer)

    assert in_cart(client) == {"Lamp": 1}
    assert "larger quantity" not in text(page)


def test_joined_carts_hold_no_more_than_a_cart(client, customer):
    products = ProductFactory.create_batch(MAX_PRODUCTS + 5)
    for product in products[:MAX_PRODUCTS]:
        CartItem.objects.create(customer=customer, product=product, quantity=1, price_seen=1)
    for product in products[-5:]:
        client.post(ADD, {"product": product.pk})

    sign_in(client, customer)

    assert CartItem.objects.count() == MAX_PRODUCTS


def test_the_same_button_twice_adds_once(customer, client, lamp):
    for shopper in (client, device(customer)):
        for _ in range(2):
            response = shopper.post(ADD, {"once": f"{lamp.pk}:0"})
        assert in_cart(shopper) == {"Lamp": 1}
        assert "1 × Lamp in your" in told(response)[-1]
        page = shopper.get("/").content.decode()
        assert f'value="{lamp.pk}:1"' in page
        shopper.post(ADD, {"once": f"{lamp.pk}:1"})
        assert in_cart(shopper) == {"Lamp": 2}


@pytest.mark.parametrize("once", ["", ":", "abc", "1:x", ":1", "1:-1", "1:1:1", "１:0", "\x00", "9" * 40 + ":0"])
def test_a_button_that_was_tampered_with_is_refused(client, once):
    assert client.post(ADD, {"once": once}).status_code == 422
    assert in_cart(client) == {}


def test_undo_twice_puts_it_back_once(client, lamp):
    client.post(ADD, {"product": lamp.pk, "quantity": 3})
    client.post(REMOVE, {"product": lamp.pk})

    for _ in range(2):
        client.post(ADD, {"product": lamp.pk, "quantity": 3, "in_cart": 0})

    assert in_cart(client) == {"Lamp": 3}


def test_nobody_sees_the_cart_of_another(customer, lamp):
    device(customer).post(ADD, {"product": lamp.pk})

    other = device(UserFactory())

    assert in_cart(other) == {}
    other.post(REMOVE, {"product": lamp.pk})
    assert CartItem.objects.count() == 1


def test_a_new_price_and_less_stock_are_shown_with_the_old_ones(customer, lamp):
    client = device(customer)
    client.post(ADD, {"product": lamp.pk, "quantity": 5})
    Product.objects.update(price=Decimal("12.00"), stock=2)

    shown = text(client.get(CART))

    assert "$10.00 before, $12.00 now" in shown
    assert "Only 2 left, you asked for 5." in shown
    client.post(reverse("orders:cart_update"), {"product": lamp.pk, "quantity": 2})
    assert "before" not in text(client.get(CART))


def test_a_posted_price_or_total_changes_nothing(customer, lamp):
    client = device(customer)

    client.post(ADD, {"product": lamp.pk, "quantity": 1, "price": "0.01", "price_seen": "0.01", "total": "0.01"})

    assert client.get(CART).context["cart"].total == Decimal("10.00")


def test_a_cart_does_not_keep_plain_sql_from_deleting(customer, lamp):
    CartItem.objects.create(customer=customer, product=lamp, quantity=1, price_seen=1)
    CartItem.objects.create(customer=UserFactory(), product=ProductFactory(), quantity=1, price_seen=1)

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM products WHERE product_id = %s", [lamp.pk])
        cursor.execute("DELETE FROM account_emailaddress; DELETE FROM users")

    assert CartItem.objects.count() == 0


def test_more_items_need_no_more_queries(customer, django_assert_num_queries):
    client = device(customer)
    for amount in (1, 30):
        for product in ProductFactory.create_batch(amount):
            client.post(ADD, {"product": product.pk})
        client.get(CART)
        # Session, user, cart, permissions.
        with django_assert_num_queries(4):
            client.get(CART)
