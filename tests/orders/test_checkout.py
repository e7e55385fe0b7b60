"""From the form to the order, once and only once."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from orders.models import Order
from orders.services import change_status
from orders.status import Status
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.pages import breaks_csp, field, text, told
from tests.parallel import in_parallel

pytestmark = pytest.mark.django_db

CHECKOUT = reverse("orders:checkout")
ADDRESS = {"name": "Ada", "line1": "1 High Street", "city": "Springfield", "postcode": "123", "country": "Utopia"}


@pytest.fixture
def customer():
    return UserFactory()


def fill(client, *products, quantity=1):
    for product in products:
        client.post(reverse("orders:cart_add"), {"product": product.pk, "quantity": quantity})


def form(client, **changed) -> dict[str, str]:
    """The form as the customer sees it, filled in."""
    page = client.get(CHECKOUT)
    return ADDRESS | {"key": field(page, "key"), "shown": field(page, "shown")} | changed


def test_an_order_is_placed_from_the_cart(shopper, customer):
    fill(shopper, ProductFactory(price=Decimal("43.10")), quantity=2)
    page = shopper.get(CHECKOUT)
    assert "Place order – $86.20" in text(page)
    assert breaks_csp(page) == []

    response = shopper.post(CHECKOUT, form(shopper, line2=" "))

    order = Order.objects.get()
    assert response["Location"] == reverse("order_confirmation", args=[order.pk])
    assert order.customer == customer
    assert order.total_amount == Decimal("86.20")
    assert order.shipping_address == ADDRESS
    assert not shopper.get("/cart/").context["cart"]


def test_the_next_checkout_knows_the_address_of_the_last_order(shopper):
    fill(shopper, ProductFactory())
    shopper.post(CHECKOUT, form(shopper))
    fill(shopper, ProductFactory())

    page = shopper.get(CHECKOUT)

    assert {name: field(page, name) for name in ADDRESS} == ADDRESS


def test_the_confirmation_can_be_reloaded_and_is_the_owners(shopper, place, customer):
    mine, others = place(customer=customer), place()

    for _ in range(2):
        page = shopper.get(reverse("order_confirmation", args=[mine.pk]))
        assert f"Your order is #{mine.pk}" in text(page)
        assert "Until the parcel leaves you can cancel it" in text(page)
    assert shopper.get(reverse("order_confirmation", args=[others.pk])).status_code == 404


def test_the_form_posted_ten_times_gives_one_order(shopper):
    lamp = ProductFactory(stock=100)
    fill(shopper, lamp)
    filled = form(shopper)

    answers = {shopper.post(CHECKOUT, filled)["Location"] for _ in range(10)}

    assert answers == {reverse("order_confirmation", args=[Order.objects.get().pk])}
    assert Product.objects.get().stock == 99


def test_a_form_of_an_order_does_not_order_what_is_in_the_cart_now(shopper):
    fill(shopper, ProductFactory())
    filled = form(shopper)
    shopper.post(CHECKOUT, filled)
    fill(shopper, ProductFactory(name="Lamp"))

    response = shopper.post(CHECKOUT, filled)

    order = Order.objects.get()
    assert response["Location"] == order.get_absolute_url()
    assert f"Your order {order} was placed already" in told(response)[-1]
    assert [item.product.name for item in shopper.get("/cart/").context["cart"].items] == ["Lamp"]


def test_two_customers_may_have_the_same_key(shopper, place):
    place()
    key = str(uuid4())
    Order.objects.update(idempotency_key=key)
    fill(shopper, ProductFactory())

    shopper.post(CHECKOUT, form(shopper, key=key))

    assert Order.objects.count() == 2


@pytest.mark.parametrize("name", ["name", "line1", "city", "postcode", "country"])
def test_a_missing_line_is_named_and_the_rest_is_kept(shopper, name):
    fill(shopper, ProductFactory())
    filled = form(shopper, **{name: "  "})

    response = shopper.post(CHECKOUT, filled)

    assert response.status_code == 422
    page = response.content.decode()
    assert "<title>Error: " in page
    line = {"name": "Full name", "line1": "Street and number", "city": "Town or city"}.get(name, name.capitalize())
    assert f'href="#id_{name}">{line}: Fill this in.</a>' in page
    kept = ADDRESS.keys() - {name}
    assert all(f'value="{ADDRESS[line]}"' in page for line in kept)
    assert field(response, "key") == filled["key"]
    assert Order.objects.count() == 0


@pytest.mark.parametrize("bad", ["\x00", "x" * 201])
def test_an_address_that_cannot_be_kept_is_refused(shopper, bad):
    fill(shopper, ProductFactory())

    response = shopper.post(CHECKOUT, form(shopper, city=bad))

    assert response.status_code == 422
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    "broken", [{"key": ""}, {"key": "abc"}, {"shown": ""}, {"shown": "NaN"}, {"shown": "", "shown_total": "NaN"}]
)
def test_a_form_without_its_hidden_fields_orders_nothing(shopper, broken):
    fill(shopper, ProductFactory())

    response = shopper.post(CHECKOUT, form(shopper, **broken))

    assert response.status_code == 422
    assert Order.objects.count() == 0
    assert shopper.post(CHECKOUT, form(shopper)).status_code == 302


def test_a_price_that_changed_is_shown_before_anything_is_ordered(shopper):
    fill(shopper, ProductFactory(price=Decimal("10.00")))
    filled = form(shopper)
    Product.objects.update(price=Decimal("12.00"))

    response = shopper.post(CHECKOUT, filled)

    assert response.status_code == 422
    assert "Your order changed while this page was open" in text(response)
    assert f"{Product.objects.get().name}: $10.00 before, $12.00 now." in text(response)
    assert "Place order – $12.00" in text(response)
    assert Order.objects.count() == 0
    assert Product.objects.get().stock == 100
    shopper.post(CHECKOUT, filled | {"shown": field(response, "shown")})
    assert Order.objects.get().total_amount == Decimal("12.00")


def test_stock_gone_meanwhile_is_marked_and_everything_is_kept(shopper):
    fill(shopper, ProductFactory(name="Lamp", stock=5), quantity=5)
    fill(shopper, ProductFactory(name="Kettle"))
    filled = form(shopper)
    Product.objects.filter(name="Lamp").update(stock=2)

    response = shopper.post(CHECKOUT, filled)

    assert response.status_code == 422
    assert "Not enough in stock: Lamp (only 2 left)." in text(response)
    assert "Only 2 left, you asked for 5." in text(response)
    assert "Springfield" in response.content.decode()
    assert Order.objects.count() == 0

    again = shopper.post(CHECKOUT, filled | {"adjust": "1"}, follow=True)
    assert "2 × Lamp" in text(again)
    assert "Springfield" in again.content.decode()
    shopper.post(CHECKOUT, form(shopper))
    assert Order.objects.get().total_amount == Decimal("30.00")


def test_a_product_retired_meanwhile_is_refused(shopper):
    fill(shopper, ProductFactory(name="Lamp"))
    filled = form(shopper)
    Product.objects.update(is_active=False)

    response = shopper.post(CHECKOUT, filled)

    assert response.status_code == 422
    assert "No longer for sale: Lamp." in text(response)


def test_an_order_larger_than_can_be_stored_is_refused_in_words(shopper):
    fill(shopper, ProductFactory(price=Decimal("99999999.99"), stock=1000), quantity=200)

    response = shopper.post(CHECKOUT, form(shopper))

    assert response.status_code == 422
    assert "more than one order can hold" in text(response)


def test_an_empty_cart_goes_back_to_the_cart(shopper):
    for response in (shopper.get(CHECKOUT), shopper.post(CHECKOUT, ADDRESS)):
        assert response["Location"] == reverse("orders:cart")
        assert "Your cart is empty" in told(response)[-1]


def test_a_guest_signs_in_and_returns(client, customer):
    fill(client, ProductFactory(name="Lamp"))

    asked = client.get(CHECKOUT)
    assert asked["Location"] == f"{reverse('account_login')}?next={CHECKOUT}"
    response = client.post(asked["Location"], {"login": customer.email, "password": PASSWORD}, follow=True)

    assert response.redirect_chain[-1][0] == CHECKOUT
    assert "1 × Lamp" in text(response)


def test_a_guest_cannot_order(client):
    fill(client, ProductFactory())

    assert client.post(CHECKOUT, ADDRESS | {"key": uuid4(), "shown_total": "10.00"}).status_code == 302
    assert Order.objects.count() == 0


def test_a_form_of_another_site_is_refused_in_words(customer):
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer)

    response = client.post(CHECKOUT, ADDRESS)

    assert response.status_code == 403
    assert "This form expired. Nothing was saved." in text(response)


def test_more_items_need_no_more_queries_to_check_out(shopper, django_assert_num_queries):
    for amount in (1, 20):
        fill(shopper, *ProductFactory.create_batch(amount))
        shopper.get(CHECKOUT)
        # Session, user, cart, saved addresses, last address, permissions.
        with django_assert_num_queries(6):
            shopper.get(CHECKOUT)


def test_cancelling_is_asked_then_done(shopper, place, customer):
    lamp = ProductFactory(stock=10)
    order = place(lamp, customer=customer)
    path = reverse("order_cancel", args=[order.pk])

    assert "Cancel order" in text(shopper.get(path))
    assert Order.objects.get().status == Status.PENDING
    response = shopper.post(path)

    assert response["Location"] == order.get_absolute_url()
    assert told(response) == [f"Order {order} is cancelled."]
    assert Order.objects.get().status == Status.CANCELLED
    assert Product.objects.get().stock == 10
    assert told(shopper.post(path))[-1] == f"Order {order} was cancelled already."
    assert Product.objects.get().stock == 10


def test_an_order_under_way_is_not_cancelled(shopper, place, customer, now):
    order = place(customer=customer)
    for status in ("paid", "shipped"):
        change_status(order, to=status, by=StaffFactory(), at=now)
    path = reverse("order_cancel", args=[order.pk])

    for response in (shopper.get(path), shopper.post(path)):
        assert response.status_code == 409
        assert "cannot be cancelled any more" in text(response)
    assert Order.objects.get().status == Status.SHIPPED


def test_anothers_order_cannot_be_cancelled(shopper, place):
    order = place()
    path = reverse("order_cancel", args=[order.pk])

    assert shopper.get(path).status_code == 404
    assert shopper.post(path).status_code == 404
    assert Order.objects.get().status == Status.PENDING


def windows(client, count) -> list:
    """Several windows of one browser, each with the same form filled in."""
    filled = form(client)
    opened = [Client() for _ in range(count)]
    for window in opened:
        window.cookies = client.cookies
    return [(window, filled) for window in opened]


def post_together(clients_and_forms) -> list:
    """Post all at the same moment."""
    return in_parallel([partial(client.post, CHECKOUT, filled) for client, filled in clients_and_forms])


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_by_impatient_fingers_gives_one_order(shopper):
    fill(shopper, ProductFactory())

    answers = post_together(windows(shopper, 6))

    order = Order.objects.get()
    assert [answer["Location"] for answer in answers] == [reverse("order_confirmation", args=[order.pk])] * 6
    assert Product.objects.get().stock == 99


@pytest.mark.django_db(transaction=True)
def test_the_last_one_is_sold_once(customer):
    lamp = ProductFactory(stock=1)
    buyers = []
    for _ in range(6):
        client = Client()
        client.force_login(UserFactory())
        fill(client, lamp)
        buyers.append((client, form(client)))

    answers = post_together(buyers)

    assert sorted(answer.status_code for answer in answers) == [302] + [422] * 5
    assert Order.objects.count() == 1
    assert Product.objects.get().stock == 0
