"""Who is let in by the API, how often, and what they are told otherwise."""

from __future__ import annotations

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from tests.api.keys import BASE, ApiClient, kind
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from users import api_keys
from users.models import ApiKey, ApiUse

pytestmark = pytest.mark.django_db


def test_a_key_is_kept_as_a_hash_and_lets_in(now):
    ProductFactory(sku="MUG", price="12.5", stock=3)
    key, text = api_keys.make(name="Warehouse", scopes=["orders:read"], customer=None, requests_per_minute=600)

    answer = ApiClient(text=text).get("/products")

    assert answer.status_code == 200
    [mug] = answer.json()["products"]
    assert (mug["sku"], mug["price"], mug["stock"], mug["currency"]) == ("MUG", "12.50", 3, settings.CURRENCY)
    assert text.split("_")[2] not in str(vars(ApiKey.objects.get(pk=key.pk)))
    assert len(text.split("_")[2]) == 64


def test_nobody_else_is_let_in(now):
    good = ApiClient()
    revoked = ApiClient()
    assert api_keys.revoke(revoked.key, at=now)
    assert not api_keys.revoke(revoked.key, at=now)
    sleeping = ApiClient("orders:read", customer=UserFactory(is_active=False))
    prefix, secret = good.text.split("_")[1:]
    wrong = [
        "",
        "x",
        revoked.text,
        sleeping.text,
        good.text[:-1] + ("0" if good.text[-1] != "0" else "1"),
        f"shop_{prefix}_",
        f"shop_{'0' * 12}_{secret}",
        f"shop_{prefix}_{ApiKey.objects.get(pk=good.key.pk).digest}",
        "' OR 1=1 --",
        "shop_\x00",
        "ü" * 50,
    ]

    for text in wrong:
        answer = ApiClient(text=text).get("/products")
        assert (answer.status_code, kind(answer)) == (401, "not-authenticated"), text
        assert answer["WWW-Authenticate"].startswith("Bearer")
    basic = Client().get(f"{BASE}/products", headers={"Authorization": f"Basic {good.text}"})
    assert kind(basic) == "not-authenticated"
    assert good.get("/products").status_code == 200


def test_a_session_is_no_key():
    staff = StaffFactory()
    client = Client()
    assert client.login(email=staff.email, password=PASSWORD)

    answer = client.get(f"{BASE}/products")

    assert kind(answer) == "not-authenticated"
    assert not answer.cookies


def test_requests_are_counted_by_the_minute_for_each_key_on_its_own(now):
    few, many = ApiClient(limit=3), ApiClient(limit=600)

    answers = [few.get("/products") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert {answer["RateLimit-Limit"] for answer in answers} == {"3"}
    assert kind(answers[-1]) == "too-many-requests"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert many.get("/products").status_code == 200
    ApiUse.objects.filter(key=few.key).update(since=now - api_keys.WINDOW)
    assert few.get("/products")["RateLimit-Remaining"] == "2"


def test_the_last_use_is_noted_at_most_once_a_minute(django_assert_num_queries):
    client = ApiClient()

    with time_machine.travel("2026-11-20T18:00:00Z", tick=False) as clock:
        client.get("/products")
        first = ApiKey.objects.get(pk=client.key.pk).last_used_at
        clock.shift(50)
        with django_assert_num_queries(2):  # the key, the products
            client.get("/products")
        assert ApiKey.objects.get(pk=client.key.pk).last_used_at == first
        clock.shift(11)
        client.get("/products")

    assert (ApiKey.objects.get(pk=client.key.pk).last_used_at - first).total_seconds() == 61


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/", 404, "not-found"),
        ("DELETE", "/products", 405, "method-not-allowed"),
        ("GET", "/products?page=2", 422, "invalid"),
        ("GET", "/products?limit=0", 422, "invalid"),
        ("GET", "/products?limit=1_0", 422, "invalid"),
        ("GET", "/products?in_stock=1", 422, "invalid"),
        ("GET", "/products?sku=%00", 422, "invalid"),
        ("GET", "/products?cursor=AAAA", 404, "not-found"),
        ("GET", "/products?limit[$gt]=1", 422, "invalid"),
    ],
)
def test_every_refusal_is_a_problem_document(method, path, status, expected):
    client = ApiClient()

    answer = client.client.generic(method, f"{BASE}{path}", headers={"Authorization": f"Bearer {client.text}"})

    assert (answer.status_code, kind(answer)) == (status, expected)
    if status == 422:
        assert all(error["parameter"] for error in answer.json()["errors"])
    if status == 405:
        assert answer["Allow"] == "GET"


def test_too_large_a_request_is_not_read():
    answer = ApiClient().post("/products", b" " * 300_000)

    assert (answer.status_code, kind(answer)) == (413, "too-large")
