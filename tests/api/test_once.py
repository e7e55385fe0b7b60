"""One order for one Idempotency-Key, however often, at whatever moment, and whatever dies."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog.models import Product
from orders.models import Order
from tests.api.keys import BASE, ApiClient
from tests.api.test_placing import ADDRESS
from tests.config.processes import database_url
from tests.factories import ProductFactory, UserFactory
from tests.web.server import Server
from users.models import ApiAnswer

POSTS = 20

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def body():
    customer, mug = UserFactory(), ProductFactory(sku="MUG", stock=100)
    asked = {"customer_id": customer.pk, "items": [{"sku": mug.sku, "quantity": 1}], "shipping_address": ADDRESS}
    return json.dumps(asked)


def post(port: int, key: str, body: str, *, once: str = "k1"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": once}
    try:
        connection.request("POST", f"{BASE}/orders", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers["Idempotency-Replayed"]
    finally:
        connection.close()


def test_twenty_posts_with_one_key_are_one_order_and_twenty_equal_answers(body, tmp_path):
    key = ApiClient().text

    with Server(tmp_path / "web.log", DATABASE_URL=database_url()) as server, ThreadPoolExecutor(POSTS) as pool:
        answers = list(pool.map(lambda _: post(server.port, key, body), range(POSTS)))

    order = Order.objects.get()
    assert {status for status, _, _ in answers} == {201}
    assert len({told for _, told, _ in answers}) == 1
    assert json.loads(answers[0][1])["order_id"] == order.pk
    assert sorted(replayed or "" for _, _, replayed in answers) == ["", *["true"] * (POSTS - 1)]
    assert Product.objects.get().stock == 99


@pytest.mark.parametrize(("point", "is_done"), [("web: before commit", False), ("web: after commit", True)])
def test_a_web_server_killed_around_the_commit_leaves_one_order_for_the_retry(body, tmp_path, point, is_done):
    key = ApiClient().text
    environment = {"DATABASE_URL": database_url(), "WEB_CONCURRENCY": "1"}

    with Server(tmp_path / "web.log", FAULT_POINT=point, **environment) as server, pytest.raises(OSError):  # noqa: PT011
        post(server.port, key, body)
    left = Order.objects.count()
    with Server(tmp_path / "web.log", **environment) as server:
        status, told, replayed = post(server.port, key, body)

    assert f"fault point: {point}" in (tmp_path / "web.log").read_text()
    assert left == int(is_done)
    assert ApiAnswer.objects.count() == 1
    assert (status, replayed) == (201, "true" if is_done else None)
    assert json.loads(told)["order_id"] == Order.objects.get().pk
    assert Product.objects.get().stock == 99
