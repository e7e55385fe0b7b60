"""The relay as the shop runs it: a process of its own, killed, stopped, and left without MongoDB."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from config.embedded.mongodb import MongoServer
from history import mongo
from history.mirror import reconcile
from history.models import Event
from orders.models import Order
from orders.services import change_status
from tests.config.processes import ROOT, database_url, wait_until
from tests.factories import ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


class RelayProcess:
    """A running `manage.py relay` on the test's databases."""

    def __init__(self, mongodb_url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "relay"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": database_url(), "MONGODB_URL": mongodb_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        assert "waiting for events" in self.said, self.said

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=15)
        return self.process.returncode


@pytest.fixture
def start_relay(mirror, settings):
    relays = []

    def start() -> RelayProcess:
        relays.append(RelayProcess(settings.MONGODB_URL))
        return relays[-1]

    yield start
    for relay in relays:
        if relay.process.poll() is None:
            relay.end(signal.SIGKILL)


@pytest.fixture
def mongodb(tmp_path, settings):
    """A MongoDB of this test's own, on disk, to be stopped and started."""
    server = MongoServer(tmp_path)
    server.start()
    settings.MONGODB_URL = server.url
    yield server
    server.stop()


def seconds_until(condition) -> float:
    started = time.monotonic()
    assert wait_until(condition, 20)
    return time.monotonic() - started


def document(order):
    return mongo.for_reading().find_one({"order_id": order.pk}) or {"events": []}


def test_a_change_is_in_mongodb_within_a_second(start_relay, place, now):
    start_relay()
    seconds_until(lambda: Event.objects.pending().count() == 0)
    order = place(ProductFactory(price=Decimal("19.90")), quantity=2)

    placed = seconds_until(lambda: len(document(order)["events"]) == 1)
    stored = document(order)
    change_status(order, to="paid", by=StaffFactory(), at=now + timedelta(minutes=1))
    paid = seconds_until(lambda: len(document(order)["events"]) == 2)

    assert max(placed, paid) < 1.0
    assert stored["total_amount"].to_decimal() == Decimal("39.80")
    assert [product["quantity"] for product in stored["products"]] == [2]
    assert document(order)["status"] == "paid"


def test_staff_ship_in_the_back_office_and_mongodb_has_it_within_a_second(start_relay, place, client, now):
    start_relay()
    order = change_status(place(), to="paid", by=StaffFactory(), at=now)
    seconds_until(lambda: len(document(order)["events"]) == 2)
    client.force_login(StaffFactory(name="Sam"))

    client.post(
        reverse("admin:orders_order_changelist"),
        {"action": "mark_shipped", "_selected_action": [order.pk]},
    )

    assert seconds_until(lambda: len(document(order)["events"]) == 3) < 1.0
    assert document(order)["status"] == "shipped"
    assert document(order)["events"][-1]["actor"] == "Sam"


def test_plain_sql_that_sent_no_signal_arrives_in_about_a_second(start_relay):
    start_relay()
    customer = UserFactory()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders (user_id, total_amount) VALUES (%s, 5) RETURNING order_id", [customer.pk])
        order = Order.objects.get(pk=cursor.fetchone()[0])

    assert seconds_until(lambda: len(document(order)["events"]) == 1) < 2.0


def test_sigterm_ends_it_cleanly(start_relay):
    relay = start_relay()
    started = time.monotonic()

    assert relay.end() == 0

    assert time.monotonic() - started < 10


def test_what_a_killed_relay_left_the_next_one_delivers(start_relay, place):
    for _ in range(3):
        relay = start_relay()
        for _ in range(10):
            place()
        relay.end(signal.SIGKILL)

    start_relay()
    seconds_until(lambda: Event.objects.pending().count() == 0)

    assert reconcile.reconcile().differences == []
    assert mongo.for_reading().count_documents({}) == 30


def test_the_shop_sells_without_mongodb_and_all_arrives_after_its_return(mongodb, start_relay, place, client):
    start_relay()
    customer = UserFactory()
    client.force_login(customer)
    seconds_until(lambda: len(document(place(customer=customer))["events"]) >= 0)

    mongodb.stop()
    started = time.monotonic()
    orders = [place(customer=customer) for _ in range(5)]
    listed = client.get(reverse("order_list"))
    shown = client.get(orders[0].get_absolute_url())
    took = time.monotonic() - started

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert took < 2.0
    assert Event.objects.pending().count() >= 5

    mongodb.start()
    seconds_until(lambda: Event.objects.pending().count() == 0)
    assert reconcile.reconcile().differences == []


def test_the_relay_outlives_the_loss_of_its_connections(start_relay, place):
    start_relay()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )

    order = place()

    assert seconds_until(lambda: len(document(order)["events"]) == 1) < 5
