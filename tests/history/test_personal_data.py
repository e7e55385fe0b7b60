"""What both stores hold about a person, as a file for that person."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from history import personal_data
from history.mirror.relay import drain
from history.models import ArchivedOrder
from orders.services import change_status
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.pages import text
from users.addresses import keep_address
from users.models import User

ADDRESS = {"name": "Ada", "line1": "1 High Street", "city": "Springfield", "postcode": "1", "country": "Utopia"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


@pytest.fixture
def customer():
    return UserFactory(name="Ada", email="ada@shop.example")


@pytest.fixture
def staff():
    return StaffFactory(name="Sam Secretname")


@pytest.fixture
def shopper(client, customer):
    client.post(reverse("account_login"), {"login": customer.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def download(client):
    response = client.get(reverse("account_data"))
    assert response.status_code == 200
    return response, json.loads(response.content, parse_float=Decimal)


def test_everything_is_in_it_from_both_stores(shopper, customer, staff, place, mirror, now):
    lamp = ProductFactory(name="Lamp", price=Decimal("10.10"))
    order = place(lamp, customer=customer, quantity=2)
    change_status(order, to="paid", by=staff, at=now + timedelta(hours=1), note="to Fort Knox")
    ArchivedOrder.objects.create(
        order_id=7, user_id=customer.pk, created_at=now, total_amount=5, status="delivered", rev=3, sha256="0" * 64
    )
    keep_address(customer, ADDRESS, at=now)
    shopper.post(reverse("orders:cart_add"), {"product": lamp.pk, "quantity": 3})
    drain()

    response, data = download(shopper)

    assert response["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert data["missing"] == []
    account = data["account"]
    assert (account["name"], account["email"]) == ("Ada", "ada@shop.example")
    assert account["addresses"] == [ADDRESS]
    assert [(item["product__name"], item["quantity"]) for item in account["cart"]] == [("Lamp", 3)]
    assert len(account["sessions"]) == 1
    [held], [mirrored] = data["orders"], data["mirror"]["orders"]
    assert (held["order_id"], held["total_amount"], held["status"]) == (order.pk, "20.20", "paid")
    assert (mirrored["order_id"], mirrored["total_amount"], mirrored["status"]) == (order.pk, "20.20", "paid")
    assert [item["product_name"] for item in held["items"]] == ["Lamp"]
    for each in (held, mirrored):
        assert [(event["kind"], event["by"]) for event in each["events"]] == [("placed", "You"), ("status", "Store")]
    assert [order["order_id"] for order in data["archived_orders"]] == [7]
    kinds = ["signed_in"]
    assert [event["kind"] for event in data["activity"]] == kinds
    assert [event["kind"] for event in data["mirror"]["activity"]] == kinds


def test_nothing_secret_and_nobody_else_is_in_it(shopper, customer, staff, place, mirror, now):
    order = place(customer=customer)
    change_status(order, to="paid", by=staff, at=now + timedelta(hours=1), note="to Fort Knox")
    other = place(customer=UserFactory(name="Eve Else", email="eve@shop.example"))
    drain()

    response, data = download(shopper)

    body = response.content.decode()
    for secret in ("Secretname", "Fort Knox", "Eve", "eve@", customer.password, shopper.session.session_key):
        assert secret not in body
    assert [each["order_id"] for each in data["orders"] + data["mirror"]["orders"]] == [order.pk, order.pk]
    assert other.pk != order.pk


def test_what_staff_did_to_others_is_told_without_the_others(client, mirror):
    boss = StaffFactory()
    client.post(reverse("account_login"), {"login": boss.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    other = UserFactory(name="Eve Else", email="eve@shop.example")
    client.post(f"/admin/users/user/{other.pk}/change/", {"name": "Eve New", "email": other.email, "is_active": "on"})
    drain()

    response, data = download(client)

    for log in (data["activity"], data["mirror"]["activity"]):
        assert [(event["kind"], event["by"]) for event in log] == [("signed_in", "You"), ("changed", "You")]
    assert "Eve" not in response.content.decode()


def test_with_mongodb_down_the_file_says_what_is_missing(shopper, customer, place, settings):
    place(customer=customer)
    settings.MONGODB_URL = "mongodb://127.0.0.1:1/nothing"

    response, data = download(shopper)

    assert response["Content-Disposition"] == 'attachment; filename="my-data-incomplete.json"'
    assert data["missing"] == ["mirror: the history store cannot be reached now, ask again later"]
    assert "mirror" not in data
    assert len(data["orders"]) == 1


def test_more_orders_need_no_more_queries(customer, place, mirror, django_assert_num_queries):
    place(customer=customer)
    for _ in range(2):
        # Addresses of two kinds, cart, sessions, factors, keys, requests; orders, items, events, refunds, mails;
        # archived, stock, activity.
        with django_assert_num_queries(15):
            personal_data.of(customer, at=timezone.now())
        place(*ProductFactory.create_batch(5), customer=customer)


def test_every_table_that_points_at_people_is_thought_of():
    # Told in the file, or nothing of their own: roles, the back office's log of staff.
    told = {"emailaddress", "authenticator", "usersession", "address", "cartitem", "order", "apikey"}
    staff_only = {"logentry"}

    pointing = {relation.related_model._meta.model_name for relation in User._meta.related_objects}

    assert pointing == told | staff_only


def test_the_page_leads_to_the_file_and_back_where_the_password_is_asked(client, customer):
    client.post(reverse("account_login"), {"login": customer.email, "password": PASSWORD})
    page = reverse("users:account")
    assert "Download my data" in text(client.get(page))

    asked = client.get(reverse("account_data"))
    assert "Please confirm that it is you" in text(client.get(asked["Location"]))
    confirmed = client.post(asked["Location"], {"password": PASSWORD})

    assert confirmed["Location"] == f"{page}?confirmed#data-title"
    assert "saves the file now" in text(client.get(confirmed["Location"]))
    download(client)
