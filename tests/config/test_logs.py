"""One line a request and one a delivery, both with the request's id; nothing of people in any line."""

import json
import logging
import re
import sys
from contextlib import suppress

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse

from config import request_ids
from config.logs import JsonFormatter, in_one_line
from history.mirror.relay import drain
from history.models import Event
from orders.models import Order
from tests.factories import PASSWORD, ProductFactory, UserFactory
from tests.web.customers import checkout_form
from users.models import User

ID = "0123456789abcdef-trail"


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines = []

    def emit(self, record):
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines(caplog):
    """The lines logged so far, of all that is logged where others are served."""
    caplog.set_level(logging.INFO, logger="shop")
    kept = Kept()
    logging.getLogger().addHandler(kept)
    yield lambda: kept.lines
    logging.getLogger().removeHandler(kept)


def of(found, logger):
    return [line for line in found if line["logger"] == logger]


@pytest.mark.django_db(transaction=True)
def test_an_order_is_followed_from_its_request_to_its_delivery_by_one_id(client, mirror, lines):
    product, customer = ProductFactory(), UserFactory()
    client.force_login(customer)
    client.post(reverse("orders:cart_add"), {"product": product.pk, "quantity": 1})

    answer = client.post(reverse("orders:checkout"), checkout_form([product]), headers={"X-Request-Id": ID})
    drain()

    order = Order.objects.get()
    event = Event.objects.get(order_id=order.pk)
    assert answer.headers["X-Request-Id"] == event.request_id == ID
    asked = [line for line in of(lines(), "shop.requests") if line["view"] == "orders:checkout"]
    [delivered] = [line for line in of(lines(), "shop.deliveries") if line.get("order") == order.pk]
    assert [line["request_id"] for line in (*asked, delivered)] == [ID, ID]
    wanted = {"method": "POST", "status": 302, "user": customer.pk, "level": "INFO"}
    assert {name: asked[0][name] for name in wanted} == wanted
    assert 0 < asked[0]["ms"] < 60_000
    assert (delivered["rev"], delivered["event"]) == (1, event.pk)
    # Nothing of it in the document, nor in the digest of it.
    assert ID not in str(mirror.find_one({"order_id": order.pk}))
    # One that came of no request has none, and is not told line by line.
    with transaction.atomic():
        Order.objects.update(external_ref="x")
    drain()
    assert Event.objects.get(order_id=order.pk, rev=2).request_id is None
    assert len([line for line in of(lines(), "shop.deliveries") if line.get("order") == order.pk]) == 1


@pytest.mark.django_db(transaction=True)
def test_what_people_do_has_the_id_too_and_a_transaction_that_fails_leaves_none_behind(client):
    customer = UserFactory()

    client.post(reverse("account_login"), {"login": customer.email, "password": PASSWORD}, headers={"X-Request-Id": ID})

    assert set(Event.objects.values_list("kind", "request_id")) == {("signed_in", ID)}
    token = request_ids.current.set(ID)
    try:
        with suppress(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('shop.request_id')")
            told = cursor.fetchone()
            with transaction.atomic():
                User.objects.filter(pk=customer.pk).update(name="Ada")
            cursor.execute("INSERT INTO users (email) VALUES (NULL)")
        with transaction.atomic():
            User.objects.filter(pk=customer.pk).update(name="Eve")
    finally:
        request_ids.current.reset(token)
    assert told == (ID,)
    assert User.objects.get(pk=customer.pk).name == "Eve"
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('shop.request_id', true), '')")
        assert cursor.fetchone() == ("",)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent", ["", "short", "x" * 65, "evil'; DROP TABLE users", "two\nlines-of-it", "ünïcode-id", "<b>bold-id</b>"]
)
def test_an_id_that_is_none_is_not_taken(client, sent):
    answer = client.get("/healthz", headers={"X-Request-Id": sent})

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


@pytest.mark.django_db
def test_a_page_is_told_by_its_name_never_by_its_path(client, lines, monkeypatch):
    key = reverse("account_reset_password_from_key", kwargs={"uidb36": "1", "key": "secret-token"})
    monkeypatch.setattr("catalog.views.search_text", None)  # a bug

    client.get(key)
    client.get("/nowhere/nell@shop.example/")
    broken = Client(raise_request_exception=False).get("/search/?q=nell")

    assert broken.status_code == 500
    told = lines()
    assert "secret-token" not in str(told)
    assert "nell" not in str(told)
    views = ["account_reset_password_from_key", None, "catalog:search"]
    assert [line["view"] for line in of(told, "shop.requests")] == views
    [bug] = of(told, "django.request")
    assert bug["message"] == "Internal Server Error: (catalog:search)"
    assert "TypeError" in bug["exception"]
    assert bug["request_id"] == broken.headers["X-Request-Id"]


@pytest.mark.django_db(transaction=True)
def test_what_libraries_say_of_people_is_left_out(lines):
    logger = logging.getLogger("shop.test")
    UserFactory(name="Ada", email="ada@shop.example")
    try:
        User.objects.create(name="Eve", email="Ada@shop.example")
    except IntegrityError:
        logger.exception("Mail to %s failed: {'ada@shop.example': (550, 'no')}", "eve@b.example")
    logger.error('a "quoted"\nline\x00', extra={"told": {"order": 7}})

    refused, quoted = of(lines(), "shop.test")

    assert refused["message"] == "Mail to (e-mail) failed: {'(e-mail)': (550, 'no')}"
    assert "IntegrityError" in refused["exception"]
    assert "shop.example" not in str(refused)
    assert (quoted["message"], quoted["order"]) == ('a "quoted"\nline\x00', 7)


def test_an_outage_is_one_line_without_a_traceback():
    try:
        raise OperationalError("the server is away\nas was said")
    except OperationalError:
        told = ("Service Unavailable", "/100%/")
        record = logging.LogRecord("django.request", logging.ERROR, "", 0, "%s: %s", told, sys.exc_info())

    assert in_one_line(record)

    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "Service Unavailable: /100%/: the server is away"
    assert "exception" not in line
