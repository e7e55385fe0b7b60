"""What a customer does with an order that is placed: buying it again and its receipt."""

from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from catalog.models import Product
from orders.cart import MAX_PRODUCTS
from orders.models import Order, OrderItem
from orders.status import Status
from tests.factories import ProductFactory, UserFactory
from tests.pages import breaks_csp, text, told

pytestmark = pytest.mark.django_db

CART = reverse("orders:cart")


@pytest.fixture
def customer():
    return UserFactory(name="Ada Customer", email="ada@shop.example")


def again(client, order):
    return client.post(reverse("order_again", args=[order.pk]))


def in_cart(client) -> dict[str, int]:
    return {item.product.name: item.quantity for item in client.get(CART).context["cart"].items}


def receipt(client, order):
    return client.get(reverse("order_receipt", args=[order.pk]))


def test_everything_still_for_sale_comes_into_the_cart_at_todays_price(shopper, customer, place):
    lamp, kettle = ProductFactory(name="Lamp", price=Decimal("10.00")), ProductFactory(name="Kettle")
    order = place(lamp, kettle, customer=customer, quantity=2)
    Product.objects.filter(pk=lamp.pk).update(price=Decimal("12.00"))

    response = again(shopper, order)

    assert response["Location"] == CART
    assert told(response) == ["Everything from that order is in your cart."]
    assert in_cart(shopper) == {"Lamp": 2, "Kettle": 2}
    page = shopper.get(CART)
    assert page.context["cart"].total == Decimal("44.00")
    assert "The price changed" not in text(page)


def test_what_is_missing_is_said_item_by_item(shopper, customer, place):
    products = {name: ProductFactory(name=name) for name in ("Lamp", "Kettle", "Vase", "<Rug>")}
    order = place(*products.values(), customer=customer, quantity=5)
    Product.objects.filter(name="Kettle").update(stock=3)
    Product.objects.filter(name="Vase").update(stock=0)
    Product.objects.filter(name="<Rug>").update(is_active=False)

    response = again(shopper, order)

    assert response["Location"] == CART
    shown = text(shopper.get(CART))
    assert (
        "In your cart now, except: Kettle: only 3 left, you had ordered 5. Vase: sold out. "
        "<Rug>: no longer for sale." in shown
    )
    assert in_cart(shopper) == {"Lamp": 5, "Kettle": 3}


def test_nothing_left_leaves_the_cart_alone_and_says_so_on_the_order(shopper, customer, place):
    order = place(ProductFactory(name="Lamp"), customer=customer)
    Product.objects.update(stock=0)

    response = again(shopper, order)

    assert response["Location"] == order.get_absolute_url()
    assert "Nothing from that order can be bought now. Lamp: sold out." in text(shopper.get(response["Location"]))
    assert in_cart(shopper) == {}


def test_asking_twice_changes_nothing_and_the_larger_quantity_stays(shopper, customer, place):
    lamp, kettle = ProductFactory(name="Lamp"), ProductFactory(name="Kettle")
    order = place(lamp, kettle, customer=customer, quantity=2)
    shopper.post(reverse("orders:cart_add"), {"product": lamp.pk, "quantity": 7})
    shopper.post(reverse("orders:cart_add"), {"product": kettle.pk, "quantity": 1})

    again(shopper, order)
    again(shopper, order)

    assert in_cart(shopper) == {"Lamp": 7, "Kettle": 2}


def test_a_full_cart_is_said(shopper, customer, place):
    order = place(ProductFactory(name="Lamp"), customer=customer)
    for product in ProductFactory.create_batch(MAX_PRODUCTS):
        shopper.post(reverse("orders:cart_add"), {"product": product.pk})

    response = again(shopper, order)

    assert "Lamp: the cart is full" in told(response)[-1]
    assert "Lamp" not in in_cart(shopper)


def test_a_product_in_several_items_counts_once_with_all_of_them(shopper, customer, place):
    lamp = ProductFactory(name="Lamp")
    order = place(lamp, customer=customer, quantity=2)
    OrderItem.objects.create(order=order, product=lamp, quantity=3, price=1, product_name="Lamp")

    again(shopper, order)

    assert in_cart(shopper) == {"Lamp": 5}


def test_an_order_without_items_buys_nothing(shopper, customer):
    order = Order.objects.create(customer=customer, total_amount=0, status=Status.PENDING)

    assert again(shopper, order).status_code == 302
    assert in_cart(shopper) == {}


@pytest.mark.parametrize("name", ["order_again", "order_receipt"])
def test_anothers_order_reads_like_a_missing_one(shopper, place, name):
    ask = shopper.post if name == "order_again" else shopper.get

    anothers = ask(reverse(name, args=[place().pk]))
    missing = ask(reverse(name, args=[999_999]))

    assert anothers.status_code == missing.status_code == 404
    assert text(anothers) == text(missing)
    assert ask(f"/orders/{'9' * 30}/{name.removeprefix('order_')}/").status_code == 404
    assert in_cart(shopper) == {}


def test_guests_sign_in_first(client, place):
    order = place()

    assert again(client, order)["Location"].startswith(reverse("account_login"))
    assert receipt(client, order)["Location"].startswith(reverse("account_login"))
    assert in_cart(client) == {}


def test_buying_again_is_no_matter_of_a_link(shopper, customer, place):
    assert shopper.get(reverse("order_again", args=[place(customer=customer).pk])).status_code == 405


def test_more_items_need_no_more_queries(shopper, customer, place, django_assert_num_queries):
    one = place(customer=customer)
    many = place(*ProductFactory.create_batch(9), customer=customer)
    for order in (one, many):
        # Session, user, order, items, the cart's lock in a savepoint, cart, products, and the cart's items written.
        with django_assert_num_queries(10):
            again(shopper, order)
        # Session, user, order, items, permissions, cart.
        with django_assert_num_queries(6):
            receipt(shopper, order)


def test_a_receipt_is_as_sold(shopper, customer, place):
    lamp = ProductFactory(name="Lamp", sku="L-1", price=Decimal("10.00"))
    order = place(lamp, customer=customer, quantity=2)
    Order.objects.update(shipping_address={"name": "Ada C.", "line1": "1 High Street", "city": "Springfield"})
    Product.objects.update(price=Decimal("99.00"), name="Lantern", sku="L-2")

    page = receipt(shopper, order)

    shown = text(page)
    assert f"Receipt for order {order}" in shown
    assert "Ada Customer ada@shop.example" in shown
    assert "Ada C. 1 High Street Springfield" in shown
    assert "Lamp L-1 2 $10.00 $20.00" in shown
    assert "Total $20.00" in shown
    assert "Adjustment" not in shown
    assert "99.00" not in shown
    assert breaks_csp(page) == []


def test_a_receipt_foots_where_the_total_was_set_by_hand(shopper, customer, place):
    order = place(ProductFactory(price=Decimal("10.00")), customer=customer)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET total_amount = 7.50")

    assert "Items $10.00 Adjustment −$2.50 Total $7.50" in text(receipt(shopper, order))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.PENDING, "To be paid by invoice, with order #"),
        (Status.SHIPPED, "Paid by invoice."),
        (Status.CANCELLED, "nothing is to be paid"),
        (Status.RETURNED, "The order was returned."),
    ],
)
def test_a_receipt_says_what_is_to_be_paid(shopper, customer, order_in, status, words):
    assert words in text(receipt(shopper, order_in(status, customer=customer)))
