"""Whoever asks with the marker of the answer before misses nothing, whenever it was committed."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from history.imports.book import import_orders
from history.mirror import relay
from orders.models import Order
from orders.services import change_status
from tests.api.keys import ApiClient, kind
from tests.factories import StaffFactory
from tests.history.archived import archive
from tests.history.order_book import OrderBook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client():
    return ApiClient("orders:read")


@pytest.fixture
def other():
    """Another connection, in a transaction of its own."""
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name in ("dbname", "user", "password", "host", "port")
    }
    with psycopg.connect(**parameters) as another:
        yield another


def changed(client, since):
    answer = client.get("/orders", {"changed_since": since}).json()
    return {order["order_id"] for order in answer["orders"]}, answer["changed_until"]


def test_what_is_committed_after_the_answer_is_in_the_next_one(client, place, other):
    first, second, third = place(), place(), place()
    # One has written already, another one has only begun: its time lies before the marker too.
    other.execute("UPDATE orders SET status = 'paid' WHERE order_id = %s", [first.pk])
    _, marker = changed(client, "2020-01-01T00:00:00Z")
    change_status(second, to="paid", by=StaffFactory(), at=second.created_at)
    found, next_marker = changed(client, marker)
    assert first.pk not in found
    assert second.pk in found

    other.commit()

    assert first.pk in changed(client, next_marker)[0]
    assert first.pk in changed(client, marker)[0]
    assert third.pk not in changed(client, changed(client, marker)[1])[0]


def test_one_that_began_long_ago_and_wrote_late_is_in_the_next_answer(client, place, other):
    order = place()
    other.execute("SELECT now()")
    _, marker = changed(client, "2020-01-01T00:00:00Z")

    other.execute("UPDATE orders SET status = 'paid' WHERE order_id = %s", [order.pk])
    other.commit()

    assert changed(client, marker)[0] == {order.pk}


def test_imported_and_archived_orders_are_found(client, place, now, mirror, tmp_path):
    order = place(at=now - timedelta(days=3))
    change_status(order, to="cancelled", by=StaffFactory(), at=now - timedelta(days=2))
    relay.drain()
    _, marker = changed(client, "2020-01-01T00:00:00Z")
    assert changed(client, marker)[0] == set()

    import_orders(OrderBook(tmp_path / "book").directory)
    imported = set(Order.objects.exclude(pk=order.pk).values_list("pk", flat=True))

    found, marker = changed(client, marker)
    assert found == imported
    assert imported <= changed(client, now.isoformat())[0]
    archive(order)
    assert changed(client, marker)[0] == {order.pk}


def test_a_marker_is_of_the_first_page_and_nothing_else_is_one(client, place):
    place(), place()

    page = client.get("/orders", {"limit": 1}).json()
    following = client.get("/orders", {"limit": 1, "cursor": page["next"]}).json()

    assert page["changed_until"].startswith("tx-")
    assert following["changed_until"] is None
    for wrong in ("tx-", "tx--1", "tx-9999999999999999999", "yesterday", "4711"):
        assert kind(client.get("/orders", {"changed_since": wrong})) == "invalid"
