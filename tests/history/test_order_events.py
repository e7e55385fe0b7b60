"""An order's history reads the same from either store, at once, and MongoDB's death costs a page next to nothing."""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter

import pytest
from bson import Decimal128
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history import order_events, patience
from history.mirror import relay
from history.mirror.documents import digest
from history.models import Event
from orders.models import Order, OrderItem
from orders.services import cancel_order, change_status
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.pages import text

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = "mongodb://127.0.0.1:9/shop"

SECONDS = order_events.PATIENCE.seconds


@pytest.fixture(autouse=True)
def awake(monkeypatch):
    """Nothing was seen dead yet, and a busy machine is waited for."""
    order_events.PATIENCE.away_until.clear()
    monkeypatch.setattr(order_events.PATIENCE, "seconds", 10)


@pytest.fixture
def die(settings, monkeypatch):
    """Have no MongoDB from now on."""

    def let_die(address=DEAD):
        monkeypatch.setattr(order_events.PATIENCE, "seconds", SECONDS)
        settings.MONGODB_URL = address

    return let_die


@pytest.fixture
def customer():
    return UserFactory(name="Ada")


@pytest.fixture
def order(place, mirror, customer, now):
    """A life with everything that is told: money, items, addresses, notes, several hands, a time nobody knows."""
    order = place(ProductFactory(name="Lamp", price=Decimal("12.30")), ProductFactory(), customer=customer)
    OrderItem.objects.filter(order=order, product_name="Lamp").update(quantity=3)
    Order.objects.filter(pk=order.pk).update(total_amount=Decimal("46.90"), shipping_address={"city": "Oslo"})
    order.refresh_from_db()
    change_status(order, to="paid", by=StaffFactory(), at=now + timedelta(minutes=1), note="for the store's eyes")
    cancel_order(order, by=customer, at=now + timedelta(minutes=2), note="Ordered twice")
    relay.drain()
    order.refresh_from_db()
    return order


def shown(client, order):
    response = client.get(order.get_absolute_url())
    assert response.status_code == 200
    return text(response), response.content.decode().count("<li"), response.context["events"]


def test_the_page_says_the_same_whichever_store_it_came_from(shopper, order, die):
    from_mongodb = shown(shopper, order)
    die()

    assert shown(shopper, order) == from_mongodb
    assert "Total: $22.30 before, $46.90 now" in from_mongodb[0]
    assert "Ordered twice" in from_mongodb[0]
    assert len(from_mongodb[2]) == Event.objects.of_order(order.pk).count() == 5


def test_events_are_equal_field_by_field(order, die):
    def told():
        return list(map(fields, order_events.events_of(order)))

    names = ("order_id", "rev", "kind", "status", "occurred_at", "is_time_known", "actor_id", "actor_name", "note")
    fields = attrgetter(*names, "changes")

    from_mongodb = told()
    die()

    assert told() == from_mongodb
    assert from_mongodb[2][-1]["total_amount"] == [Decimal("22.30"), Decimal("46.90")]


def test_it_comes_from_mongodb(order, mirror):
    with CaptureQueriesContext(connection) as asked:
        events = order_events.events_of(order)

    assert len(asked) == 1
    assert [event.rev for event in events] == [1, 2, 3, 4, 5]
    assert {event.pk for event in events} == {None}  # none is a row of PostgreSQL


def test_what_is_still_pending_is_shown_at_once(shopper, place, mirror, customer, now):
    order = place(customer=customer)
    relay.drain()
    change_status(order, to="paid", by=StaffFactory(), at=now)

    _, _, events = shown(shopper, order)

    assert [event.what for event in events] == ["Status is now Paid", "Order placed"]
    order.refresh_from_db()
    assert [event.pk is None for event in order_events.events_of(order)] == [True, False]


def test_an_order_without_a_document_is_told_from_postgresql(shopper, place, mirror, customer):
    _, _, [event] = shown(shopper, place(customer=customer))

    assert event.what == "Order placed"


def edited(document):
    document["events"][0]["note"] = "Mallory was here"


def cut(document):
    document["events"] = document["events"][:2]


def cut_to_fit(document):
    cut(document)
    document["digest"] = digest(document)


def ahead(document):
    document["rev"] = document["events"][-1]["rev"] = 40
    document["digest"] = digest(document)


def of_another_shape(document):
    for event in document["events"]:
        del event["actor_id"], event["changes"]
    document["digest"] = digest(document)


def total_of_text(document):
    document["events"][2]["changes"] = {"total_amount": [Decimal128("1"), Decimal128("2")]}


@pytest.mark.parametrize("edit", [edited, cut, cut_to_fit, ahead, of_another_shape, total_of_text])
def test_a_document_that_no_relay_wrote_is_not_shown(edit, order, mirror):
    document = mirror.find_one({"order_id": order.pk})
    edit(document)
    mirror.replace_one({"_id": document["_id"]}, document)

    events = order_events.events_of(order)

    assert [event.pk for event in events] == [event.pk for event in Event.objects.of_order(order.pk)]


def test_a_page_read_before_a_change_that_is_mirrored_already_shows_it(order, mirror, now):
    seen = Order.objects.get(pk=order.pk)
    Order.objects.filter(pk=order.pk).update(shipping_address={"city": "Bergen"})
    relay.drain()

    assert [event.rev for event in order_events.events_of(seen)] == [1, 2, 3, 4, 5, 6]


def test_a_dead_mongodb_is_asked_once_in_a_few_seconds(shopper, order, die, monkeypatch, caplog):
    monkeypatch.setattr(order_events.PATIENCE, "rest", 60)
    die()

    began = time.monotonic()
    for _ in range(5):
        shown(shopper, order)

    assert [record.levelname for record in caplog.records if record.name == patience.__name__] == ["WARNING"]
    assert time.monotonic() - began < 10


def test_a_mongodb_that_hangs_costs_no_more_than_the_patience(order, die, monkeypatch, caplog):
    monkeypatch.setattr(order_events.PATIENCE, "rest", 60)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never says a word
        die(f"mongodb://127.0.0.1:{silent.getsockname()[1]}/shop?directConnection=true")
        began = time.monotonic()
        several = [order_events.events_of(order) for _ in range(5)]
        seconds = time.monotonic() - began

    assert [len(events) for events in several] == [5] * 5
    assert [record.levelname for record in caplog.records if record.name == patience.__name__] == ["WARNING"]
    assert seconds < SECONDS + 3


def test_mongodb_is_asked_again_after_its_rest(order, settings, monkeypatch):
    alive = settings.MONGODB_URL
    monkeypatch.setattr(order_events.PATIENCE, "rest", 0.2)
    order_events.PATIENCE.away_until[alive] = time.monotonic() + 0.2
    assert order_events.events_of(order)[0].pk is not None

    time.sleep(0.3)

    assert order_events.events_of(order)[0].pk is None


def test_the_page_needs_no_more_queries_whichever_store_answers(shopper, order, die):
    with CaptureQueriesContext(connection) as from_mongodb:
        shown(shopper, order)
    die()
    with CaptureQueriesContext(connection) as from_postgresql:
        shown(shopper, order)

    assert len(from_mongodb) == len(from_postgresql) <= 8
