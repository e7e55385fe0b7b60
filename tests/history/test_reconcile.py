"""Reconcile names every difference and no other; repair and rebuild end equal."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId
from django.core.management import call_command
from django.utils import timezone

from history.mirror import rebuild, reconcile, relay, repair
from history.mirror.documents import document_id
from history.models import Event
from orders.models import Order
from orders.services import change_status
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def orders(place, mirror, now):
    """Five mirrored orders of two items, each paid."""
    placed = [place(ProductFactory(), ProductFactory()) for _ in range(5)]
    for order in placed:
        change_status(order, to="paid", by=StaffFactory(), at=now + timedelta(minutes=5))
    relay.drain()
    return placed


def one_cent(mirror, number):
    mirror.update_one({"order_id": number}, {"$set": {"total_amount": Decimal128("20.01")}})


def lost(mirror, number):
    mirror.delete_one({"order_id": number})


def stale_status(mirror, number):
    mirror.update_one({"order_id": number}, {"$set": {"status": "pending"}})


def event_removed(mirror, number):
    mirror.update_one({"order_id": number}, {"$pop": {"events": 1}})


def event_edited(mirror, number):
    mirror.update_one({"order_id": number}, {"$set": {"events.0.actor": "Mallory"}})


def events_swapped(mirror, number):
    events = mirror.find_one({"order_id": number})["events"]
    mirror.update_one({"order_id": number}, {"$set": {"events": events[::-1]}})


def duplicate(mirror, number):
    document = mirror.find_one({"order_id": number})
    mirror.drop_index("order_id")
    mirror.insert_one({**document, "_id": ObjectId()})


def foreign_id(mirror, number):
    document = mirror.find_one({"order_id": number})
    mirror.delete_one({"order_id": number})
    mirror.insert_one({**document, "_id": ObjectId()})


def wrong_user(mirror, number):
    mirror.update_one({"order_id": number}, {"$set": {"user_id": 999_999}})


def quantity(mirror, number):
    mirror.update_one({"order_id": number}, {"$set": {"products.1.quantity": 7}})


def rev_ahead(mirror, number):
    mirror.update_one({"order_id": number}, {"$set": {"rev": 40}})


def number_type(mirror, number):
    mirror.update_one({"order_id": number}, {"$set": {"products.0.price": Decimal128("10.0")}})


DAMAGES = [
    (one_cent, "total_amount: 20.00, mirror has 20.01"),
    (lost, "missing in the mirror"),
    (stale_status, "status: paid, mirror has pending"),
    (event_removed, "events[1]"),
    (event_edited, "events[0].actor"),
    (events_swapped, "events[0].rev: 1, mirror has 2"),
    (duplicate, "2 documents"),
    (foreign_id, "_id"),
    (wrong_user, "user_id"),
    (quantity, "products[1].quantity: 1, mirror has 7"),
    (rev_ahead, "rev: 2, mirror has 40"),
    (number_type, "products[0].price: 10.00, mirror has 10.0"),
]


def differing(**options):
    return {each.order_id: str(each) for each in reconcile.reconcile(**options).differences}


def test_equal_stores_have_no_difference(orders):
    findings = reconcile.reconcile()

    assert findings.differences == []
    assert findings.compared == 5
    assert findings.totals.differing() == []
    [totals] = findings.totals.by.values()
    assert (totals.orders, totals.amount) == (5, Decimal("100.00"))


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_each_kind_of_damage_is_named_and_mended(damage, said, orders, mirror):
    number = orders[2].pk
    damage(mirror, number)

    found = differing()
    assert list(found) == [number]
    assert said in found[number]

    repair.repair(reconcile.reconcile().differences, at=timezone.now())
    relay.drain()

    assert differing() == {}
    assert mirror.count_documents({"order_id": number}) == 1
    assert Event.objects.of_order(number).last().kind == "repaired"


@pytest.mark.parametrize("damage", [damage for damage, _ in DAMAGES if damage is not rev_ahead])
def test_rebuilding_mends_too(damage, orders, mirror):
    damage(mirror, orders[2].pk)

    rebuild.rebuild()

    assert differing() == {}
    assert Event.objects.of_order(orders[2].pk).count() == 2


def test_a_document_of_no_order_is_named_and_becomes_a_tombstone(orders, mirror):
    document = mirror.find_one({"order_id": orders[0].pk})
    mirror.insert_one({**document, "_id": document_id(10**9), "order_id": 10**9})

    assert differing() == {10**9: f"order {10**9}: PostgreSQL knows no such order"}
    repair.repair(reconcile.reconcile().differences, at=timezone.now())
    relay.drain()

    assert differing() == {}
    assert mirror.find_one({"order_id": 10**9})["status"] == "deleted"


def test_rebuilding_removes_a_document_of_no_order_and_fills_an_empty_mirror(orders, mirror):
    document = mirror.find_one({"order_id": orders[0].pk})
    mirror.delete_many({})
    mirror.insert_one({**document, "_id": document_id(10**9), "order_id": 10**9})

    done = rebuild.rebuild()

    assert (done.orders, done.written, done.removed) == (5, 5, 1)
    assert differing() == {}


def test_a_change_on_its_way_is_no_difference(orders, now):
    change_status(orders[0], to="shipped", by=StaffFactory(), at=now)

    findings = reconcile.reconcile()

    assert (findings.differences, findings.on_their_way) == ([], 1)


def test_a_deleted_order_is_equal_to_its_tombstone(orders):
    Order.objects.get(pk=orders[0].pk).delete()
    relay.drain()

    assert differing() == {}


def test_since_looks_at_what_changed_since(orders, mirror, now):
    one_cent(mirror, orders[0].pk)
    later = timezone.now()
    change_status(orders[1], to="shipped", by=StaffFactory(), at=now)
    relay.drain()
    one_cent(mirror, orders[1].pk)

    assert list(differing(since=later)) == [orders[1].pk]


def test_the_command_exits_1_until_repaired(orders, mirror, capsys):
    call_command("reconcile")
    one_cent(mirror, orders[0].pk)

    with pytest.raises(SystemExit) as exit_info:
        call_command("reconcile")
    assert exit_info.value.code == 1
    assert "total_amount: 20.00, mirror has 20.01" in capsys.readouterr().out

    call_command("reconcile", repair=True)
    assert "5 orders compared, 0 differ." in capsys.readouterr().out
