"""A change happened no later than it was written: one time in the future makes no other time wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from history.archive import leave, marks
from history.mirror import documents, relay, source
from history.models import Event
from history.past.standing import standing
from history.rollups import later
from orders.models import Mail, Order, Refund
from orders.notes import add_note
from orders.services import change_status
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)

FUTURE = datetime(2131, 5, 1, tzinfo=UTC)


def sql(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def times(order):
    return list(Event.objects.of_order(order.pk).values_list("occurred_at", flat=True))


def is_of_now(moment):
    return abs(timezone.now() - moment) < timedelta(minutes=1)


def standing_at(order, moment):
    [rows] = source.read([order.pk])
    return standing(documents.build(rows), documents.milliseconds(moment))


def test_a_signed_change_by_sql_is_of_now(place):
    order = place()

    sql("UPDATE orders SET status = 'paid', changed_at = %s, changed_by_name = 'till'", FUTURE)

    event = Event.objects.of_order(order.pk).last()
    assert (event.actor_name, event.status) == ("till", "paid")
    assert is_of_now(event.occurred_at)
    assert is_of_now(Order.objects.get().changed_at)


def test_a_new_order_by_sql_is_of_now(place):
    customer = place().customer

    sql("INSERT INTO orders (user_id, total_amount, changed_at) VALUES (%s, 1, %s)", customer.pk, FUTURE)

    assert is_of_now(times(Order.objects.latest("order_id"))[0])


def test_a_service_that_is_given_a_time_in_the_future_writes_now(place):
    order = place(at=FUTURE)
    change_status(order, to="paid", by=StaffFactory(), at=FUTURE)

    assert all(map(is_of_now, times(order)))


def test_a_clock_that_is_ahead_a_little_is_believed(place, now):
    order = place()
    at = now + timedelta(seconds=30)

    change_status(order, to="paid", by=StaffFactory(), at=at)

    assert times(order)[-1] == at


@pytest.fixture
def dated(place, now):
    """An order of before with a step that was dated in the future."""
    order = place(at=now - timedelta(days=3))
    staff = StaffFactory()
    sql("ALTER TABLE orders DISABLE TRIGGER history_set_revision")
    sql(
        "UPDATE orders SET status = 'paid', rev = 2, changed_at = %s, changed_by_name = %s WHERE order_id = %s",
        *(FUTURE, staff.name, order.pk),
    )
    sql("ALTER TABLE orders ENABLE TRIGGER history_set_revision")
    assert times(order)[-1] == FUTURE
    order.refresh_from_db()
    return order


def test_later_steps_of_such_an_order_are_signed_and_of_their_own_time(dated, now):
    staff = StaffFactory(name="Sam")

    change_status(dated, to="shipped", by=staff, at=now)
    dated.refresh_from_db()
    add_note(dated, text="On its way.", to_customer=True, seen_rev=dated.rev, by=staff, at=now)
    sql("UPDATE orders SET external_ref = 'A'")

    events = list(Event.objects.of_order(dated.pk))[2:]
    assert [event.actor_name for event in events] == ["Sam", "Sam", "database"]
    assert all(is_of_now(event.occurred_at) for event in events)
    assert is_of_now(Order.objects.get().told_customer_at)


def test_a_refund_of_such_an_order_is_of_its_own_time(dated, now):
    sql(
        "INSERT INTO refunds (order_id, amount, items, reason, is_last, refunded_by, refunded_by_name, refunded_at) "
        "VALUES (%s, 1, '[]', '', false, 1, '', now())",
        dated.pk,
    )

    assert Refund.objects.count() == 1
    assert is_of_now(times(dated)[-1])


def test_such_an_order_stands_as_it_stood(dated, now):
    before, recorded = now - timedelta(days=1), Event.objects.of_order(dated.pk).last().recorded_at
    change_status(dated, to="shipped", by=StaffFactory(), at=timezone.now())
    shipped = times(dated)[-1]

    for time, status in ((before, "pending"), (recorded, "paid"), (shipped, "shipped")):
        moment = time + timedelta(milliseconds=1)
        assert standing_at(dated, moment).order["status"] == status
        changed = later.read(moment).get(dated.pk)
        assert changed is None if status == "shipped" else changed.standing.status == status


def test_the_same_once_it_is_archived(dated, mirror, now):
    for step in ("shipped", "delivered"):
        change_status(dated, to=step, by=StaffFactory(), at=timezone.now())
        dated.refresh_from_db()
    Mail.objects.update(due_at=None)
    relay.drain()
    assert leave.archive([dated.pk], at=timezone.now()).archived == 1
    marks.drain()

    assert later.read(timezone.now() + timedelta(milliseconds=1)) == {}
    assert later.read(now - timedelta(days=1))[dated.pk].standing.status == "pending"
