"""Activity goes over like orders: once, confirmed, and none is lost while MongoDB is away."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from bson import Decimal128
from django.db import connection
from django.utils import timezone
from pymongo.errors import PyMongoError

from history import activity, mongo
from history.mirror import activity as carrying
from history.mirror import lag, rebuild, reconcile, relay
from history.mirror.documents import document_id
from history.models import Event, Kind, Subject
from history.reports.freshness import freshness
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def record():
    """Record one activity, as of now unless told otherwise."""
    staff = StaffFactory(name="Sam")

    def record_one(*, at=None, changes=None, note="", name="Lamp") -> Event:
        return activity.record(
            Kind.CHANGED,
            subject=Subject.PRODUCT,
            subject_id=7,
            subject_name=name,
            actor=activity.actor_of(staff),
            changes=changes or {"price": ["10.00", "12.50"], "category": [None, "Lamps"]},
            note=note,
            at=at or timezone.now(),
        )

    record_one.staff = staff
    return record_one


def test_an_activity_goes_over_with_all_of_it(activity_log, record, now):
    event = record(at=now, note="why")

    assert relay.drain() == 1

    [document] = activity_log.find()
    recorded_at = document.pop("recorded_at")
    assert document == {
        "_id": document_id(event.pk),
        "event_id": event.pk,
        "kind": "changed",
        "subject": "product",
        "subject_id": 7,
        "subject_name": "Lamp",
        "actor_id": record.staff.pk,
        "actor": "Sam",
        "note": "why",
        "changes": {"price": [Decimal128("10.00"), Decimal128("12.50")], "category": [None, "Lamps"]},
        "timestamp": now.replace(microsecond=now.microsecond // 1000 * 1000),
    }
    assert recorded_at.tzinfo is not None
    assert document["timestamp"].tzinfo is not None
    assert not Event.objects.pending().exists()
    assert relay.drain() == 0


def test_a_change_made_through_django_goes_over(activity_log):
    product = ProductFactory(price=Decimal("10.00"))
    product.price = Decimal("12.50")
    product.save()

    relay.drain()

    document = activity_log.find_one()
    assert (document["actor"], document["subject_id"]) == ("system", product.pk)
    assert document["changes"] == {"price": [Decimal128("10.00"), Decimal128("12.50")]}


def test_delivered_twice_is_there_once(activity_log, record):
    events = [record().pk, record().pk]
    relay.drain()
    before = list(activity_log.find())
    Event.objects.filter(pk=events[0]).update(delivered_at=None)

    assert relay.drain() == 1
    assert carrying.deliver(events).held == set(events)
    assert list(activity_log.find()) == before


def test_orders_and_activity_share_a_batch(activity_log, mirror, record, place):
    place()
    record()
    place()

    batch = relay.deliver_batch()

    assert (batch.claimed, batch.delivered, batch.orders) == (3, 3, 2)
    assert (mirror.count_documents({}), activity_log.count_documents({})) == (2, 1)


def test_nothing_is_marked_while_mongodb_is_away(activity_log, record, settings):
    record()
    url, settings.MONGODB_URL = settings.MONGODB_URL, "mongodb://127.0.0.1:9/shop"
    with pytest.raises(PyMongoError):
        relay.deliver_batch()
    assert Event.objects.pending().count() == 1

    settings.MONGODB_URL = url
    assert relay.drain() == 1
    assert activity_log.count_documents({}) == 1


def test_what_mongodb_does_not_confirm_stays_pending(activity_log, record, monkeypatch):
    record()
    monkeypatch.setattr(carrying.writer, "send", lambda *_: None)

    assert relay.deliver_batch().delivered == 0
    assert Event.objects.pending().count() == 1


def test_poison_is_parked_and_the_others_go_on(activity_log, mirror, record, place):
    place()
    good = record()
    refused = record(name="poison")
    large = record(note="x" * 17_000_000)
    unstorable = record(changes={"price": ["ten", "twelve"]})
    activity_log.database.command(
        "collMod",
        mongo.ACTIVITY_LOG,
        validator={"$and": [mongo.ACTIVITY_VALIDATOR, {"subject_name": {"$ne": "poison"}}]},
    )

    batch = relay.deliver_batch()

    assert (batch.delivered, batch.parked) == (2, 3)
    assert set(Event.objects.parked().values_list("pk", flat=True)) == {refused.pk, large.pk, unstorable.pk}
    assert [document["event_id"] for document in activity_log.find()] == [good.pk]
    assert "too large" in Event.objects.get(pk=large.pk).error
    # None is claimed again at once.
    waits = Event.objects.parked().values_list("parked_at", "retry_at")
    assert all(retry_at >= parked_at + timedelta(seconds=1) for parked_at, retry_at in waits)


def test_what_is_too_old_to_be_kept_counts_as_delivered(activity_log, record, settings):
    settings.ACTIVITY_LOG_DAYS = 30
    record(at=timezone.now() - timedelta(days=31))

    assert relay.drain() == 1
    assert activity_log.count_documents({}) == 0


def test_mongodb_is_told_how_long_to_keep_it(activity_log, settings):
    assert activity_log.index_information()[mongo.EXPIRY]["expireAfterSeconds"] == 730 * 86_400

    settings.ACTIVITY_LOG_DAYS = 30
    mongo.prepare()

    assert activity_log.index_information()[mongo.EXPIRY]["expireAfterSeconds"] == 30 * 86_400
    settings.ACTIVITY_LOG_DAYS = 0
    mongo.prepare()
    assert mongo.EXPIRY not in activity_log.index_information()
    mongo.prepare()
    assert {"newest", "subject", "actor", "kind"} <= activity_log.index_information().keys()


def test_0_days_keep_it_for_ever(activity_log, record, settings):
    settings.ACTIVITY_LOG_DAYS = 0
    kept = record(at=timezone.now() - timedelta(days=9000))

    relay.drain()

    assert activity_log.find_one({"event_id": kept.pk})
    assert reconcile.reconcile().activity == []


def test_malformed_documents_are_refused(activity_log):
    with pytest.raises(mongo.OperationFailure):
        activity_log.insert_one({"event_id": 1})


def test_rebuilding_brings_lost_activity_back(activity_log, record):
    lost, kept = record(), record()
    relay.drain()
    before = list(activity_log.find(sort=[("_id", 1)]))
    activity_log.delete_one({"event_id": lost.pk})

    done = rebuild.rebuild()

    assert list(activity_log.find(sort=[("_id", 1)])) == before
    assert (done.orders, done.refused_events, kept.pk) == (0, {}, before[1]["event_id"])


def test_orders_are_counted_without_activity(mirror, record, place):
    """Reports are complete, and orders in step, whatever activity is still on its way."""
    place()
    relay.drain()
    started = timezone.now() - timedelta(hours=1)
    record()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM history_events WHERE order_id IS NULL AND delivered_at IS NULL")
        assert cursor.fetchone() == (1,)

    now = timezone.now()
    assert (freshness(now).complete_at, freshness(now).behind) == (now, 0)
    assert (lag.state().orders_behind, lag.state().pending) == (0, 1)
    for findings in (reconcile.reconcile(), reconcile.reconcile(since=started)):
        assert (findings.compared, findings.differences, findings.on_their_way) == (1, [], 0)


def test_a_deleted_product_is_no_deleted_order(mirror, record):
    product = ProductFactory()
    product.delete()
    relay.drain()

    findings = reconcile.reconcile()

    assert (findings.compared, findings.differences) == (0, [])
    assert Event.objects.get().kind == "deleted"


def test_times_are_utc(activity_log, record, now):
    record(at=now)
    relay.drain()

    assert activity_log.find_one()["timestamp"].utcoffset() == UTC.utcoffset(None)
