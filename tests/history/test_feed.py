"""The feed of events: complete for whoever follows it, whatever order transactions begin and end in."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from config import stopping
from history import triggers, wakeup
from history.archive import back, leave
from history.feed import positions, reading
from history.mirror import relay
from history.models import Event, FeedEvent
from orders.models import Mail, Order
from orders.services import cancel_order, change_status
from tests.config.processes import database_url, wait_until
from tests.factories import StaffFactory
from tests.parallel import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def another():
    """Open transactions of others, by plain SQL; each ends with commit or rollback."""
    opened = []

    def begin():
        opened.append(psycopg.connect(database_url()))
        return opened[-1]

    yield begin
    for each in opened:
        each.close()


def told(after=0, limit=100):
    return [(event.position, event.order_id, event.rev) for event in reading.read(after, limit).events]


def note(transaction, order, text):
    transaction.execute("UPDATE orders SET change_note = %s, changed_at = clock_timestamp() WHERE order_id = %s",
                        [text, order.pk])  # fmt: skip


def test_what_is_committed_later_comes_later_although_it_began_first(place, another):
    early, late = place(), place()
    assert positions.number() == 2
    first, second = another(), another()

    note(first, early, "seen last")
    note(second, late, "seen first")
    second.commit()
    assert positions.number() == 1
    seen = reading.read(2, 100)
    assert [event.order_id for event in seen.events] == [late.pk]
    first.commit()
    assert positions.number() == 1

    assert told(seen.next) == [(4, early.pk, 2)]
    assert seen.events[0].event_id > reading.read(3, 100).events[0].event_id  # by event_id it would have been left out


def test_an_orders_revisions_rise_although_the_later_transaction_began_first(place, another):
    order, other = place(), place()
    first, second = another(), another()
    note(first, other, "gets its transaction number")
    note(second, order, "goes first")

    waiting = threading.Thread(target=note, args=[first, order, "waits for the row"])
    waiting.start()
    time.sleep(0.2)
    second.commit()
    waiting.join()
    first.commit()
    positions.number()

    numbers = dict(Event.objects.filter(order_id=order.pk).values_list("rev", "transaction_id"))
    assert numbers[3] < numbers[2]
    revs = [event.rev for event in FeedEvent.objects.after(0).filter(order_id=order.pk)]
    assert revs == [1, 2, 3]


def test_pages_follow_one_another_and_say_what_is_left(place, now):
    assert reading.read(None, 10).events == []
    order = place()
    change_status(order, to="paid", by=StaffFactory(), at=now)
    place()
    assert positions.number() == 3
    assert positions.number() == 0

    first = reading.read(None, 2)
    rest = reading.read(first.next, 2)

    assert (first.next, first.latest, first.has_more) == (2, 3, True)
    assert (len(rest.events), rest.next, rest.has_more) == (1, 3, False)
    assert reading.read(3, 2).next == 3
    event = first.events[1].told()
    at = event.pop("occurred_at")
    assert at.endswith("Z")
    assert event == {"id": first.events[1].event_id, "position": 2, "type": "order.status", "order_id": order.pk,
                     "rev": 2, "status": "paid"}  # fmt: skip


def test_neither_a_rollback_nor_a_moving_history_is_told(place, now, mirror):
    with transaction.atomic():
        place()
        transaction.set_rollback(True)
    order = place(at=now - timedelta(days=400))
    cancel_order(order, by=order.customer, at=now - timedelta(days=399))
    Mail.objects.update(due_at=None)
    positions.number()
    before = told()

    relay.drain()
    assert leave.archive([order.pk], at=now).archived == 1
    assert told() == before  # who is late still gets them
    back.restore(order.pk, by=None, at=now)

    assert positions.number() == 0
    assert told() == before == [(1, order.pk, 1), (2, order.pk, 2)]


def test_a_deletion_is_told_and_what_is_told_outlives_the_order(place):
    order = place()
    Order.objects.filter(pk=order.pk).delete()
    with triggers.capture_off():
        Event.objects.all().delete()

    positions.number()

    assert [event.kind for event in reading.read(0, 10).events] == ["placed", "deleted"]


def test_who_comes_too_late_or_from_elsewhere_is_told_so(place):
    for _ in range(3):
        place()
    positions.number()
    FeedEvent.objects.filter(position__lte=2).update(numbered_at=timezone.now() - timedelta(days=91))

    assert positions.forget(before=timezone.now() - timedelta(days=90)) == 2
    assert positions.forget(before=timezone.now() - timedelta(days=90)) == 0

    for position in (0, 1, 4):
        with pytest.raises(reading.UnknownPosition) as refused:
            reading.read(position, 10)
        assert refused.value.oldest == 2
    assert [position for position, *_ in told(2)] == [3]
    assert reading.read(None, 10).next == 3


def test_many_writers_and_numberers_leave_nothing_out_for_a_reader_beside_them(place, now):
    orders = [place() for _ in range(4)]
    done = threading.Event()
    seen: list[tuple[int, int, int]] = []

    def write(order):
        for number in range(25):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE orders SET change_note = %s, changed_at = clock_timestamp() WHERE order_id = %s",
                    [str(number), order.pk],
                )
                time.sleep(0.001 * (number % 5))

    def number():
        while not done.is_set():
            positions.number()

    def read():
        while not done.is_set() or told(seen[-1][0] if seen else 0):
            seen.extend(told(seen[-1][0] if seen else 0, limit=7))

    def write_all():
        try:
            assert in_parallel([lambda order=order: write(order) for order in orders * 2]) == [None] * 8
            while FeedEvent.objects.unnumbered().exists():
                time.sleep(0.01)
        finally:
            done.set()

    assert in_parallel([write_all, number, number, read]) == [None] * 4

    assert [position for position, *_ in seen] == list(range(1, 205))
    for order in orders:
        assert [rev for _, of, rev in seen if of == order.pk] == list(range(1, 52))


def connections_in_use() -> int:
    found = connection.pool.get_stats()
    return found["pool_size"] - found["pool_available"]


def test_waiting_ends_with_the_next_event_holds_no_connection_and_has_few_places(place):
    place()
    positions.number()
    began = time.monotonic()
    assert reading.wait(0, 5) is True
    assert reading.wait(1, 0.3) is True
    assert 0.3 <= time.monotonic() - began < 2
    answers = []
    connection.close()
    assert wait_until(wakeup.is_done)
    before = connections_in_use()
    waiting = threading.Thread(target=lambda: answers.append(reading.wait(1, 10)))
    waiting.start()
    time.sleep(0.3)

    # It borrows one for the moment of each look.
    assert wait_until(lambda: connections_in_use() <= before)
    began = time.monotonic()
    assert [reading.wait(1, 10) for _ in range(3)] == [False] * 3  # all places are taken
    assert time.monotonic() - began < 0.2
    place()
    positions.number()
    waiting.join(5)

    assert settings.FEED_WAITERS == 1
    assert answers == [True]
    assert reading.wait(1, 0) is True  # the place is free again


def test_waiting_ends_where_the_web_server_is_to_stop(place):
    place()
    positions.number()
    began = time.monotonic()
    threading.Timer(0.2, stopping.asked.set).start()
    try:
        assert reading.wait(1, 20) is True
    finally:
        stopping.asked.clear()

    assert time.monotonic() - began < 5


@pytest.mark.parametrize("stray", [2, 2**63 - 1])
def test_a_position_that_nobody_gave_stands_in_nobodys_way(place, stray):
    first, second = place(), place()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE feed_events SET position = %s, numbered_at = now() WHERE order_id = %s", [stray, second.pk]
        )

    assert told() == []
    positions.number()
    place()
    positions.number()

    assert [(position, order_id) for position, order_id, _ in told()][:2] == [(1, first.pk), (2, second.pk)]
    assert len(told()) == 3
