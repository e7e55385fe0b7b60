"""The mirror: documents as a pure function, guarded writes, confirmed deliveries."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from bson import Decimal128
from django.db import connection
from pymongo.errors import PyMongoError

from history import mongo
from history.mirror import documents, reconcile, relay, source, writer
from history.models import Event
from orders.models import Order
from orders.services import cancel_order, change_status
from tests.factories import ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def build(order):
    [rows] = source.read([order.pk])
    return documents.build(rows)


def money(value):
    return value.to_decimal()


def pending():
    return Event.objects.pending().count()


def test_a_document_says_all_of_its_order(place, now):
    ada = UserFactory(name="Ada")
    lamp = ProductFactory(name="Lamp", sku="LAMP", price=Decimal("19.90"))
    order = place(lamp, customer=ada, quantity=2, at=now - timedelta(hours=1))
    change_status(order, to="paid", by=StaffFactory(name="Sam"), at=now, note="wire")

    document = build(order)

    assert document["_id"] == documents.document_id(order.pk)
    assert (document["order_id"], document["user_id"], document["status"]) == (order.pk, ada.pk, "paid")
    assert money(document["total_amount"]) == Decimal("39.80")
    [product] = document["products"]
    assert product == {
        "order_item_id": order.items.get().pk,
        "product_id": lamp.pk,
        "sku": "LAMP",
        "name": "Lamp",
        "price": Decimal128("19.90"),
        "quantity": 2,
    }
    placed, paid = document["events"]
    assert (placed["status"], placed["actor"], placed["rev"]) == ("pending", "Ada", 1)
    assert (paid["status"], paid["actor"], paid["note"]) == ("paid", "Sam", "wire")
    assert paid["timestamp"] == now.replace(microsecond=now.microsecond // 1000 * 1000)
    assert paid["timestamp"].tzinfo is UTC


def test_the_same_rows_give_the_same_document(place):
    order = place()

    assert build(order) == build(order)


def test_the_digest_survives_mongodb_and_names_any_change(place, mirror):
    order = place(ProductFactory(), ProductFactory())
    relay.drain()

    stored = mirror.find_one({"order_id": order.pk})

    assert documents.digest(stored) == stored["digest"]
    stored["products"].reverse()
    assert documents.digest(stored) != stored["digest"]


def test_an_order_goes_over_once_and_is_marked(place, mirror):
    order = place()

    assert relay.drain() == 1

    assert mirror.find_one({"order_id": order.pk}) == build(order)
    assert pending() == 0
    assert relay.drain() == 0


def test_each_change_goes_over(place, mirror, now):
    order = place()
    relay.drain()
    change_status(order, to="paid", by=StaffFactory(), at=now)
    change_status(order, to="shipped", by=StaffFactory(), at=now)

    relay.drain()

    stored = mirror.find_one({"order_id": order.pk})
    assert stored["status"] == "shipped"
    assert [(event["rev"], event["status"]) for event in stored["events"]] == [
        (1, "pending"),
        (2, "paid"),
        (3, "shipped"),
    ]


def test_a_newer_document_never_gives_way_to_an_older_one(place, mirror, now):
    order = place()
    older = build(order)
    cancel_order(order, by=order.customer, at=now)
    newer = build(order)

    writer.write(mirror, [newer])
    outcome = writer.write(mirror, [older])

    assert outcome.revs == {order.pk: 2}
    assert mirror.find_one({"order_id": order.pk}) == newer


def test_a_lost_race_for_the_first_insert_is_settled_by_reading_back(place, mirror, now):
    """Another relay's insert of an older revision came first, so the newer one's is a duplicate key."""
    order = place()
    older = build(order)
    cancel_order(order, by=order.customer, at=now)
    newer = build(order)
    mirror.insert_one(older)

    outcome = writer.write(mirror, [newer], unseen={order.pk})

    assert outcome.revs == {order.pk: 2}
    assert mirror.find_one({"order_id": order.pk}) == newer


def test_a_poison_order_is_parked_and_the_others_go_on(place, mirror):
    good, poison = place(), place()
    mirror.database.command(
        "collMod", mirror.name, validator={"$and": [mongo.VALIDATOR, {"order_id": {"$ne": poison.pk}}]}
    )

    relay_batch = relay.deliver_batch()

    assert (relay_batch.delivered, relay_batch.parked) == (1, 1)
    assert mirror.find_one({"order_id": good.pk})
    event = Event.objects.parked().get()
    assert (event.order_id, event.attempts) == (poison.pk, 1)
    assert "121" in event.error
    assert event.retry_at > event.parked_at
    assert relay.deliver_batch().claimed == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("shipping_address", '{"floor": 1e7000}'),
        ("shipping_address", '{"a":' * 2000 + "1" + "}" * 2000),
        ("change_note", "x" * 17_000_000),
    ],
    ids=["a number beyond Decimal128", "nested too deep", "too large"],
)
def test_what_no_document_can_hold_is_parked_alone(column, value, place, mirror):
    good, poison = place(), place()
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE orders SET {column} = %s, changed_at = now() + interval '1 s' WHERE order_id = %s",
            [value, poison.pk],
        )

    batch = relay.deliver_batch()

    assert (batch.delivered, batch.parked) == (1, 2)
    assert mirror.find_one({"order_id": good.pk})
    assert set(Event.objects.parked().values_list("order_id", flat=True)) == {poison.pk}
    findings = reconcile.reconcile()
    assert len(findings.differences) + findings.on_their_way == 1


def test_a_parked_order_goes_over_once_its_cause_is_gone(place, mirror):
    order = place()
    mirror.database.command("collMod", mirror.name, validator={"order_id": -1})
    relay.deliver_batch()
    mirror.database.command("collMod", mirror.name, validator=mongo.VALIDATOR)
    Event.objects.update(retry_at=None)

    relay.drain()

    assert pending() == 0
    assert mirror.find_one({"order_id": order.pk})


def test_a_deleted_order_leaves_a_tombstone_that_no_older_revision_replaces(place, mirror):
    order = place()
    number, before = order.pk, build(order)
    order.delete()

    relay.drain()
    writer.write(mirror, [before])

    stored = mirror.find_one({"order_id": number})
    assert (stored["status"], stored["products"], money(stored["total_amount"])) == ("deleted", [], Decimal(0))
    assert [event["kind"] for event in stored["events"]] == ["placed", "deleted"]


def test_nothing_is_marked_while_mongodb_is_away(place, mirror, settings):
    place()
    settings.MONGODB_URL = "mongodb://127.0.0.1:9/shop"

    with pytest.raises(PyMongoError):
        relay.deliver_batch()

    assert pending() == 1


def test_two_relays_share_the_work(place, mirror):
    for _ in range(4):
        place()

    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(relay.CLAIM, [2])
        first = {order_id for _, order_id, _ in cursor.fetchall()}
        second = other_claim()
        cursor.execute("ROLLBACK")

    assert len(first) == len(second) == 2
    assert not first & second


def other_claim():
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(relay.CLAIM, [2])
            return {order_id for _, order_id, _ in cursor.fetchall()}
    finally:
        other.close()


def test_malformed_documents_are_refused(mirror):
    with pytest.raises(mongo.OperationFailure):
        mirror.insert_one({"order_id": 1})


def test_money_over_doubles_stays_exact(mirror):
    order = Order.objects.create(customer=UserFactory(), total_amount=Decimal("9007199254740993.01") / 10**7)
    Order.objects.filter(pk=order.pk).update(total_amount=Decimal("1234567890.07"))

    relay.drain()

    stored = mirror.find_one({"order_id": order.pk})
    assert money(stored["total_amount"]) == Decimal("1234567890.07")
    assert stored["events"][-1]["changes"]["total_amount"][1] == Decimal128("1234567890.07")
