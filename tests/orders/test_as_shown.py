"""What is ordered, changed or cancelled is what the page showed, item by item; anything else is refused and named."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from orders.models import CartItem, Order
from orders.services import change_status
from orders.status import Status
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.orders.test_checkout import ADDRESS, CHECKOUT, fill, form
from tests.pages import field, text, told
from users.addresses import change_address, keep_address
from users.models import Address

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    return UserFactory()


@pytest.fixture
def products():
    return [ProductFactory(name="Lamp", price=Decimal(20)), ProductFactory(name="Mug", price=Decimal(10))]


def price(name, amount):
    Product.objects.filter(name=name).update(price=Decimal(amount))


def swap(shopper):
    """Take the mug out and put something of the same price in."""
    shopper.post(reverse("orders:cart_remove"), {"product": Product.objects.get(name="Mug").pk})
    fill(shopper, ProductFactory(name="Cup", price=Decimal(10)))


def move_one(shopper):
    """The same total by other quantities: 1 lamp and 1 mug less one lamp is 3 mugs."""
    shopper.post(reverse("orders:cart_remove"), {"product": Product.objects.get(name="Lamp").pk})
    shopper.post(reverse("orders:cart_update"), {"product": Product.objects.get(name="Mug").pk, "quantity": 3})


def rename(shopper):
    Product.objects.filter(name="Mug").update(name="Jug")


def change_names_over(shopper):
    Product.objects.filter(name="Mug").update(name="Lamp!")
    Product.objects.filter(name="Lamp").update(name="Mug")


def up_and_down(shopper):
    price("Lamp", 12)
    price("Mug", 18)


CHANGES = [
    (swap, ["Mug was removed.", "1 × Cup was added."]),
    (move_one, ["Lamp was removed.", "Mug: quantity 1 before, 3 now."]),
    (rename, ["“Mug” is called “Jug” now."]),
    (change_names_over, ["“Lamp” is called “Mug” now.", "“Mug” is called “Lamp!” now."]),
    (up_and_down, ["Lamp: $20.00 before, $12.00 now.", "Mug: $10.00 before, $18.00 now."]),
]


@pytest.mark.parametrize(("change", "sentences"), CHANGES)
def test_the_same_total_is_not_enough(shopper, products, change, sentences):
    fill(shopper, *products)
    filled = form(shopper)
    change(shopper)

    response = shopper.post(CHECKOUT, filled)

    assert response.status_code == 422
    assert Order.objects.count() == 0
    for sentence in ["Nothing was ordered yet", *sentences]:
        assert sentence in text(response)
    assert "Place order – $30.00" in text(response)
    shopper.post(CHECKOUT, filled | {"shown": field(response, "shown")})
    assert Order.objects.get().total_amount == Decimal(30)


def test_what_came_into_the_cart_meanwhile_is_not_ordered_unseen(shopper, products):
    fill(shopper, products[0])
    filled = form(shopper)
    fill(shopper, ProductFactory(name="Gift", price=Decimal(0)))

    assert "1 × Gift was added." in text(shopper.post(CHECKOUT, filled))
    assert Order.objects.count() == 0


def test_retired_and_back_again_is_what_was_shown(shopper, products):
    fill(shopper, *products)
    filled = form(shopper)
    Product.objects.update(is_active=False)
    Product.objects.update(is_active=True, description="New words", stock=7)

    assert shopper.post(CHECKOUT, filled).status_code == 302
    assert Order.objects.count() == 1


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_saved_address_is_the_one_that_was_shown(shopper, customer, products, now, is_gone):
    fill(shopper, *products)
    keep_address(customer, ADDRESS, at=now)
    address = Address.objects.get()
    filled = form(shopper, saved=address.pk)
    if is_gone:
        address.delete()
    else:
        change_address(address, ADDRESS | {"city": "Elsewhere"})

    response = shopper.post(CHECKOUT, filled)

    assert response.status_code == 422
    assert ("not saved any more" if is_gone else "was changed after it was shown") in text(response)
    assert Order.objects.count() == 0


def test_a_form_of_another_account_orders_nothing_and_shows_nothing_that_was_typed(shopper, customer, products):
    fill(shopper, *products)
    filled = form(shopper, city="Hidden City")
    other = UserFactory()
    for product in products:
        CartItem.objects.create(customer=other, product=product, quantity=1, price_seen=product.price)
    shopper.post(reverse("account_logout"))
    shopper.post(reverse("account_login"), {"login": other.email, "password": PASSWORD})

    response = shopper.post(CHECKOUT, filled, follow=True)

    assert Order.objects.count() == 0
    assert "opened by another account" in text(response)
    assert "Hidden City" not in response.text


def test_what_was_shown_cannot_be_made_up(shopper, products):
    fill(shopper, *products)
    filled = form(shopper)

    for broken in ("", "x", filled["shown"][:-1], filled["shown"] + "x", "é", "a:b:c", "[]"):
        assert shopper.post(CHECKOUT, filled | {"shown": broken}).status_code == 422
    assert Order.objects.count() == 0


def test_an_order_that_changed_is_not_cancelled_unseen(shopper, customer, products, place, now):
    order = place(*products, customer=customer)
    path = reverse("order_cancel", args=[order.pk])
    page = shopper.get(path)
    assert "You will not have to pay $30.00." in text(page)
    change_status(order, to=Status.PAID, by=StaffFactory(), at=now)

    response = shopper.post(path, {"rev": field(page, "rev")})

    assert Order.objects.get().status == Status.PAID
    assert "Nothing was cancelled" in told(response)[-1]
    page = shopper.get(response["Location"])
    assert "will not have to pay" not in text(page)
    shopper.post(path, {"rev": field(page, "rev")})
    assert Order.objects.get().status == Status.CANCELLED


def test_staff_add_the_product_that_was_shown(place):
    order = place(ProductFactory(name="Lamp", price=Decimal(20)))
    ProductFactory(name="Pen", sku="P", price=Decimal(8))
    ProductFactory(name="Ink", sku="I", price=Decimal(5))
    staff = Client()
    staff.force_login(StaffFactory())
    path = f"/admin/orders/order/{order.pk}/edit/"
    item = order.items.get()
    typed = {"rev": 1, f"quantity_{item.pk}": 1, "product_1": "P", "product_2": "I"}
    question = staff.post(path, typed)
    confirmed = typed | {"confirmed": 1} | {name: field(question, name) for name in ("shown", "shown_total")}
    price("Pen", 5)
    price("Ink", 8)

    response = staff.post(path, confirmed)

    assert response.status_code == 409
    assert "Pen: $8.00 before, $5.00 now. Ink: $5.00 before, $8.00 now." in text(response)
    assert Order.objects.get().rev == 1
