"""What is stored beside an order may be in a form that nothing expects: the order's pages and the reports go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from history.mirror import reconcile, relay
from history.models import DirtyDay
from orders.models import Order
from orders.returns import Returned, return_items
from orders.services import change_status
from tests.api.keys import ApiClient
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)

OF_EVENT = "UPDATE history_events SET changes = '{}' WHERE order_id = %s AND rev = 2"
OF_REFUND = "UPDATE refunds SET items = '{}' WHERE order_id = %s"
BESIDE = [
    *(
        OF_EVENT.replace("{}", changes)
        for changes in (
            '"text"',
            "[1, null]",
            "null",
            '{"status": 5, "items": {"a": 1}, "total_amount": ["x"]}',
            '{"items": [5, [1], [null, null], [{"price": "NaN"}, {}]]}',
            '{"shipping_address": [5, "x"], "total_amount": ["x", null]}',
        )
    ),
    OF_EVENT.replace("changes = '{}'", "kind = 'items', changes = '[]'"),
    OF_EVENT.replace("changes = '{}'", "kind = 'odd', status = 'odd', recorded_at = 'infinity'"),
    *(OF_REFUND.replace("{}", items) for items in ('"text"', '[null, 1, {"product_id": "x"}]', "{}", "null")),
    OF_REFUND.replace("items = '{}'", "amount = 'NaN', refunded_at = 'infinity'"),
    "UPDATE stock_movements SET moved_at = 'infinity' WHERE order_id = %s",
    "UPDATE order_mails SET sent_at = 'infinity', due_at = '-infinity' WHERE order_id = %s",
    "DELETE FROM history_events WHERE order_id = %s",
]


def spoil(statement, *params):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, params)


@pytest.mark.parametrize("is_mirrored", [True, False], ids=["mirrored", "not mirrored"])
@pytest.mark.parametrize("statement", BESIDE)
def test_the_pages_of_the_order_are_there(statement, is_mirrored, place, now, mirror, client):
    boss, placed = StaffFactory(), now - timedelta(hours=5)
    order = place(ProductFactory(), ProductFactory(), at=placed)
    for hours, step in enumerate(("paid", "shipped", "delivered"), start=1):
        change_status(order, to=step, by=boss, at=placed + timedelta(hours=hours))
    order.refresh_from_db()
    item = order.items.first()
    return_items(order, {item.pk: Returned(1, restock=True)}, seen_rev=order.rev, reason="broken", by=boss, at=now)
    if is_mirrored:
        relay.drain()
    spoil(statement, order.pk)
    relay.drain()

    moment = (placed + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    pages = {
        boss: [
            f"/admin/orders/order/{order.pk}/change/",
            f"/reports/orders/{order.pk}/",
            "/reports/",
            "/reports/trust/",
        ],
        order.customer: [f"/orders/{order.pk}/", f"/orders/{order.pk}/receipt/", "/orders/", "/account/data/"],
    }
    for who, paths in pages.items():
        client.force_login(who)
        for path in paths:
            # An order that never became a document is in no report.
            assert client.get(path).status_code < 400 or path.startswith("/reports/orders/"), path
            # What cannot be undone is said to be so.
            assert client.get(path, {"as_of": moment}).status_code in (200, 302, 404, 503), path
    answer = ApiClient("orders:read").get(f"/orders/{order.pk}/history", {"as_of": moment})
    assert answer.status_code in (200, 404) or answer.json()["type"].endswith("unreadable")
    findings = reconcile.reconcile()
    assert findings.compared + len(findings.differences) > 0
    assert Order.objects.get(pk=order.pk).status == "delivered"


@pytest.mark.parametrize("day", ["infinity", "-infinity", "58884-01-01", "0044-03-15 BC"])
def test_a_day_that_is_none_does_not_stop_the_days_after_it(day, place, mirror):
    order = place()
    spoil("INSERT INTO rollup_queue (day, since) VALUES (%s, now())", day)
    relay.drain()

    assert not DirtyDay.objects.exists()
    spoil("INSERT INTO rollup_queue (day, since) VALUES (%s, now())", day)
    assert reconcile.reconcile().are_equal
    assert Order.objects.filter(pk=order.pk).exists()
