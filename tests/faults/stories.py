"""What can go wrong at the worst moment, each told in one process, and ending with nothing left to deliver."""

from __future__ import annotations

import threading
from contextlib import suppress

from django.db import DatabaseError, connection, transaction
from pymongo.errors import PyMongoError

from history import mongo
from history.mirror import documents, rebuild, relay, source, writer
from history.models import Event
from orders.models import Order
from tests.faults import checker, journal
from tests.faults.web import Web


def elsewhere(action):
    """Do something on another connection, as another process would, and return what it returns."""
    results = []

    def run():
        try:
            results.append(action())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert results, "it failed, or hangs"
    return results[0]


def built():
    """The documents of all orders as they are now."""
    return [documents.build(rows) for rows in source.read(Order.objects.values_list("pk", flat=True))]


class Shop:
    """A client with its log, and what is to happen just when nothing should."""

    def __init__(self, home, mirror, monkeypatch, settings):
        self.mirror, self.settings = mirror, settings
        self._monkeypatch = monkeypatch
        self._log = home / "client.journal"
        self._client = Web("guards", 1, "guards", self._log)
        self._steps = 0

    def do(self, action):
        self._steps += 1
        elsewhere(lambda: self._client.do(getattr(self._client, action), f"{action}-{self._steps}"))

    def change_here(self, op, **columns):
        """A change on this connection, of which no client was told."""
        journal.Journal(self._log).write(op, "invoke", kind="sql")
        Order.objects.update(shipping_address={"op": op}, **columns)

    def problems(self):
        return checker.check(journal.read([self._log])).problems

    def once(self, module, name, first):
        """Have the first call of a function be first(plain, *args) instead, and the later ones plain."""
        plain = getattr(module, name)
        calls = []

        def call(*args, **options):
            calls.append(args)
            return first(plain, *args, **options) if len(calls) == 1 else plain(*args, **options)

        self._monkeypatch.setattr(module, name, call)

    def before_writing(self, meanwhile):
        """Let something happen when a relay has read everything and written nothing."""

        def late(plain, *args, **options):
            meanwhile()
            plain(*args, **options)

        self.once(writer, "_bulk_write", late)


def a_relay_wakes_up_with_an_old_document(shop):
    shop.do("place")
    relay.drain()
    shop.do("sql")
    shop.before_writing(lambda: (shop.do("sql"), elsewhere(relay.drain)))
    relay.drain()


def another_relay_inserted_an_older_revision(shop):
    shop.do("place")
    [older] = built()
    shop.do("sql")
    shop.before_writing(lambda: shop.mirror.insert_one(older))
    relay.drain()


def a_write_is_acknowledged_and_lost(shop):
    shop.do("place")
    shop.once(writer, "send", lambda plain, *args: None)
    relay.drain()


def mongodb_fails_within_a_batch(shop):
    shop.do("place")
    url, shop.settings.MONGODB_URL = shop.settings.MONGODB_URL, "mongodb://127.0.0.1:9/shop"
    with suppress(PyMongoError):
        relay.deliver_batch()
    shop.settings.MONGODB_URL = url
    relay.drain()


def transactions_commit_in_another_order_than_they_began(shop):
    shop.do("place")
    with transaction.atomic():
        shop.change_here("sql-0")
        shop.do("place")
        elsewhere(relay.drain)
    relay.drain()


def an_order_goes_through_its_life(shop):
    for action in ("place", "step", "sql", "items", "rolled_back", "step"):
        shop.do(action)
    relay.drain()


def read(plain, order_ids, meanwhile):
    """One statement, one snapshot; what happens at the same time comes before it or after it."""
    meanwhile()
    return plain(order_ids)


def items_change_while_a_relay_reads(shop):
    shop.do("place")
    shop.once(source, "read", lambda plain, order_ids: read(plain, order_ids, lambda: shop.do("items")))
    relay.deliver_batch()
    relay.drain()


def the_mirror_is_made_anew_while_the_shop_runs(shop):
    shop.do("place")
    relay.drain()
    shop.mirror.update_one({}, {"$set": {"status": "edited by hand"}})

    def late(plain, *args):
        shop.do("sql")
        elsewhere(relay.drain)
        plain(*args)

    shop.once(writer, "send", late)
    rebuild.rebuild()


def mongodb_refuses_an_order_for_a_while(shop):
    shop.do("place")
    shop.mirror.database.command("collMod", shop.mirror.name, validator={"order_id": -1})
    relay.deliver_batch()
    shop.mirror.database.command("collMod", shop.mirror.name, validator=mongo.VALIDATOR)
    Event.objects.update(retry_at=None)
    relay.drain()


def a_transaction_is_taken_back(shop):
    shop.do("place")
    relay.drain()
    with suppress(ZeroDivisionError), transaction.atomic():
        Order.objects.create(customer_id=Order.objects.get().customer_id, total_amount=1)
        raise ZeroDivisionError
    relay.drain()


def an_event_is_removed_by_hand(shop):
    for action in ("place", "sql", "sql"):
        shop.do(action)
    with suppress(DatabaseError), transaction.atomic():
        Event.objects.filter(rev=2).delete()
    relay.drain()


def an_older_revision_comes_after_the_deletion(shop):
    shop.do("place")
    [before] = built()
    shop.change_here("sql-0", created_at="2020-01-01T00:00Z")  # the client deletes none of today's
    shop.do("delete")
    relay.drain()
    writer.write(shop.mirror, [before])
