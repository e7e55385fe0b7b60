"""The answer to a checkout was lost: whatever the customer does next, they are told the truth about their order."""

import pytest
from django.test import Client
from django.urls import reverse

from orders.models import Order
from tests.factories import PASSWORD, ProductFactory, UserFactory
from tests.orders.test_checkout import CHECKOUT, fill, form
from tests.pages import field, text, told

pytestmark = pytest.mark.django_db

LOGIN, LOGOUT = reverse("account_login"), reverse("account_logout")


@pytest.fixture
def customer():
    return UserFactory()


@pytest.fixture
def sent(shopper):
    """A form that was sent and gave an order; nobody read the answer."""
    fill(shopper, ProductFactory(name="Lamp"))
    filled = form(shopper)
    shopper.post(CHECKOUT, filled)
    return filled


def sign_in(client, customer, path=LOGIN):
    return client.post(path, {"login": customer.email, "password": PASSWORD}, follow=True)


def cart(client):
    return [item.product.name for item in client.get("/cart/").context["cart"].items]


def test_signed_out_and_sent_again(shopper, customer, sent):
    order = Order.objects.get()
    shopper.post(LOGOUT)

    response = shopper.post(CHECKOUT, sent)

    assert told(response)[-1] == f"Your order {order} was placed. Sign in to see it."
    page = sign_in(shopper, customer, response["Location"])
    assert page.redirect_chain[-1][0] == order.get_absolute_url()
    fill(shopper, ProductFactory(name="Mug"))
    fresh = form(shopper)
    assert fresh["key"] != sent["key"]
    shopper.post(CHECKOUT, fresh)
    assert Order.objects.count() == 2
    assert cart(shopper) == []


def test_signed_out_before_it_was_sent(shopper, customer):
    fill(shopper, ProductFactory(name="Lamp"))
    filled = form(shopper)
    shopper.post(LOGOUT)

    response = shopper.post(CHECKOUT, filled)

    assert "nothing was ordered yet" in told(response)[-1]
    page = sign_in(shopper, customer, response["Location"])
    shopper.post(CHECKOUT, filled | {name: field(page, name) for name in ("key", "shown")})
    assert Order.objects.count() == 1


def test_the_checkout_opened_again(shopper, sent):
    order = Order.objects.get()

    response = shopper.get(CHECKOUT)

    assert response["Location"] == order.get_absolute_url()
    assert f"Your order {order} was placed." in told(response)[-1]


def test_another_account_sends_it_again(shopper, sent):
    other = UserFactory()
    shopper.post(LOGOUT)
    sign_in(shopper, other)
    fill(shopper, ProductFactory(name="Lamp of the other"))

    page = shopper.post(CHECKOUT, sent, follow=True)

    assert "opened by another account" in text(page)
    assert "#" + str(Order.objects.get().pk) not in text(page)
    assert cart(shopper) == ["Lamp of the other"]
    shopper.post(CHECKOUT, form(shopper))
    assert Order.objects.count() == 2


@pytest.mark.parametrize("name", ["Lamp", "Mug"])
def test_what_is_in_the_cart_now_is_neither_ordered_nor_lost(shopper, sent, name):
    """The very same product again is another purchase, too."""
    order = Order.objects.get()
    fill(shopper, ProductFactory(name="Mug") if name == "Mug" else order.items.get().product)

    response = shopper.post(CHECKOUT, sent)

    assert response["Location"] == order.get_absolute_url()
    assert f"Your order {order} was placed already." in told(response)[-1]
    assert cart(shopper) == [name]
    assert form(shopper)["key"] != sent["key"]
    shopper.post(CHECKOUT, form(shopper))
    assert Order.objects.count() == 2


@pytest.mark.parametrize("broken", [{"shown": ""}, {"city": ""}, {"saved": "9"}, {"adjust": "1"}])
def test_a_form_that_is_broken_by_now_gave_its_order_all_the_same(shopper, sent, broken):
    response = shopper.post(CHECKOUT, sent | broken)

    assert response["Location"] == reverse("order_confirmation", args=[Order.objects.get().pk])


def test_two_tabs_have_keys_of_their_own(shopper, sent):
    fill(shopper, ProductFactory(name="Mug"))
    first, second = form(shopper), form(shopper)
    assert first["key"] != second["key"]
    shopper.post(CHECKOUT, first)
    fill(shopper, ProductFactory(name="Pen"))

    response = shopper.post(CHECKOUT, second)

    assert response.status_code == 422
    assert "Mug was removed. " in text(response)
    assert Order.objects.count() == 2
    assert cart(shopper) == ["Pen"]


def test_a_session_that_ended(shopper, customer, sent):
    order = Order.objects.get()
    shopper.cookies.clear()

    response = shopper.post(CHECKOUT, sent)

    assert f"Your order {order} was placed." in told(response)[-1]
    assert sign_in(shopper, customer, response["Location"]).redirect_chain[-1][0] == order.get_absolute_url()


def test_a_stranger_with_a_form_of_their_own_learns_nothing(shopper, sent):
    stranger = Client()

    response = stranger.post(CHECKOUT, sent | {"shown": "made:up"})

    assert "was placed" not in told(response)[-1]
