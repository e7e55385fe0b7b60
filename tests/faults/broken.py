"""The mirror's guards, each taken away by one function (patch, shop): pytest's monkeypatch, and the shop of a story."""

from __future__ import annotations

import pymongo
from django.db import connection
from django.db.models.signals import post_save
from django.utils import timezone

from history.mirror import documents, relay, source, writer
from history.models import Event
from orders.models import Order
from tests.faults import stories

DISPATCH_UID = "broken on purpose"


def replace_whatever_revision_is_there(patch, shop):
    def without_revision(condition, document, **options):
        return pymongo.ReplaceOne({"_id": condition["_id"]}, document, **options)

    patch.setattr(writer, "ReplaceOne", without_revision)


def swallow_duplicate_keys(patch, shop):
    """A duplicate key counts as "already newer", without a look; all else is read back."""
    plain = writer.write

    def write(collection, wanted, **hints):
        outcome = plain(collection, wanted, **hints)
        for document in wanted:
            if outcome.refused.get(document["order_id"], "").startswith("11000: "):
                del outcome.refused[document["order_id"]]
                outcome.revs[document["order_id"]] = document["rev"]
        return outcome

    patch.setattr(writer, "DUPLICATE_KEY", None)  # so that it is told of
    patch.setattr(writer, "write", write)


def take_every_write_for_confirmed(patch, shop):
    """Nothing is read back: what was sent counts as held."""

    def write(collection, wanted, **hints):
        outcome = writer.Outcome()
        ready = writer._encoded(wanted, outcome)
        writer._bulk_write(collection, ready, outcome.refused, new=frozenset())
        outcome.revs = {order: rev for order, (rev, _) in ready.items()}
        return outcome

    patch.setattr(writer, "write", write)


def mark_before_writing(patch, shop):
    def deliver_batch():
        orders = set(Event.objects.pending().values_list("order_id", flat=True))
        marked = Event.objects.pending().update(delivered_at=timezone.now())
        relay._mirror(orders)
        return relay.Batch(claimed=marked, delivered=marked, orders=len(orders))

    patch.setattr(relay, "deliver_batch", deliver_batch)


def remember_the_last_event(patch, shop):
    beyond = "event_id > (SELECT coalesce(max(event_id), 0) FROM history_events WHERE delivered_at IS NOT NULL)"
    assert "delivered_at IS NULL" in relay.CLAIM
    patch.setattr(relay, "CLAIM", relay.CLAIM.replace("delivered_at IS NULL", beyond))


def capture_no_change_of_an_order(patch, shop):
    _switch_off("history_record_update", "orders")


def capture_no_change_of_items(patch, shop):
    _switch_off("history_item_updated", "order_items")


def let_events_be_removed(patch, shop):
    _switch_off("history_events_append_only", "history_events")


def _switch_off(trigger, table):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


def read_items_before_their_order(patch, shop):
    def read(plain, order_ids, meanwhile):
        items = {rows.order_id: rows.items_text for rows in plain(order_ids)}
        meanwhile()
        orders = plain(order_ids)
        return [
            source.OrderRows(o.order_id, o.order_text, items[o.order_id], o.refunds_text, o.events_text) for o in orders
        ]

    patch.setattr(stories, "read", read)


def count_the_refused_as_delivered(patch, shop):
    plain = writer.write

    def write(collection, wanted, **hints):
        outcome = plain(collection, wanted, **hints)
        outcome.revs.update({each["order_id"]: each["rev"] for each in wanted})
        outcome.refused.clear()
        return outcome

    patch.setattr(writer, "write", write)


def write_to_mongodb_from_the_signal(patch, shop):
    """Within the transaction, as if no event were needed."""

    def mirror_at_once(sender, instance, **kwargs):
        writer.write(shop.mirror, [documents.build(rows) for rows in source.read([instance.pk])])

    post_save.connect(mirror_at_once, sender=Order, dispatch_uid=DISPATCH_UID, weak=False)


def leave_no_tombstone(patch, shop):
    plain = writer.write

    def write(collection, wanted, **hints):
        deleted = [each for each in wanted if each["status"] == documents.DELETED]
        outcome = plain(collection, [each for each in wanted if each not in deleted], **hints)
        for each in deleted:
            collection.delete_one({"_id": each["_id"]})
            outcome.revs[each["order_id"]] = each["rev"]
        return outcome

    patch.setattr(writer, "write", write)
