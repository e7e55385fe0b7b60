"""Every operation of the description, asked by whom it must not answer and with what it must not take."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests.api.keys import BASE, ApiClient, kind
from tests.api.operations import BODIES, operations
from users import api_keys

pytestmark = pytest.mark.django_db


def ask(client, method, path, more="", **body):
    if method == "GET":
        return client.get(f"{path}{more}")
    sent = next(value for end, value in BODIES.items() if path.endswith(end)) | body
    return client.post(f"{path}{more}", sent, Idempotency_Key="k")


def test_the_operations_are_those_of_the_description():
    described = Client().get(f"{BASE}/openapi.json").json()["paths"]

    assert len(list(operations())) == sum(len(some) for some in described.values()) >= 9


def test_nobody_is_answered_without_a_good_key_and_its_scope(now):
    revoked = ApiClient()
    api_keys.revoke(revoked.key, at=now)
    all_scopes = {scope for _, _, scope in operations() if scope}
    clients = [ApiClient(text=""), ApiClient(text=f"shop_{'0' * 12}_{'0' * 64}"), revoked]

    for method, path, scope in operations():
        for client in clients:
            answer = ask(client, method, path)
            assert (answer.status_code, kind(answer)) == (401, "not-authenticated"), (method, path)
        if scope:
            answer = ask(ApiClient(*(all_scopes - {scope})), method, path)
            assert (answer.status_code, kind(answer)) == (403, "scope-missing"), (method, path)
            assert answer.json()["scope"] == scope


def test_no_operation_takes_more_than_it_names():
    client = ApiClient()

    for method, path, _ in operations():
        if method == "GET":
            for more in ("?is_staff=true", "?limit[$gt]=0", "?$where=1", "?__class__=x"):
                answer = ask(client, method, path, more)
                assert kind(answer) == "invalid", path + more
                assert more[1:].split("=")[0] in [error["parameter"] for error in answer.json()["errors"]]
        else:
            for field in ("rev", "total_amount", "user_id", "is_archived", "$set", "__proto__"):
                answer = ask(client, method, path, **{field: {"$ne": 1}})
                assert kind(answer) == "invalid", (path, field)
                assert f"#/{field}" in [error["pointer"] for error in answer.json()["errors"]]


def test_no_operation_is_asked_too_often_or_too_much():
    tired = ApiClient(limit=1)
    tired.get("/products")

    for method, path, _ in operations():
        answer = ask(tired, method, path)
        assert (answer.status_code, kind(answer)) == (429, "too-many-requests")
        assert int(answer["Retry-After"]) > 0
        if method == "POST":
            large = json.dumps({"note": "x" * 300_000}).encode()
            assert kind(ApiClient().post(path, large, Idempotency_Key="k")) == "too-large"
