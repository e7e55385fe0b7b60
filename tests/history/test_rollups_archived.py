"""Archived orders count like live ones: their rows are gone, their documents are read instead."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from history import mongo
from history.mirror import relay
from history.mirror.reconcile import reconcile
from history.rollups import keeper, queue
from history.triggers import capture_off
from orders.models import Order
from orders.services import change_status
from orders.status import Status
from tests.factories import StaffFactory
from tests.history.random_orders import place_random_orders
from tests.history.rollup_truth import in_rollups

pytestmark = pytest.mark.django_db(transaction=True)

MOVE = """
INSERT INTO archived_orders (order_id, user_id, created_at, total_amount, status, rev, sha256)
SELECT order_id, user_id, created_at, total_amount, status, rev, '' FROM orders WHERE order_id = ANY(%(orders)s);
DELETE FROM orders WHERE order_id = ANY(%(orders)s);
DELETE FROM history_events WHERE order_id = ANY(%(orders)s)
"""


def archive(order_ids):
    wanted = {"order_id": {"$in": order_ids}}
    mongo.for_writing().update_many(wanted, {"$currentDate": {"archived_at": True}})
    with capture_off(), connection.cursor() as cursor:
        cursor.execute(MOVE, {"orders": order_ids})


def test_nothing_changes_when_orders_are_archived(mirror, now):
    staff = StaffFactory()
    orders = place_random_orders(30, around=[now - timedelta(days=30), now - timedelta(days=2)], seed=3)
    for order in orders:
        for hours, status in enumerate([Status.PAID, Status.SHIPPED, Status.DELIVERED], start=1):
            if Order.objects.get(pk=order.pk).status == list(Status)[hours - 1]:
                change_status(order, to=status, by=staff, at=now + timedelta(hours=hours))
    relay.drain()
    before = in_rollups()
    assert before["durations"]
    assert before["lines"]

    archive([order.pk for order in orders[::2]])
    keeper.queue_all()
    keeper.drain()

    assert in_rollups() == before


def test_an_order_placed_after_archived_ones_is_not_its_customers_first(mirror, now, place):
    first = place(at=now - timedelta(days=3))
    relay.drain()
    archive([first.pk])

    place(customer=first.customer, at=now)
    relay.drain()

    rollups = in_rollups()
    assert sum(each["new"] for each in rollups["cohorts"].values()) == 1
    assert sum(each["second_soon"] for each in rollups["cohorts"].values()) == 1
    assert sum(each["cents"] for each in rollups["statuses"].values()) == 2 * 100 * Decimal("10.00")


def test_cancelling_the_first_order_makes_an_archived_one_the_first(mirror, now, place):
    first = place(at=now - timedelta(days=3))
    second = place(customer=first.customer, at=now)
    relay.drain()
    archive([second.pk])

    change_status(first, to=Status.CANCELLED, by=StaffFactory(), at=now)
    relay.drain()

    [(day, _)] = in_rollups()["cohorts"]
    assert {day} == {max(queue.days_with_orders())}


def test_a_document_that_has_not_the_shape_of_one_keeps_nobody_from_counting(mirror, now, place):
    first, second = place(at=now - timedelta(days=3)), place(at=now - timedelta(days=3))
    relay.drain()
    archive([first.pk, second.pk])
    mirror.database.command("collMod", mirror.name, validator={})
    mirror.update_one({"order_id": first.pk}, {"$unset": {"events": "", "products": ""}})

    keeper.queue_all()
    keeper.drain()

    assert sum(len(day) for day in in_rollups()["orders"].values()) == 2
    assert [each.order_id for each in reconcile().differences] == [first.pk, second.pk]
