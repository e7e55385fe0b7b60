"""The cart, for guests and customers."""

from decimal import Decimal

import pytest
from django.urls import reverse

from catalog.models import Product
from orders.cart import MAX_PRODUCTS
from orders.models import CartItem
from tests.factories import PASSWORD, ProductFactory, UserFactory
from tests.pages import breaks_csp, field, text, told

pytestmark = pytest.mark.django_db

ADD, UPDATE, REMOVE, CART = (reverse(f"orders:{name}") for name in ("cart_add", "cart_update", "cart_remove", "cart"))


def in_cart(client) -> dict[str, int]:
    return {item.product.name: item.quantity for item in client.get(CART).context["cart"].items}


def test_adding_goes_back_to_the_page_and_says_so(client):
    lamp = ProductFactory(name="Lamp")

    response = client.post(ADD, {"product": lamp.pk, "quantity": 2, "next": lamp.get_absolute_url()})

    assert response["Location"] == lamp.get_absolute_url()
    assert told(response) == ['Added 2 × Lamp. <a class="alert-link" href="/cart/">Go to cart</a>']
    assert in_cart(client) == {"Lamp": 2}


def test_adding_again_adds_up(client):
    lamp = ProductFactory(name="Lamp")

    client.post(ADD, {"product": lamp.pk})
    client.post(ADD, {"product": lamp.pk, "quantity": 3})

    assert in_cart(client) == {"Lamp": 4}


def test_the_header_has_count_and_total(client):
    client.post(ADD, {"product": ProductFactory(price=Decimal("43.10")).pk, "quantity": 2})

    shown = text(client.get("/"))

    assert "Cart 2 items, $86.20" in shown


def test_a_products_name_is_only_text_in_messages(client):
    bad = ProductFactory(name="<script>alert(1)</script>")

    client.post(ADD, {"product": bad.pk})
    page = client.get(CART)

    assert b"<script>alert" not in page.content
    assert breaks_csp(page) == []


def test_not_more_than_the_stock_goes_in(client):
    lamp = ProductFactory(name="Lamp", stock=3)

    response = client.post(ADD, {"product": lamp.pk, "quantity": 5})

    assert "Only 3 of Lamp left" in told(response)[0]
    assert in_cart(client) == {"Lamp": 3}


@pytest.mark.parametrize(
    ("gone", "reason"), [({"stock": 0}, "is sold out"), ({"is_active": False}, "no longer for sale")]
)
def test_what_cannot_be_bought_does_not_go_in(client, gone, reason):
    lamp = ProductFactory(**gone)

    response = client.post(ADD, {"product": lamp.pk})

    assert reason in told(response)[0]
    assert in_cart(client) == {}


@pytest.mark.parametrize(
    "quantity", ["0", "-1", "−1", "abc", "1.5", "1.0", "+1", "", "9" * 20, "9" * 5000, "\x00", "NaN", "1e3", "１", "²"]
)
def test_a_bad_quantity_is_refused_in_words(client, quantity):
    lamp = ProductFactory(name="Lamp")
    client.post(ADD, {"product": lamp.pk})

    for path in (ADD, UPDATE):
        response = client.post(path, {"product": lamp.pk, "quantity": quantity})
        assert response.status_code == 422
        assert "whole number from 1" in text(response)

    assert in_cart(client) == {"Lamp": 1}


@pytest.mark.parametrize("product", ["", "abc", "-1", "0", "1.0", "１", "9" * 30, "\x00"])
def test_a_product_that_is_no_number_is_refused_in_words(client, product):
    for path in (ADD, UPDATE):
        response = client.post(path, {"product": product, "quantity": 1})
        assert response.status_code == 422
        assert "does not exist" in text(response)


@pytest.mark.parametrize("product", ["999999", "9" * 18])
def test_an_unknown_product_is_not_found(client, product):
    assert client.post(ADD, {"product": product, "quantity": 1}).status_code == 404
    assert client.post(UPDATE, {"product": product, "quantity": 1}).status_code == 404


@pytest.mark.parametrize("product", ["", "abc", "-1", "999999", "9" * 30, "１", "\x00"])
def test_removing_what_is_not_there_changes_nothing(client, product):
    client.post(ADD, {"product": ProductFactory(name="Lamp").pk})

    assert client.post(REMOVE, {"product": product}).status_code == 302
    assert in_cart(client) == {"Lamp": 1}


def test_nobody_is_led_to_another_site(client):
    lamp = ProductFactory()

    response = client.post(ADD, {"product": lamp.pk, "next": "https://evil.example/"})

    assert response["Location"] == CART


def test_a_cart_can_only_be_changed_by_post(client):
    for path in (ADD, UPDATE, REMOVE):
        page = client.get(path)
        assert (page.status_code, page["Allow"]) == (405, "POST")
        assert "There is no page at this address" in text(page)


def test_the_quantity_is_changed(client):
    lamp = ProductFactory(name="Lamp", stock=5)
    client.post(ADD, {"product": lamp.pk})

    fine = client.post(UPDATE, {"product": lamp.pk, "quantity": 4})
    too_many = client.post(UPDATE, {"product": lamp.pk, "quantity": 9})

    assert told(fine)[-1] == "Lamp: quantity is 4 now."
    assert told(too_many)[-1] == "Only 5 of Lamp left: your cart has 5 now."
    assert in_cart(client) == {"Lamp": 5}


def test_removing_can_be_undone(client):
    lamp = ProductFactory(name="Lamp")
    client.post(ADD, {"product": lamp.pk, "quantity": 3})

    page = client.post(REMOVE, {"product": lamp.pk}, follow=True)
    assert "Removed Lamp" in text(page)
    assert "Your cart is empty" in text(page)
    client.post(ADD, {"product": field(page, "product"), "quantity": field(page, "quantity")})

    assert in_cart(client) == {"Lamp": 3}
    assert "Removed" not in text(client.get(CART))


def test_an_empty_cart_leads_on_and_asks_the_database_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        page = client.get(CART)

    assert "Your cart is empty" in text(page)
    assert "Browse products" in text(page)


def test_a_new_price_is_shown_with_the_old_one(client):
    lamp = ProductFactory(price=Decimal("10.00"))
    client.post(ADD, {"product": lamp.pk})
    Product.objects.update(price=Decimal("12.00"))

    page = client.get(CART)

    assert "$10.00 before, $12.00 now" in text(page)
    assert page.context["cart"].total == Decimal("12.00")


def test_less_stock_than_wanted_is_shown_and_not_ordered_silently(client):
    lamp = ProductFactory(stock=5)
    client.post(ADD, {"product": lamp.pk, "quantity": 5})
    Product.objects.update(stock=2)

    shown = text(client.get(CART))

    assert "Only 2 left, you asked for 5." in shown
    assert "Checkout" not in shown


def test_a_product_retired_meanwhile_can_only_be_removed(client):
    lamp = ProductFactory()
    client.post(ADD, {"product": lamp.pk})
    Product.objects.update(is_active=False)

    shown = text(client.get(CART))

    assert "No longer for sale." in shown
    assert "Update" not in shown


def test_a_product_deleted_meanwhile_is_left_out(client):
    lamp = ProductFactory()
    client.post(ADD, {"product": lamp.pk})
    lamp.delete()

    assert "Your cart is empty" in text(client.get(CART))


def test_a_cart_has_an_end(client):
    products = ProductFactory.create_batch(MAX_PRODUCTS + 1)
    client.get(CART)
    key = client.cookies["cart"].value
    for product in products[:-1]:
        CartItem.objects.create(guest_key=key, product=product, quantity=1, price_seen=1)

    response = client.post(ADD, {"product": products[-1].pk})

    assert "holds up to 100 different products" in told(response)[0]
    assert len(in_cart(client)) == MAX_PRODUCTS


def test_a_guests_cart_is_there_after_signing_in(client):
    customer = UserFactory()
    client.post(ADD, {"product": ProductFactory(name="Lamp").pk})

    client.post(reverse("account_login"), {"login": customer.email, "password": PASSWORD})

    assert in_cart(client) == {"Lamp": 1}


def test_more_items_need_no_more_queries(client, django_assert_num_queries):
    for amount in (1, 20):
        for product in ProductFactory.create_batch(amount):
            client.post(ADD, {"product": product.pk})
        client.get(CART)
        with django_assert_num_queries(1):
            client.get(CART)
