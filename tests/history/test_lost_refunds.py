"""Refunds that PostgreSQL has lost come back from their order's document, which is not overwritten without them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from history.mirror import relay
from orders.models import Refund
from orders.returns import Returned, return_items
from orders.services import change_status
from tests.factories import ProductFactory, StaffFactory
from tests.history.test_lost_stubs import raw, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(place, now, mirror):
    boss, at = StaffFactory(), now - timedelta(days=3)
    order = place(ProductFactory(), ProductFactory(), at=at)
    for hours, step in enumerate(("paid", "shipped", "delivered"), start=1):
        change_status(order, to=step, by=boss, at=at + timedelta(hours=hours))
    order.refresh_from_db()
    item = order.items.first()
    return_items(order, {item.pk: Returned(1, restock=True)}, seen_rev=order.rev, reason="broken", by=boss, at=now)
    relay.drain()
    return order


def lose(statement):
    """What a superuser can do, or a restored dump that lacks the table."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = replica; {statement}")


@pytest.mark.parametrize("statement", ["TRUNCATE refunds", "DELETE FROM refunds"])
def test_repairing_brings_them_back(statement, order, mirror, capsys):
    document, refunds = raw(mirror), list(Refund.objects.values())
    lose(statement)

    code, told = run(capsys)
    assert code == 1
    assert f"order {order.pk}: refunds[0]: nothing, mirror has" in told
    code, told = run(capsys, "--repair")

    assert code == 0
    assert "1 orders were repaired" in told
    assert list(Refund.objects.values()) == refunds
    assert raw(mirror) == document


def test_a_refund_that_a_document_alone_was_given_is_not_believed(order, mirror, capsys):
    document, refunds = raw(mirror), list(Refund.objects.values())
    [refund] = mirror.find_one({"order_id": order.pk})["refunds"]
    mirror.update_one({"order_id": order.pk}, {"$push": {"refunds": refund | {"refund_id": 99}}})

    run(capsys, "--repair")

    assert list(Refund.objects.values()) == refunds
    assert len(mirror.find_one({"order_id": order.pk})["refunds"]) == 1
    assert raw(mirror).keys() == document.keys()
