"""No transaction that waits for MongoDB, a file or pg_dump is ended for being idle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pymongo import monitoring

from history import mongo
from history.archive import back, leave, marks
from history.backup import dump, load
from history.erasure import erase
from history.management.commands.reconcile import Command as Reconcile
from history.mirror import rebuild, relay
from orders import erasing
from orders.models import Mail, Order
from orders.services import change_status
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Commands(monitoring.CommandListener):
    """Notes the limit of the transaction in which MongoDB is asked, where there is one."""

    def __init__(self) -> None:
        self.limits: dict[str, str] = {}
        self.in_transactions = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if not connection.in_atomic_block:
            return
        self.in_transactions += 1
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            [limit] = cursor.fetchone()
        if limit != "0":
            self.limits[f"{event.command_name} {event.command}"[:200]] = limit

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


@pytest.fixture
def commands(mirror, monkeypatch) -> Iterator[Commands]:
    listener = Commands()
    client = mongo.MongoClient

    def listened(*args, **options):
        return client(*args, **options, event_listeners=[listener])

    monkeypatch.setattr(mongo, "MongoClient", listened)
    mongo._client.cache_clear()
    yield listener
    mongo._client.cache_clear()


def test_mongodb_is_waited_for_without_a_limit(commands, place, now, tmp_path):
    staff = StaffFactory()
    orders = [place(ProductFactory(), at=now - timedelta(days=9)) for _ in range(3)]
    for order in orders:
        for status in ("paid", "shipped", "delivered"):
            change_status(order, to=status, by=staff, at=now - timedelta(days=8))
    Mail.objects.update(due_at=None)
    relay.drain()
    rebuild.rebuild()
    assert leave.archive([order.pk for order in orders], at=timezone.now()).archived == 3
    marks.drain()
    dump.dump(tmp_path / "archive.jsonl")
    load.load(tmp_path / "archive.jsonl")
    gone = orders[0]
    mongo.for_writing().update_one({"order_id": gone.pk}, {"$set": {"archived_at": None}})
    call_command(Reconcile(), repair=True)
    person = gone.customer_id
    erasure = erasing.ask(person, by=None, by_name="x", at=now)
    erase.advance(erasing.confirm(erasure, by=None, by_name="x", at=now), at=now)
    back.restore(orders[1].pk, by=staff, at=now)
    relay.drain()

    assert Order.objects.count() == 1
    assert commands.in_transactions > 10
    assert commands.limits == {}


@pytest.mark.parametrize("limit", ["200ms"])
def test_a_backup_may_take_longer_than_a_transaction_may_be_idle(mirror, place, tmp_path, limit):
    def wait_out(snapshot: str) -> None:
        # Another session says when the limit has passed; it would have ended this transaction by then.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [pid] = cursor.fetchone()
        with connection.copy().cursor() as other:
            other.execute("SELECT pg_sleep(0.6), state FROM pg_stat_activity WHERE pid = %s", [pid])
            assert other.fetchone()[1] == "idle in transaction"

    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{limit}'")
    try:
        assert dump.dump(tmp_path / "archive.jsonl", beside=wait_out).bad == {}
    finally:
        connection.close()
