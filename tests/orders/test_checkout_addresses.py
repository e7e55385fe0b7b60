"""Checkout: where the order goes, and what was typed when something comes in between."""

import pytest
from django.test import Client
from django.urls import reverse

from orders.models import Order
from tests.factories import PASSWORD, ProductFactory, UserFactory
from tests.orders.test_checkout import ADDRESS, CHECKOUT, fill, form, post_together, windows
from tests.pages import breaks_csp, field, text, told
from users.addresses import keep_address
from users.models import Address

pytestmark = pytest.mark.django_db

LOGIN = reverse("account_login")


@pytest.fixture
def customer():
    return UserFactory()


@pytest.fixture
def shopper(client, customer):
    client.force_login(customer)
    fill(client, ProductFactory(name="Lamp"))
    return client


def save(customer, now, **lines) -> Address:
    keep_address(customer, ADDRESS | lines, at=now)
    return Address.objects.latest("address_id")


def test_a_typed_address_is_saved_if_asked_for(shopper, customer):
    shopper.post(CHECKOUT, form(shopper))
    assert Address.objects.count() == 0
    fill(shopper, ProductFactory())

    shopper.post(CHECKOUT, form(shopper, keep="on", line1="2 Low Street"))

    assert Address.objects.for_customer(customer).get().lines() == ADDRESS | {"line1": "2 Low Street"}


def test_a_saved_address_is_chosen_and_nothing_need_be_typed(shopper, customer, now):
    home, work = save(customer, now), save(customer, now, line1="9 Work Road")
    page = shopper.get(CHECKOUT)
    assert "1 High Street" in text(page)
    assert page.context["form"].initial["saved"] == work.pk
    assert breaks_csp(page) == []

    hidden = {name: field(page, name) for name in ("key", "shown")}
    response = shopper.post(CHECKOUT, hidden | {"saved": home.pk})

    order = Order.objects.get()
    assert response["Location"] == reverse("order_confirmation", args=[order.pk])
    assert order.shipping_address == ADDRESS
    assert Address.objects.for_customer(customer).first() == home  # used last
    assert Address.objects.count() == 2


def test_another_address_can_be_typed_beside_saved_ones(shopper, customer, now):
    save(customer, now)

    shopper.post(CHECKOUT, form(shopper, saved="new", city="Elsewhere"))

    assert Order.objects.get().shipping_address["city"] == "Elsewhere"


@pytest.mark.parametrize("saved", ["999999", "abc", "-1", "\x00", "9" * 400])
def test_an_address_that_is_not_saved_is_refused(shopper, customer, now, saved):
    save(customer, now)

    response = shopper.post(CHECKOUT, form(shopper, saved=saved))

    assert response.status_code == 422
    assert "not saved any more" in text(response)
    assert Order.objects.count() == 0


def test_the_address_of_another_cannot_be_chosen(shopper, customer, now):
    save(customer, now)
    others = save(UserFactory(), now, line1="Secret Street")

    response = shopper.post(CHECKOUT, form(shopper, saved=others.pk))

    assert response.status_code == 422
    assert "Secret Street" not in text(response)
    assert Order.objects.count() == 0


def test_the_same_address_is_saved_once_and_only_so_many(customer, now):
    for _ in range(2):
        save(customer, now)
    assert Address.objects.count() == 1

    for number in range(Address.MOST + 5):
        keep_address(customer, ADDRESS | {"line1": str(number)}, at=now)

    assert Address.objects.count() == Address.MOST


def test_the_choice_is_kept_when_something_is_refused(shopper, customer, now):
    home = save(customer, now)
    save(customer, now, line1="9 Work Road")

    response = shopper.post(CHECKOUT, form(shopper, saved=home.pk, shown="1.00"))

    assert response.status_code == 422
    radios = [radio.data for radio in response.context["form"]["saved"].subwidgets]
    assert [radio["value"] for radio in radios if radio["selected"]] == [str(home.pk)]


def test_signed_out_meanwhile_one_signs_in_and_goes_on(shopper, customer):
    filled = form(shopper, city="Far Away")
    shopper.post(reverse("account_logout"))

    asked = shopper.post(CHECKOUT, filled)
    assert asked["Location"] == f"{LOGIN}?next={CHECKOUT}"
    assert "nothing was ordered yet" in told(asked)[-1]
    page = shopper.post(asked["Location"], {"login": customer.email, "password": PASSWORD}, follow=True)

    assert page.redirect_chain[-1][0] == CHECKOUT
    assert "1 × Lamp" in text(page)
    assert field(page, "city") == "Far Away"
    assert field(page, "key") != filled["key"]
    assert Order.objects.count() == 0
    shopper.post(CHECKOUT, filled | {"shown": field(page, "shown")})
    assert Order.objects.get().shipping_address["city"] == "Far Away"


def test_somebody_else_who_signs_in_does_not_see_what_was_typed(shopper, customer):
    filled = form(shopper, city="Far Away")
    shopper.post(reverse("account_logout"))
    shopper.post(CHECKOUT, filled)
    other = UserFactory()
    fill(shopper, ProductFactory())

    page = shopper.post(f"{LOGIN}?next={CHECKOUT}", {"login": other.email, "password": PASSWORD}, follow=True)

    assert "Checkout" in text(page)
    assert "Far Away" not in page.content.decode()


@pytest.mark.parametrize(
    "bad",
    [
        {"shown": "-1"},
        {"shown": "\x00"},
        {"total": "0.01", "price": "0.01", "shown": "0.01"},
        {"key": "\x00"},
    ],
)
def test_posted_totals_and_broken_fields_change_nothing(shopper, bad):
    response = shopper.post(CHECKOUT, form(shopper, **bad))

    assert response.status_code == 422
    assert Order.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_posts_of_one_checkout_at_once_are_one_order(shopper):
    answers = post_together(windows(shopper, 20))

    order = Order.objects.get()
    assert {answer["Location"] for answer in answers} == {reverse("order_confirmation", args=[order.pk])}
    assert len(answers) == 20


@pytest.mark.django_db(transaction=True)
def test_what_comes_into_the_cart_while_ordering_stays(shopper, customer):
    filled = form(shopper)
    kettle = ProductFactory(name="Kettle")
    other = Client()
    other.force_login(customer)

    shopper.post(CHECKOUT, filled)
    fill(other, kettle)
    shopper.post(CHECKOUT, filled)

    assert [item.product.name for item in other.get("/cart/").context["cart"].items] == ["Kettle"]
    assert Order.objects.count() == 1
