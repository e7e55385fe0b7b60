"""Every way of changing an order leaves exactly one event per revision, and nothing else does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import serializers
from django.db import IntegrityError, connection, transaction

from history import triggers
from history.models import Event
from orders.models import Order, OrderItem
from orders.services import cancel_order, change_status
from tests.factories import ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def events(order):
    return list(Event.objects.of_order(order.pk).values_list("rev", "kind", "status", "actor_name"))


def sql(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall() if cursor.description else None


def test_all_triggers_are_there():
    assert triggers.missing() == []


def test_placing_with_items_is_one_event(place):
    ada = UserFactory(name="Ada")

    order = place(ProductFactory(), ProductFactory(), customer=ada)

    assert events(order) == [(1, "placed", "pending", "Ada")]


def test_a_status_change_tells_who_when_why_and_what(place, now):
    order, staff = place(at=now - timedelta(hours=1)), StaffFactory(name="Sam")

    change_status(order, to="paid", by=staff, at=now, note="wire received")

    event = Event.objects.of_order(order.pk).last()
    assert (event.rev, event.kind, event.actor_id, event.actor_name) == (2, "status", staff.pk, "Sam")
    assert (event.note, event.occurred_at) == ("wire received", now)
    assert event.changes == {"status": ["pending", "paid"]}


def test_a_cancel_is_one_event_although_stock_moves_too(place, now):
    order = place()

    cancel_order(order, by=order.customer, at=now)

    assert [rev for rev, *_ in events(order)] == [1, 2]


def full_save(order):
    values = {field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields}
    Order(**{**values, "status": "paid"}).save(force_update=True)


def save_of_one_field(order):
    order.status = "paid"
    order.save(update_fields=["status"])


def queryset_update(order):
    Order.objects.filter(pk=order.pk).update(status="paid")


def bulk_update(order):
    order.status = "paid"
    Order.objects.bulk_update([order], ["status"])


def plain_sql(order):
    sql("UPDATE orders SET status = 'paid' WHERE order_id = %s", order.pk)


def loaddata(order):
    order.status = "paid"
    for loaded in serializers.deserialize("json", serializers.serialize("json", [order])):
        loaded.save()


@pytest.mark.parametrize("write", [full_save, save_of_one_field, queryset_update, bulk_update, plain_sql, loaddata])
def test_every_way_of_writing_leaves_one_event(write, place):
    order = place()

    write(order)

    assert events(order)[1:] == [(2, "status", "paid", "database")]
    assert Order.objects.get(pk=order.pk).rev == 2


def test_an_update_of_many_orders_leaves_one_event_each(place):
    orders = [place() for _ in range(5)]

    Order.objects.update(status="paid")

    assert [events(order)[1:] for order in orders] == [[(2, "status", "paid", "database")]] * 5


def test_plain_sql_is_put_down_to_the_database():
    customer = UserFactory()

    [(order_id,)] = sql("INSERT INTO orders (user_id, total_amount) VALUES (%s, 150) RETURNING order_id", customer.pk)

    event = Event.objects.get(order_id=order_id)
    assert (event.kind, event.status, event.actor_id, event.actor_name) == ("placed", "pending", None, "database")


def test_a_write_that_changes_nothing_leaves_nothing(place):
    order = place()

    Order.objects.filter(pk=order.pk).update(status="pending")
    Order.objects.get(pk=order.pk).save()
    sql("UPDATE orders SET rev = 77 WHERE order_id = %s", order.pk)

    assert len(events(order)) == 1
    assert Order.objects.get(pk=order.pk).rev == 1


def test_rollbacks_leave_nothing(place):
    order = place()

    with transaction.atomic():
        queryset_update(order)
        transaction.set_rollback(True)
    with transaction.atomic():
        savepoint = transaction.savepoint()
        queryset_update(order)
        transaction.savepoint_rollback(savepoint)
        Order.objects.filter(pk=order.pk).update(status="cancelled")

    assert events(order)[1:] == [(2, "status", "cancelled", "database")]


def test_a_stale_copy_does_not_borrow_the_name_of_an_earlier_change(place, now):
    order = place()
    stale = Order.objects.get(pk=order.pk)
    change_status(order, to="paid", by=StaffFactory(name="Sam"), at=now + timedelta(minutes=1))

    stale.save()

    assert events(order)[-1] == (3, "status", "pending", "database")


def test_item_changes_bump_their_order_once_a_statement(place):
    order = place(ProductFactory(), ProductFactory())

    order.items.update(quantity=5)
    order.items.first().delete()
    OrderItem.objects.create(order=order, product=ProductFactory(name="Late"), quantity=1, price=Decimal("1.00"))

    assert [(rev, kind) for rev, kind, *_ in events(order)] == [(1, "placed"), (2, "items"), (3, "items"), (4, "items")]
    updated, deleted, inserted = (event.changes["items"] for event in Event.objects.of_order(order.pk)[1:])
    assert [(old["quantity"], new["quantity"]) for old, new in updated] == [(1, 5), (1, 5)]
    assert deleted[0][1] is None
    assert inserted[0][0] is None
    assert inserted[0][1]["product_name"] == "Late"


def test_items_join_the_change_that_their_transaction_made_of_the_order(place, now):
    order = place()

    with transaction.atomic():
        Order.objects.filter(pk=order.pk).update(
            total_amount=Decimal("30.00"), changed_at=now + timedelta(seconds=1), changed_by_name="Sam", changed_by=7
        )
        order.items.update(quantity=3)

    assert events(order)[1:] == [(2, "items", "pending", "Sam")]
    changes = Event.objects.of_order(order.pk).last().changes
    assert changes["total_amount"] == [10.0, 30.0]
    assert [(old["quantity"], new["quantity"]) for old, new in changes["items"]] == [(1, 3)]


def test_an_item_that_moves_changes_both_orders(place):
    one, other = place(), place()

    one.items.update(order=other)

    assert events(one)[1:] == events(other)[1:] == [(2, "items", "pending", "database")]


def test_a_deletion_takes_the_items_and_leaves_one_event(place):
    order = place(ProductFactory(), ProductFactory())
    number = order.pk

    order.delete()

    assert not OrderItem.objects.filter(order_id=number).exists()
    assert list(Event.objects.of_order(number).values_list("rev", "kind")) == [(1, "placed"), (2, "deleted")]


def test_a_number_used_again_goes_on_where_it_ended(place):
    order = place()
    number, customer = order.pk, order.customer_id
    order.delete()

    sql("INSERT INTO orders (order_id, user_id, total_amount) VALUES (%s, %s, 1)", number, customer)

    assert list(Event.objects.of_order(number).values_list("rev", "kind"))[2:] == [(3, "placed")]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM history_events",
        "UPDATE history_events SET note = 'x'",
        "UPDATE history_events SET rev = rev + 1",
        "UPDATE history_events SET subject_name = 'x'",
        "UPDATE history_events SET subject_id = 1",
    ],
)
def test_the_log_is_append_only(statement, place):
    place()

    with pytest.raises(IntegrityError, match="append-only"):
        sql(statement)


def test_capture_is_off_for_one_transaction_only(place):
    order = place()

    with triggers.capture_off():
        Order.objects.filter(pk=order.pk).update(status="paid")
    Order.objects.filter(pk=order.pk).update(status="shipped")

    assert events(order)[1:] == [(2, "status", "shipped", "database")]


@pytest.mark.parametrize("table", ["orders", "order_items", "history_events"])
def test_a_table_cannot_be_emptied_without_a_trace(place, table):
    order = place()

    with pytest.raises(IntegrityError, match="would leave no events"):
        sql(f"TRUNCATE {table} CASCADE")

    assert events(order) == [(1, "placed", "pending", order.customer.name)]
    assert order.items.exists()


def test_an_order_keeps_its_number(place):
    order = place()

    with pytest.raises(IntegrityError, match="keeps its number"):
        sql("UPDATE orders SET order_id = order_id + 1000 WHERE order_id = %s", order.pk)

    assert Order.objects.filter(pk=order.pk).exists()
