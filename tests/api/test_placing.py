"""Placing orders through the API: once, for whom it may be, or not at all with the reason."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest

from catalog.models import Product, StockMovement
from history.mirror import lag
from history.models import Event
from orders.models import Mail, Order
from tests.api.keys import ApiClient, kind
from tests.factories import ProductFactory, UserFactory
from tests.parallel import in_parallel
from users import api_answers, api_keys
from users.models import ApiAnswer

pytestmark = pytest.mark.django_db

ADDRESS = {"name": "Ada", "line1": "Mill Lane 1", "city": "Ely", "postcode": "CB7", "country": "England"}


def asked(customer, *items, **more):
    wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in items]
    return {"customer_id": customer.pk, "items": wanted, "shipping_address": ADDRESS} | more


def place(client, body, key=None):
    return client.post("/orders", body, Idempotency_Key=key or str(uuid4()))


def test_an_order_is_placed_and_told_by_whom():
    mug = ProductFactory(sku="MUG", price=Decimal("12.50"), stock=10)
    ProductFactory(sku="P/1 ü", stock=5)
    customer = UserFactory()
    client = ApiClient("orders:write", name="App")

    answer = place(client, asked(customer, ("MUG", 2), ("P/1 ü", 1), ("MUG", 1), expected_total="47.50"))

    assert answer.status_code == 201
    told = answer.json()
    order = Order.objects.get()
    assert answer["Location"] == f"/api/v1/orders/{order.pk}"
    assert (told["order_id"], told["customer_id"], told["status"]) == (order.pk, customer.pk, "pending")
    assert (told["total_amount"], told["allowed_next"]) == ("47.50", ["paid", "cancelled"])
    assert [(item["sku"], item["quantity"], item["price"]) for item in told["items"]] == [
        ("MUG", 3, "12.50"),
        ("P/1 ü", 1, "10.00"),
    ]
    assert told["placed_at"].endswith("Z")
    assert order.shipping_address == ADDRESS
    event = Event.objects.get(order_id=order.pk)
    assert (event.actor_id, event.actor_name) == (None, "API key App")
    assert {movement.actor_name for movement in StockMovement.objects.filter(order_id=order.pk)} == {"API key App"}
    assert Product.objects.get(pk=mug.pk).stock == 7
    assert Mail.objects.of_order(order.pk).count() == 1


def test_a_repeat_gets_the_first_answer_byte_for_byte(now):
    ProductFactory(sku="MUG", stock=10)
    customer = UserFactory()
    client, other = ApiClient(), ApiClient()
    body = asked(customer, ("MUG", 1))

    first = place(client, body, "k1")
    Order.objects.update(status="cancelled")
    again = place(client, body, "k1")
    another = place(client, asked(customer, ("MUG", 2)), "k1")
    of_another_key = place(other, body, "k1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Location"] == first["Location"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert (another.status_code, kind(another)) == (422, "idempotency-key-reused")
    assert of_another_key.status_code == 201
    assert Order.objects.count() == 2
    # Long after, when the answer is forgotten, the order's own key still knows.
    ApiAnswer.objects.update(answered_at=now - api_answers.KEPT * 2)
    lag.sample()
    assert not ApiAnswer.objects.exists()
    assert place(client, body, "k1").json()["order_id"] == first.json()["order_id"]
    assert kind(place(client, asked(customer, ("MUG", 2)), "k1")) == "idempotency-key-reused"


def test_a_refusal_leaves_nothing_and_its_key_may_be_sent_again():
    mug = ProductFactory(sku="MUG", stock=1)
    customer = UserFactory()
    client = ApiClient()
    body = asked(customer, ("MUG", 2))

    refused = place(client, body, "k1")
    Product.objects.filter(pk=mug.pk).update(stock=5)
    placed = place(client, body, "k1")

    assert (refused.status_code, kind(refused)) == (409, "out-of-stock")
    assert refused.json()["products"] == [{"sku": "MUG", "left": 1}]
    assert placed.status_code == 201
    assert Order.objects.count() == 1


def test_what_cannot_be_ordered_is_refused_with_its_reason():
    ProductFactory(sku="MUG", price=Decimal("12.50"), stock=10)
    ProductFactory(sku="OLD", is_active=False)
    ProductFactory(sku="DEAR", price=Decimal("99999999.99"), stock=1000)
    customer, sleeping = UserFactory(), UserFactory(is_active=False)
    client, own = ApiClient(), ApiClient("orders:write", customer=customer)
    by_mail = {key: value for key, value in asked(customer, ("MUG", 1)).items() if key != "customer_id"}
    refusals = [
        (client, asked(customer, ("NONE", 1)), "unknown-product"),
        (client, asked(customer, ("OLD", 1)), "not-for-sale"),
        (client, asked(customer, ("DEAR", 200)), "total-too-large"),
        (client, asked(customer, ("MUG", 1), expected_total="12.49"), "total-changed"),
        (client, asked(sleeping, ("MUG", 1)), "customer-inactive"),
        (client, by_mail | {"customer_email": "nobody@shop.example"}, "unknown-customer"),
        (own, asked(UserFactory(), ("MUG", 1)), "unknown-customer"),
    ]

    for who, body, expected in refusals:
        answer = place(who, body)
        assert (answer.status_code, kind(answer)) == (409, expected)
    assert (Order.objects.count(), ApiAnswer.objects.count()) == (0, 0)
    assert Product.objects.get(sku="MUG").stock == 10
    assert place(client, by_mail | {"customer_email": customer.email.upper()}).status_code == 201
    assert place(own, asked(customer, ("MUG", 1))).status_code == 201


def test_what_is_not_valid_is_told_with_its_place():
    ProductFactory(sku="MUG")
    customer = UserFactory()
    client = ApiClient()
    good = asked(customer, ("MUG", 1))
    item = good["items"][0]
    wrong = [
        (good | {"total_amount": "0.01"}, "#/total_amount"),
        (good | {"status": "paid"}, "#/status"),
        (good | {"items": [item | {"price": "0.01"}]}, "#/items/0/price"),
        (good | {"items": []}, "#/items"),
        (good | {"items": [item] * 101}, "#/items"),
        (good | {"items": [item, item | {"quantity": 0}]}, "#/items/1/quantity"),
        (good | {"items": [item | {"quantity": "1"}]}, "#/items/0/quantity"),
        (good | {"items": [item | {"quantity": True}]}, "#/items/0/quantity"),
        (good | {"items": [item | {"quantity": 10**30}]}, "#/items/0/quantity"),
        (good | {"items": [item | {"sku": "MUG\x00"}]}, "#/items/0/sku"),
        (good | {"items": [item | {"sku": "\ud800"}]}, "#/items/0/sku"),
        (good | {"items": [item | {"sku": {"$gt": ""}}]}, "#/items/0/sku"),
        (good | {"customer_id": {"$ne": 0}}, "#/customer_id"),
        (good | {"customer_id": None}, "#/customer_id"),
        (good | {"customer_id": 2**63}, "#/customer_id"),
        (good | {"customer_email": customer.email}, "#"),
        (good | {"expected_total": 12.5}, "#/expected_total"),
        (good | {"expected_total": "1e3"}, "#/expected_total"),
        (good | {"shipping_address": ADDRESS | {"city": ""}}, "#/shipping_address/city"),
        (good | {"shipping_address": ADDRESS | {"phone": "1"}}, "#/shipping_address/phone"),
        ({}, "#/items"),
        ([], "#"),
        (b"", "#"),
    ]

    for body, pointer in wrong:
        answer = place(client, body)
        assert (answer.status_code, kind(answer)) == (422, "invalid"), body
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.json()
    assert Order.objects.count() == 0


def test_what_cannot_be_read_is_refused():
    client = ApiClient()
    many = b'{"items": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}"

    for body in (b"{", b"{'a': 1}", b'{"a": NaN}', b"\xff\xfe", many, b"1" * 5000):
        answer = place(client, body)
        assert (answer.status_code, kind(answer)) == (400, "malformed"), body[:20]
    as_form = client.post("/orders", b"a=1", content_type="application/x-www-form-urlencoded", Idempotency_Key="k")
    assert (as_form.status_code, kind(as_form)) == (415, "unsupported-media-type")
    assert kind(client.post("/orders", b" " * 300_000, Idempotency_Key="k")) == "too-large"
    unkeyed = client.post("/orders", {})
    assert {"header": "Idempotency-Key"}.items() <= unkeyed.json()["errors"][-1].items() or [
        error for error in unkeyed.json()["errors"] if error.get("header", "").lower() == "idempotency-key"
    ]
    for key in ("k" * 256, "k\tk", "ü"):
        assert kind(client.post("/orders", {}, Idempotency_Key=key)) == "invalid"


def test_only_a_key_with_the_scope_places_orders(now):
    ProductFactory(sku="MUG")
    customer = UserFactory()
    revoked = ApiClient("orders:write")
    first = place(revoked, asked(customer, ("MUG", 1)), "k1")
    api_keys.revoke(revoked.key, at=now)

    for client, status in [(ApiClient("orders:read", "status:write"), 403), (ApiClient(text=""), 401), (revoked, 401)]:
        assert place(client, asked(customer, ("MUG", 1)), "k1").status_code == status
    assert first.status_code == 201
    assert Order.objects.count() == 1


def test_an_order_has_the_reference_of_the_other_system():
    ProductFactory(sku="MUG")
    client = ApiClient("orders:write", "orders:read")
    body = asked(UserFactory(), ("MUG", 1), external_ref="web-2026/0815")

    placed = place(client, body).json()

    assert placed["external_ref"] == "web-2026/0815"
    assert Order.objects.get().external_ref == "web-2026/0815"
    assert client.get(f"/orders/{placed['order_id']}").json()["external_ref"] == "web-2026/0815"
    again = place(client, body)
    assert (again.status_code, kind(again)) == (409, "reference-taken")
    assert Order.objects.count() == 1


@pytest.mark.parametrize("reference", ["", " ", " a", "a ", "a\nb", "\x00", "é", "x" * 65, 7, None])
def test_a_reference_that_cannot_be_one_is_refused(reference):
    ProductFactory(sku="MUG")

    answer = place(ApiClient("orders:write"), asked(UserFactory(), ("MUG", 1), external_ref=reference))

    assert (answer.status_code, kind(answer)) == (422, "invalid")
    assert not Order.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_orders_of_one_reference_at_once_are_one():
    ProductFactory(sku="MUG")
    client = ApiClient("orders:write")

    answers = in_parallel(
        [partial(place, client, asked(UserFactory(), ("MUG", 1), external_ref="same")) for _ in range(4)]
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert Order.objects.count() == 1
