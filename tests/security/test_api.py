"""The API: who is let in with which key, and what is taken from whom."""

from __future__ import annotations

from typing import Any

import pytest

from config.api.scopes import SCOPES
from tests.api.keys import BASE
from tests.api.operations import BODIES, operations
from tests.security.shops import Shop
from tests.security.visitor import Answer, Visitor

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

WISHES = ("rev", "total_amount", "user_id", "status_", "price", "is_staff", "owner", "created_at", "stock", "$set")


def ask(client: Visitor, method: str, path: str, more: str = "", **body: Any) -> Answer:
    if method == "GET":
        return client.get(f"{BASE}{path}{more}")
    sent = next(value for end, value in BODIES.items() if path.endswith(end)) | body
    return client.send(f"{BASE}{path}{more}", sent, Idempotency_Key="k")


def kind(answer: Answer) -> str:
    """The kind of the problem that an answer is."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.body[:300]
    return str(answer.json()["type"]).removeprefix("urn:problem-type:shop:")


def test_every_operation_asks_for_its_own_scope(shop: Shop):
    clients = {scope: shop.client(scope) for scope in SCOPES}

    let_in = {
        (f"{method} {path}", scope)
        for method, path, _ in operations()
        for scope, client in clients.items()
        if kind_or_none(ask(client, method, path, quantity=0)) != "scope-missing"
    }

    assert let_in == {
        (f"{method} {path}", scope)
        for method, path, wanted in operations()
        for scope in SCOPES
        if wanted in ("", scope)
    }


def kind_or_none(answer: Answer) -> str | None:
    return kind(answer) if answer.status >= 400 else None


@pytest.mark.parametrize("key", ["revoked", "of a closed account"])
def test_no_operation_is_for_a_key_that_is_over(shop: Shop, key: str):
    client = shop.client(key)

    answers = [ask(client, method, path) for method, path, _ in operations()]

    assert {(answer.status, kind(answer)) for answer in answers} == {(401, "not-authenticated")}


def test_no_operation_is_for_who_shows_a_key_elsewhere_or_a_session(shop: Shop):
    """In the address, where logs would keep it; in a cookie, which browsers send unasked; by another scheme."""
    text, boss, visitor = shop.keys["all"], shop.visitor("a superuser"), shop.visitor()
    before = shop.digests()

    answers = []
    for method, path, _ in operations():
        for name in ("key", "api_key", "token", "access_token", "authorization"):
            answers.append(ask(visitor, method, path, f"?{name}={text}"))
        answers.append(ask(boss, method, path))
        answers.append(visitor.get(f"{BASE}{path}", Authorization=f"Basic {text}", Cookie=f"key={text}"))

    assert {answer.status for answer in answers} <= {401, 405}
    assert shop.digests() == before


def test_a_key_of_one_customer_knows_only_them(shop: Shop):
    client, me = shop.client("a customer's"), shop.people["a customer"]
    own = {shop.orders["the customer's"], shop.orders["the customer's archived"]}

    listed = client.get(f"{BASE}/orders?limit=100").json()["orders"]
    asked = client.get(f"{BASE}/orders?customer={shop.people['the owner']}").json()["orders"]
    answers = [
        client.get(f"{BASE}/orders/{number}{part}")
        for name, number in shop.orders.items()
        for part in ("", "/history", "/history?as_of=2100-01-01T00:00:00Z")
        if number not in own
    ]
    body = BODIES["/orders"] | {"items": [{"sku": "LAMP", "quantity": 1}]}
    placed = client.send(f"{BASE}/orders", body | {"customer_id": shop.people["the owner"]}, Idempotency_Key="o")

    assert {order["customer_id"] for order in listed} == {me}
    assert own <= {order["order_id"] for order in listed}
    assert asked == []
    assert {(answer.status, kind(answer)) for answer in answers} == {(404, "not-found")}
    assert kind(placed) == "unknown-customer"
    assert kind(client.send(f"{BASE}/orders/{min(own)}/status", {"status": "paid"})) == "scope-missing"
    assert kind(client.get(f"{BASE}/events")) == "scope-missing"


def test_no_operation_takes_what_it_does_not_name(shop: Shop):
    client, before = shop.client("all"), shop.digests()

    wrong = []
    for method, path, _ in operations():
        for name in WISHES:
            wish = {"more": f"?{name}=1"} if method == "GET" else {name: 1}
            answer = ask(client, method, path, **wish)
            # An order by its number has no parameters to be wrong.
            if answer.status not in (404, 422):
                wrong.append(f"{method} {path} {name}: {answer.status}")

    assert wrong == []
    assert shop.digests() == before


def test_a_request_is_done_once_for_each_key_that_sends_it(shop: Shop):
    clients = [shop.client("all"), shop.client("all"), shop.client("orders:write")]
    body = BODIES["/orders"] | {"items": [{"sku": "LAMP", "quantity": 1}], "customer_id": shop.people["a customer"]}

    answers = [client.send(f"{BASE}/orders", body, Idempotency_Key="once") for client in clients]
    other = clients[0].send(f"{BASE}/orders", body | {"expected_total": "10.00"}, Idempotency_Key="once")
    cheap = clients[0].send(f"{BASE}/orders", body | {"expected_total": "0.01"}, Idempotency_Key="cheap")

    first, again, anothers = (answer.json()["order_id"] for answer in answers)
    assert first == again != anothers
    assert (kind(other), kind(cheap)) == ("idempotency-key-reused", "total-changed")


def test_whoever_asks_too_often_is_told_when_to_come_back(shop: Shop):
    client = shop.client("tired")

    answers = [client.get(f"{BASE}/orders") for _ in range(6)]

    assert answers[-1].status == 429
    assert kind(answers[-1]) == "too-many-requests"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    told = {name: answers[-1].headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining")}
    assert told == {"Limit": "3", "Remaining": "0"}
    assert shop.client("all").get(f"{BASE}/orders").status == 200
