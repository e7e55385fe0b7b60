"""An edit, a removal and a new order of products and events, made directly in MongoDB, are each named.

A live order is compared with its rows, so a digest made to fit the edit helps nobody; an archived one has only its
stub, which keeps the digest where MongoDB's writers do not reach.
"""

from __future__ import annotations

from datetime import timedelta

import bson
import pytest
from bson import Decimal128, Int64
from bson.datetime_ms import DatetimeMS
from django.db import connection, transaction
from django.utils import timezone

from history import triggers
from history.mirror import compare, held, rebuild, reconcile, relay, repair
from history.mirror.documents import digest, document_id
from history.models import ArchivedOrder, Event
from orders.models import Order, OrderItem
from orders.services import change_status
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(place, mirror, now):
    """A mirrored order of two products and three events, with another order on either side."""
    place()
    placed = place(ProductFactory(), ProductFactory())
    place()
    change_status(placed, to="paid", by=StaffFactory(), at=now + timedelta(minutes=5), note="wire")
    change_status(placed, to="shipped", by=StaffFactory(), at=now + timedelta(minutes=6))
    relay.drain()
    return placed


@pytest.fixture
def archived(order, mirror):
    """The same order as it is once it left PostgreSQL."""
    return archive(order, mirror)


def archive(order, mirror):
    at = timezone.now()
    mirror.update_one({"order_id": order.pk}, {"$set": {"archived_at": at}})
    order.refresh_from_db()
    stub = ArchivedOrder.objects.create(
        order_id=order.pk,
        user_id=order.customer_id,
        created_at=order.created_at,
        total_amount=order.total_amount,
        status=order.status,
        rev=order.rev,
        sha256=mirror.find_one({"order_id": order.pk})["digest"],
        archived_at=at,
    )
    with triggers.capture_off():
        OrderItem.objects.filter(order=order).delete()
        Order.objects.filter(pk=order.pk)._raw_delete("default")
        Event.objects.of_order(order.pk)._raw_delete("default")
    return stub


EDITS = {
    "product edited": lambda it: it["products"][1].update(price=Decimal128("9.99")),
    "product removed": lambda it: it["products"].pop(),
    "products in another order": lambda it: it["products"].reverse(),
    "product added": lambda it: it["products"].append(it["products"][0]),
    "event edited": lambda it: it["events"][1].update(note="cash"),
    "event removed": lambda it: it["events"].pop(1),
    "events in another order": lambda it: it["events"].reverse(),
    "event added": lambda it: it["events"].append(it["events"][0]),
    "number of another type": lambda it: it["products"][0].update(quantity=Int64(1)),
    "field added": lambda it: it.update(refunded=True),
    "fields of an event in another order": lambda it: it["events"][0].update(rev=it["events"][0].pop("rev")),
    "amount of another scale": lambda it: it.update(total_amount=Decimal128("20.0")),
}


def edit(mirror, number, name, *, recompute):
    document = mirror.find_one({"order_id": number})
    EDITS[name](document)
    if recompute:
        document["digest"] = digest(document)
    mirror.replace_one({"_id": document["_id"]}, document)


def differences():
    return reconcile.reconcile().differences


@pytest.mark.parametrize("recompute", [False, True], ids=["digest kept", "digest recomputed"])
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_a_live_order_is_named(name, recompute, order, mirror):
    edit(mirror, order.pk, name, recompute=recompute)

    [found] = differences()

    assert (found.order_id, found.is_archived) == (order.pk, False)


@pytest.mark.parametrize("recompute", [False, True], ids=["digest kept", "digest recomputed"])
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_an_archived_order_is_named(name, recompute, archived, mirror):
    edit(mirror, archived.pk, name, recompute=recompute)

    [found] = differences()

    assert (found.order_id, found.is_archived) == (archived.pk, True)
    assert "digest of the stub does not fit the content" in found.what


def test_an_edit_of_the_digest_alone_is_named(order, archived, place, mirror):
    live = place()
    relay.drain()
    mirror.update_many({"order_id": {"$in": [live.pk, archived.pk]}}, {"$set": {"digest": "0" * 64}})

    assert [str(each).split(":")[:2] for each in differences()] == [
        [f"archived order {archived.pk}", " digest"],
        [f"order {live.pk}", " digest"],
    ]


def test_an_archived_order_is_equal_to_its_stub_and_counted(archived):
    found = reconcile.reconcile()

    assert (found.compared, found.differences, found.totals.differing()) == (3, [], [])
    assert sum(total.orders for total in found.totals.by.values()) == 3


STUB = {
    "user_id": 999_999,
    "created_at": timezone.now(),
    "total_amount": "7.00",
    "status": "returned",
    "rev": 9,
    "sha256": "0" * 64,
}


@pytest.mark.parametrize("column", STUB)
def test_a_stub_that_says_otherwise_is_named(column, archived):
    ArchivedOrder.objects.update(**{column: STUB[column]})

    [found] = differences()

    assert found.is_archived
    assert found.what[0].startswith({"sha256": "digest"}.get(column, column) + ": ")


def duplicated(mirror, number):
    mirror.drop_index("order_id")
    mirror.insert_one({**mirror.find_one({"order_id": number}), "_id": document_id(10**9)})


def lost(mirror, number):
    mirror.delete_one({"order_id": number})


def moved(mirror, number):
    document = mirror.find_one_and_delete({"order_id": number})
    mirror.insert_one({**document, "_id": document_id(10**9)})


@pytest.mark.parametrize(
    ("damage", "said"), [(lost, "missing in the mirror"), (duplicated, "2 documents"), (moved, "_id: ")]
)
def test_what_is_wrong_with_an_archived_document_is_named_and_left_alone(damage, said, archived, mirror, capsys):
    damage(mirror, archived.pk)
    before = list(mirror.find({"order_id": archived.pk}))

    [found] = differences()
    assert said in str(found)
    assert repair.repair([found], at=timezone.now()) == 0
    Order.objects.update(shipping_address={"city": "Oslo"})  # of its neighbours
    relay.drain()
    rebuild.rebuild()

    assert list(mirror.find({"order_id": archived.pk})) == before
    assert not Event.objects.of_order(archived.pk).exists()


def test_rebuilding_keeps_the_documents_of_archived_orders(archived, mirror):
    mirror.delete_many({"order_id": {"$ne": archived.pk}})

    done = rebuild.rebuild()

    assert (done.orders, done.written, done.removed) == (2, 2, 0)
    assert differences() == []


def test_an_order_both_archived_and_live_is_named_and_left_alone(order, mirror):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO archived_orders (order_id, user_id, created_at, total_amount, status, rev, sha256, is_marked)
            SELECT order_id, user_id, created_at, total_amount, status, rev, %s, false
            FROM orders WHERE order_id = %s""",
            [mirror.find_one({"order_id": order.pk})["digest"], order.pk],
        )

    [found] = differences()
    assert str(found) == f"archived order {order.pk}: still in PostgreSQL as well"
    assert repair.repair([found], at=timezone.now()) == 0

    mirror.update_one({"order_id": order.pk}, {"$set": {"status": "paid"}})
    assert rebuild.rebuild().written == 0
    assert mirror.find_one({"order_id": order.pk})["status"] == "paid"


def test_since_looks_at_what_was_archived_since(order, mirror):
    later = timezone.now()
    stub = archive(order, mirror)
    edit(mirror, stub.pk, "event edited", recompute=True)

    assert [each.order_id for each in reconcile.reconcile(since=later).differences] == [stub.pk]
    assert reconcile.reconcile(since=timezone.now()).compared == 0


def test_a_mirror_ahead_of_the_stub_is_looked_at_again_and_then_named(archived, mirror):
    mirror.update_one({"order_id": archived.pk}, {"$set": {"rev": archived.rev + 1}})

    [found] = differences()

    assert f"rev: {archived.rev}, mirror has {archived.rev + 1}" in found.what


def test_a_time_beyond_pythons_years_is_named(order, mirror):
    """The embedded server takes none, MongoDB does."""
    [document] = held.by_order({"$in": [order.pk]})[order.pk]
    edited = held.decoded(bson.encode({**document, "created_at": DatetimeMS(2**50)}))

    found = compare.compare(order.pk, document, [edited])

    assert found
    assert found.what[0].startswith("created_at: ")
