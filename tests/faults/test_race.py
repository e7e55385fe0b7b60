"""The insert race: two relays bring revisions 1 and 2 of a new order at the same moment, and both find no document."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from history.mirror import reconcile, relay, writer
from history.models import Event
from orders.services import change_status
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def duplicate_keys(monkeypatch):
    """The E11000 that MongoDB really raised, as (relay, code)."""
    raised = []
    plain = Collection.bulk_write

    def watched(self, *args, **kwargs):
        try:
            return plain(self, *args, **kwargs)
        except BulkWriteError as error:
            raised.extend((threading.current_thread().name, each["code"]) for each in error.details["writeErrors"])
            raise

    monkeypatch.setattr(Collection, "bulk_write", watched)
    return raised


class TwoRelays:
    """Two relays in threads; each stops before it writes, until it is told to."""

    def __init__(self, monkeypatch):
        self.ready = {name: threading.Event() for name in ("older", "newer")}
        self.may_write = {name: threading.Event() for name in self.ready}
        self.batches = {}
        self._threads = {}
        plain = writer._bulk_write

        def waiting(*args, **options):
            name = threading.current_thread().name
            self.ready[name].set()
            assert self.may_write[name].wait(10)
            plain(*args, **options)

        monkeypatch.setattr(writer, "_bulk_write", waiting)

    def start(self, name):
        self._threads[name] = threading.Thread(target=self._deliver, args=(name,), name=name)
        self._threads[name].start()
        assert self.ready[name].wait(10)

    def finish(self, name):
        self.may_write[name].set()
        self._threads[name].join(10)

    def _deliver(self, name):
        try:
            self.batches[name] = relay.deliver_batch()
        finally:
            connection.close()


@pytest.mark.parametrize("first", ["older", "newer"])
def test_both_inserts_meet_and_the_newer_revision_stays(first, place, mirror, now, monkeypatch, duplicate_keys):
    relays = TwoRelays(monkeypatch)
    order = place()
    relays.start("older")
    change_status(order, to="paid", by=StaffFactory(), at=now)
    relays.start("newer")
    second = "newer" if first == "older" else "older"

    relays.finish(first)
    relays.finish(second)

    # The older revision's insert comes too late; the newer one's guarded replacement finds nothing or the older.
    assert duplicate_keys == ([("older", 11000)] if first == "newer" else [])
    assert [relays.batches[name].delivered for name in ("older", "newer")] == [1, 1]
    assert mirror.find_one({"order_id": order.pk})["rev"] == 2
    assert Event.objects.pending().count() == 0
    assert reconcile.reconcile().differences == []
