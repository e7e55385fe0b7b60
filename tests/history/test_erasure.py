"""Erasing people: nothing of them is left in either store, everything of everybody else is, and no figure changes."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from history import mongo
from history.mirror import reconcile, relay
from history.mirror.documents import digest
from history.models import ArchivedOrder
from history.triggers import capture_off
from tests.factories import ProductFactory, StaffFactory
from tests.history import traces
from tests.history.traces import Shop, in_mongodb, in_postgresql, marks_in

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 50
REPORTS = ("sales", "products", "customers", "status", "retention", "orders", "trust")

MOVE = """
INSERT INTO archived_orders (order_id, user_id, created_at, total_amount, status, rev, sha256)
SELECT order_id, user_id, created_at, total_amount, status, rev, %(sha256)s FROM orders WHERE order_id = %(order)s;
DELETE FROM orders WHERE order_id = %(order)s;
DELETE FROM refunds WHERE order_id = %(order)s;
DELETE FROM history_events WHERE order_id = %(order)s
"""


def archive(order):
    collection = mongo.for_writing()
    collection.update_one({"order_id": order.pk}, {"$currentDate": {"archived_at": True}})
    document = collection.find_one({"order_id": order.pk})
    with capture_off(), connection.cursor() as cursor:
        cursor.execute(MOVE, {"order": order.pk, "sha256": digest(document)})


@pytest.fixture
def shop(mirror, now):
    return Shop(ProductFactory(stock=10_000), StaffFactory(name="Sam Staff"), now - timedelta(days=40))


def figures(client):
    """What every report says, but for the names of customers."""
    found = {}
    for name in REPORTS:
        answer = client.get(f"{reverse(f'reports:{name}')}?period=all&format=csv")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert rows, name
        found[name] = [{column: cell for column, cell in row.items() if column != "customer"} for row in rows]
    return found


def erase(*who):
    call_command("erase_user", *map(str, who))


@pytest.mark.timeout(300)
def test_nothing_is_left_of_25_and_all_of_the_other_25(shop, client):
    client.force_login(shop.staff)
    people = [shop.person(number) for number in range(PEOPLE)]
    lives = [shop.life(user) for user in people]
    for number, user in enumerate(people):
        shop.tell_of(user, lives[number - 1][0])
    relay.drain()
    for number in range(0, PEOPLE, 4):
        for order in lives[number] + lives[number + 1]:
            archive(order)
    everybody, gone = {*range(PEOPLE)}, {*range(0, PEOPLE, 2)}
    assert marks_in(in_postgresql(), PEOPLE) == marks_in(in_mongodb(), PEOPLE) == everybody
    before = figures(client)

    erase(*(people[number].pk for number in sorted(gone)))

    assert marks_in(in_postgresql(), PEOPLE) == marks_in(in_mongodb(), PEOPLE) == everybody - gone
    assert figures(client) == before
    found = reconcile.reconcile()
    assert (found.differences, found.rollups) == ([], [])
