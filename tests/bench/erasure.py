"""`python -m tests.bench.erasure`: how long erasing one person takes in a large shop.

A million events of live orders and 200,000 archived orders, a tenth of all with a note; some strangers' notes name the
person, in several spellings. Prints the passes and seconds until the certificate, and what is left of the person. Exit
code 1 where that is too much. The databases are the run's own.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from tests.bench.stores import databases

MOST_SECONDS, MOST_PASSES = 300, 2
NAME, STREET, EMAIL = "Zoë Müller-Ohm", "Dornweg 12", "zoe.mo@priv.example"
NAMED = ("Zoe\u0308 Muller Ohm rang", "at DORNWEG\u00a012", "wrote zoe_mo@priv.example", "zoë_müller\u2011ohm")
BATCH = 1000

EVENTS = """
INSERT INTO orders (order_id, user_id, total_amount, status, created_at, rev)
SELECT 1000000 + n, %(stranger)s, n %% 100, 'delivered', %(at)s + n * interval '1 minute', 4
FROM generate_series(1, %(orders)s) n;
INSERT INTO history_events
    (order_id, rev, kind, status, occurred_at, actor_name, note, changes, transaction_id, delivered_at)
SELECT 1000000 + n, rev, CASE rev WHEN 1 THEN 'placed' ELSE 'status' END, 'delivered', %(at)s + n * interval '1 minute',
    'Sam', CASE WHEN n %% 25000 = 7 AND rev = 3 THEN (%(named)s::text[])[1 + n %% 4]
        WHEN (n + rev) %% 10 = 0 THEN 'rang at the door, parcel ' || n || ' left at the neighbour''s' ELSE '' END,
    '{"status": ["paid", "shipped"]}', 1, now()
FROM generate_series(1, %(orders)s) n, generate_series(1, 4) rev;
ANALYZE orders; ANALYZE history_events;
"""


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


def fill(orders: int, archived: int) -> int:
    """Fill both stores and return the number of the person's account."""
    from django.db import connection

    from history import triggers
    from tests.factories import ProductFactory, StaffFactory, UserFactory

    user, stranger, staff = UserFactory(name=NAME, email=EMAIL), UserFactory(), StaffFactory()
    at, product = datetime(2024, 1, 1, tzinfo=UTC), ProductFactory(stock=1000)
    with timed(f"{orders * 4:,} events"), triggers.capture_off(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(EVENTS, {"stranger": stranger.pk, "orders": orders, "at": at, "named": list(NAMED)})
    own = [_order(user, product, staff, at) for _ in range(10)]
    _archive([order.pk for order in own[:5]])
    with timed(f"{archived:,} archived orders"):
        _copy_archived(own[0].pk, stranger.pk, archived)
    return int(user.pk)


def _order(user: Any, product: Any, staff: Any, at: datetime) -> Any:
    from orders.services import RequestedItem, change_status, place_order

    address = {"name": NAME, "line1": STREET, "city": "Springfield", "country": "Utopia"}
    items, key = [RequestedItem(product, 1)], f"key-{time.monotonic_ns()}"
    order = place_order(customer=user, items=items, key=key, at=at, shipping_address=address)
    for days, to in enumerate(("paid", "shipped", "delivered"), start=1):
        order = change_status(order, to=to, by=staff, at=at + timedelta(days=days), note=f"for {NAME}")
    return order


def _archive(order_ids: list[int]) -> None:
    from django.utils import timezone

    from history.archive import leave
    from history.mirror import relay
    from orders.models import Mail

    relay.drain()
    Mail.objects.update(due_at=None)
    assert leave.archive(order_ids, at=timezone.now()).archived == len(order_ids)


def _copy_archived(pattern: int, stranger: int, count: int) -> None:
    """Copies of an archived order, of a stranger."""
    from history import mongo
    from history.mirror.documents import digest, document_id
    from history.models import ArchivedOrder

    stub = ArchivedOrder.objects.get(pk=pattern)
    document = mongo.for_writing().find_one({"order_id": pattern})
    assert document
    document |= {"user_id": stranger, "shipping_address": {}, "change_note": "", "idempotency_key": None}
    numbers = iter(range(5_000_000, 5_000_000 + count))
    while some := list(islice(numbers, BATCH)):
        made = []
        for number in some:
            note = NAMED[number % 4] if number % 25_000 == 9 else "rang at the door" if number % 10 == 0 else ""
            events = [
                event | {"actor_id": None, "note": note if event["rev"] == 3 else ""} for event in document["events"]
            ]
            copy = document | {"_id": document_id(number), "order_id": number, "events": events}
            made.append(copy | {"digest": digest(copy)})
        mongo.for_writing().insert_many(made, ordered=False)
        ArchivedOrder.objects.bulk_create(
            ArchivedOrder(
                order_id=each["order_id"], user_id=stranger, created_at=stub.created_at, total_amount=stub.total_amount,
                status=stub.status, rev=stub.rev, sha256=each["digest"], archived_at=stub.archived_at, is_marked=True,
            )
            for each in made
        )  # fmt: skip


def erased(user_id: int) -> int:
    """Erase the person and return how many passes that took."""
    from django.utils import timezone

    from history.erasure import erase
    from history.mirror import relay
    from orders import erasing

    at = timezone.now()
    erasure = erasing.confirm(erasing.ask(user_id, by=None, by_name="x", at=at), by=None, by_name="x", at=at)
    for passes in range(1, 10):
        with timed(f"pass {passes}"):
            done = erase.advance(erasure, at=timezone.now())
        print(dict(done.changed), flush=True)
        if done.is_finished:
            return passes
        sum(batch.delivered for batch in relay.batches())
    raise AssertionError("It does not come to an end.")


def left() -> int:
    """How many notes still name the person, in either store."""
    from django.db import connection

    from core.text import fold
    from history import mongo

    words = [fold(word) for word in (NAME, "Zoe Muller Ohm", STREET, EMAIL)]
    texts = [each.get("note", "") for document in mongo.for_writing().find({}, {"events.note": 1})
             for each in document["events"]]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM history_events WHERE note <> ''")
        texts += [note for (note,) in cursor.fetchall()]
    return sum(any(word in fold(text) for word in words) for text in texts if text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--archived", type=int, default=200_000)
    options = parser.parse_args()
    with databases(is_patient=True):
        from django.core.management import call_command

        from history import mongo

        call_command("migrate", verbosity=0)
        mongo.prepare()
        user_id = fill(options.events // 4, options.archived)
        print(f"notes that name the person: {left():,}")
        began = time.monotonic()
        passes = erased(user_id)
        seconds, still = time.monotonic() - began, left()
    print(f"erased in {seconds:.0f} s and {passes} passes; notes that name the person: {still}")
    return int(seconds > MOST_SECONDS or passes > MOST_PASSES or still > 0)


if __name__ == "__main__":
    sys.exit(main())
