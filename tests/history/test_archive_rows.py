"""What a document keeps of its order's rows is all of them: they come back out of it exactly."""

from __future__ import annotations

import string
from datetime import UTC, datetime

import bson
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from history.archive.rows import json_text, rows
from history.mirror import documents, source
from history.mirror.source import OrderRows
from history.models import Event
from history.mongo import CODEC
from orders.models import Order, OrderItem, Refund
from orders.returns import Returned, return_items
from orders.services import change_status
from tests.factories import ProductFactory, StaffFactory

# What is known of an order's events without asking (the subject), and what is only the delivery's bookkeeping.
LEFT_OUT = {
    *("subject", "subject_id", "subject_name", "request_id"),
    *("delivered_at", "parked_at", "retry_at", "attempts", "error"),
}

numbers = st.integers(1, 2**63 - 1)
money = st.decimals(0, 10**9, places=2)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
times = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(datetime.isoformat)  # noqa: DTZ001
json_values = st.recursive(
    st.none() | st.booleans() | texts | st.integers(-(10**30), 10**30) | st.decimals(-(10**20), 10**20, places=3),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(string.ascii_letters), inside, max_size=3),
    max_leaves=8,
)
VALUES = {
    **dict.fromkeys(("rev", "quantity"), st.integers(1, 2**31 - 1)),
    **dict.fromkeys(("user_id", "order_item_id", "product_id", "refund_id", "refunded_by"), numbers),
    **dict.fromkeys(("event_id", "transaction_id"), numbers),
    **dict.fromkeys(("changed_by", "actor_id"), st.none() | numbers),
    **dict.fromkeys(("total_amount", "price", "amount"), money),
    **dict.fromkeys(("created_at", "changed_at", "refunded_at", "occurred_at", "recorded_at"), times),
    "told_customer_at": st.none() | times,
    **dict.fromkeys(("external_ref", "idempotency_key"), st.none() | texts),
    **dict.fromkeys(("shipping_address", "items", "changes"), json_values),
    **dict.fromkeys(("holds_stock", "is_last", "is_time_known"), st.booleans()),
}


def row_of(columns):
    return st.fixed_dictionaries({column: VALUES.get(column, texts) for column in columns})


def parsed(rows):
    """As PostgreSQL's text of them is read: a whole number may have become one without a point."""
    return source.parse(json_text(rows))


@given(
    order_id=numbers,
    order=row_of(source.ORDER),
    items=st.lists(row_of(source.ITEM), max_size=3),
    refunds=st.lists(row_of(source.REFUND), max_size=2),
    events=st.lists(row_of(source.EVENT), min_size=1, max_size=3),
)
def test_rows_to_document_to_mongodb_and_back_is_the_identity(order_id, order, items, refunds, events):
    document = documents.build(OrderRows(order_id, *map(json_text, (order, items, refunds, events))))

    stored = bson.decode(bson.encode(document), CODEC)
    back = rows(stored)

    number = {"order_id": order_id}
    assert parsed(back.order) == parsed(number | order)
    assert parsed(back.items) == parsed([number | item for item in items])
    assert parsed(back.refunds) == parsed([number | refund for refund in refunds])
    assert parsed(back.events) == parsed([number | event for event in events])
    assert documents.digest(stored) == document["digest"]


@pytest.mark.django_db
def test_every_column_of_an_order_is_in_its_document():
    tables = {Order: source.ORDER, OrderItem: source.ITEM, Refund: source.REFUND, Event: (*source.EVENT, *LEFT_OUT)}

    for model, told in tables.items():
        with connection.cursor() as cursor:
            columns = [
                column.name for column in connection.introspection.get_table_description(cursor, model._meta.db_table)
            ]
        assert sorted(columns) == sorted({*told, "order_id"})


@pytest.mark.django_db(transaction=True)
def test_a_refund_is_in_the_document_of_its_revision(place, mirror, now):
    staff, order = StaffFactory(), place(ProductFactory(), ProductFactory())
    for status in ("paid", "shipped", "delivered"):
        change_status(order, to=status, by=staff, at=now)
    item = order.items.first()
    order.refresh_from_db()

    return_items(order, {item.pk: Returned(1, True)}, seen_rev=order.rev, reason="broken", by=staff, at=now)

    [held] = source.read([order.pk])
    document = documents.build(held)
    [refund] = document["refunds"]
    assert (held.rev, refund["reason"], refund["refunded_by"]) == (5, "broken", staff.pk)
    assert refund["refunded_at"] == documents.milliseconds(now)
    assert rows(document).refunds == [{"order_id": order.pk, **held.refunds[0]} | {"refunded_at": now.isoformat()}]


@pytest.mark.django_db(transaction=True)
def test_a_refund_by_plain_sql_is_a_revision_of_its_order(place):
    order = place()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO refunds
                (order_id, amount, items, reason, is_last, refunded_by, refunded_by_name, refunded_at)
            VALUES (%s, 1, '[]', '', false, 1, '', now())""",
            [order.pk],
        )
        cursor.execute("UPDATE refunds SET amount = 2")

    events = Event.objects.of_order(order.pk)
    assert [(event.rev, event.kind, event.actor_name) for event in events[1:]] == [
        (rev, "note", "database") for rev in (2, 3)
    ]
