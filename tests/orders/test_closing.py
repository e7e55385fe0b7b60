"""Closing an account: not while orders are open, and then for good."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from history.models import Event
from orders.models import CartItem, Order
from orders.status import Status
from tests.emails import deliver
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.pages import breaks_csp, confirm_password, text
from users.addresses import keep_address
from users.models import AccountEmail, Address, User

pytestmark = pytest.mark.django_db

CLOSE, LOGIN = reverse("orders:close_account"), reverse("account_login")
ADDRESS = {"name": "Ada Private", "line1": "1 Secret Lane", "city": "Springfield", "postcode": "1", "country": "Utopia"}


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


@pytest.fixture
def customer():
    return UserFactory(name="Ada Private", email="ada.private@shop.example")


def sign_in(client, user):
    client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


@pytest.fixture
def shopper(client, customer):
    sign_in(client, customer)
    return client


def test_everything_personal_leaves_the_account(shopper, customer, order_in):
    order = order_in(Status.DELIVERED, customer=customer)
    Order.objects.update(shipping_address=ADDRESS)
    keep_address(customer, ADDRESS, at=timezone.now())
    shopper.post(reverse("orders:cart_add"), {"product": ProductFactory().pk})

    response = shopper.post(CLOSE, follow=True)

    closed = User.objects.get(pk=customer.pk)
    assert "Your account is closed." in text(response)
    assert (closed.name, closed.email) == ("Closed account", f"closed-{closed.pk}@account.invalid")
    assert not closed.is_active
    assert not closed.has_usable_password()
    for left in (Address.objects.filter(customer=closed), EmailAddress.objects.filter(user=closed)):
        assert not left.exists()
    assert not CartItem.objects.exists()
    order.refresh_from_db()
    assert (order.customer, order.shipping_address) == (closed, ADDRESS)


def test_the_log_tells_it_without_the_name(shopper, customer):
    before = Event.objects.count()

    shopper.post(CLOSE)

    told = list(Event.objects.order_by("pk").values("kind", "subject_name", "actor_name", "changes", "note")[before:])
    assert [event["kind"] for event in told] == ["changed", "signed_out"]
    assert told[0]["changes"] == {"is_active": [True, False]}
    assert "Private" not in str(told)
    assert "private" not in str(told)


def test_every_session_ends_and_nobody_signs_in_again(shopper, customer):
    other = Client()
    sign_in(other, customer)
    assert other.get(reverse("users:account")).status_code == 200

    shopper.post(CLOSE)

    for client in (shopper, other):
        assert client.get(reverse("users:account")).status_code == 302
    again = Client()
    sign_in(again, customer)
    assert "_auth_user_id" not in again.session
    assert not any("_auth_user_id" in session.get_decoded() for session in Session.objects.all())


def test_the_address_can_be_used_for_a_new_account(shopper, customer):
    shopper.post(CLOSE)

    new = UserFactory(email=customer.email)

    assert User.objects.count() == 2
    assert new.email == customer.email


@pytest.mark.parametrize("status", [Status.PENDING, Status.PAID, Status.SHIPPED])
def test_open_orders_come_first(shopper, customer, order_in, status):
    order = order_in(status, customer=customer)

    page, refused = shopper.get(CLOSE), shopper.post(CLOSE)

    assert (page.status_code, refused.status_code) == (200, 409)
    for response in (page, refused):
        assert "Some of your orders are still open." in text(response)
        assert order.get_absolute_url() in response.content.decode()
        assert "This cannot be undone" not in text(response)
        assert breaks_csp(response) == []
    assert User.objects.get(pk=customer.pk).name == "Ada Private"


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.RETURNED, Status.CANCELLED])
def test_finished_orders_do_not_hold_it_up(shopper, customer, order_in, status):
    order_in(status, customer=customer)
    page = shopper.get(CLOSE)
    assert "Close your account?" in text(page)
    assert breaks_csp(page) == []

    shopper.post(CLOSE)

    assert not User.objects.get(pk=customer.pk).is_active


def test_anothers_open_orders_do_not_matter(shopper, customer, place):
    place()

    shopper.post(CLOSE)

    assert not User.objects.get(pk=customer.pk).is_active


def test_staff_are_closed_by_whoever_runs_the_shop(client):
    boss = StaffFactory()
    sign_in(client, boss)

    response = client.post(CLOSE)

    assert response.status_code == 409
    assert "belongs to the staff" in text(response)
    assert User.objects.get(pk=boss.pk).is_active


def test_looking_closes_nothing(shopper, customer):
    shopper.get(CLOSE)

    assert User.objects.get(pk=customer.pk).is_active


def test_who_closes_an_account_is_told_by_email(client):
    ada = UserFactory(email="ada@shop.example")
    client.force_login(ada)
    confirm_password(client)

    client.post(reverse("orders:close_account"))

    assert [(mail.to, mail.subject) for mail in deliver()] == [(["ada@shop.example"], "[Shop] Your account is closed")]
    assert not AccountEmail.objects.exists()
