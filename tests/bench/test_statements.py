"""pgbench does to the tables what a checkout does: only then is it a measure of one."""

from __future__ import annotations

import pytest
from django.db import connection

from orders.models import CartItem, Order
from tests.bench import buyers, statements

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 2
# What both wrote for an order, but for its numbers and times.
WRITTEN = """
SELECT o.order_id, o.user_id, o.total_amount, o.status, o.rev, o.holds_stock, o.shipping_address,
    o.changed_by, replace(o.changed_by_name, o.user_id::text, 'N'), replace(o.idempotency_key, o.user_id::text, 'N'),
    (SELECT array_agg((i.product_id, i.quantity, i.price)::text) FROM order_items i WHERE i.order_id = o.order_id),
    (SELECT array_agg((e.kind, e.rev)::text) FROM history_events e WHERE e.order_id = o.order_id),
    (SELECT array_agg((m.product_id, m.delta, m.reason, m.actor_id)::text) FROM stock_movements m
        WHERE m.order_id = o.order_id),
    (SELECT count(*) FROM order_mails m WHERE m.order_id = o.order_id)
FROM orders o ORDER BY o.order_id
"""


def test_pgbench_places_the_orders_that_a_checkout_does():
    written = statements.script(statements.record())
    numbers = buyers.ready(2 * CLIENTS)

    played = statements.play(written, numbers, CLIENTS)

    assert len(played.took) == 4
    assert played.rate > 0
    messages = written.count(";\n") - written.count("\\;\n") + written.count("\\gset\n")
    assert len(played.latencies) == messages
    assert Order.objects.count() == 2 + 4
    assert not CartItem.objects.exists()
    seen = [_as_of_one(row) for row in _rows()]
    assert len(set(seen)) == 1, seen


def _rows() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        return cursor.fetchall()


def _as_of_one(row: tuple[object, ...]) -> str:
    """The row of whichever buyer, as that of all of them."""
    _, user, *rest = row
    assert isinstance(user, int)
    product = buyers.product(user - buyers.CUSTOMERS)
    return str(rest).replace(str(user), "customer").replace(str(product), "product")
