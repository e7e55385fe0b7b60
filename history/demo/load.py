"""A shop as big as wanted, to measure with: orders of two years with items, steps and events, made by the database.

Unlike the demo shop's they are nobody's in particular, and no two machines have the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from history import wakeup
from history.imports.staging import NO_TIME_LIMITS
from history.triggers import capture_off

DAYS = 730
ORDERS_AT_ONCE = 10_000
ORDERS_PER_USER, ORDERS_PER_PRODUCT = 5, 200
LEAST_USERS, LEAST_PRODUCTS = 20, 60

USERS = """
INSERT INTO users (email, name, created_at)
SELECT 'load-' || n || '@mail.example', 'Load ' || n, %(start)s FROM generate_series(1, %(users)s) n
ON CONFLICT DO NOTHING
"""
PRODUCTS = """
INSERT INTO products (sku, name, price, stock, created_at)
SELECT 'LOAD-' || n, 'Load product ' || n, (100 + (n * 7919) %% 19900) / 100.0, 1000000, %(start)s
FROM generate_series(1, %(products)s) n
ON CONFLICT DO NOTHING
"""

# More orders towards the end, more around the middle of the day, some customers and products much more than others.
ORDERS = """
CREATE TEMPORARY TABLE load_orders ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('orders', 'order_id')) AS order_id, u.user_id, drawn.*,
    placed_at + interval '6 hours' * random() AS paid_at,
    placed_at + interval '8 hours' + interval '60 hours' * random() AS shipped_at,
    placed_at + interval '80 hours' + interval '120 hours' * random() AS delivered_at,
    placed_at + interval '6 hours' + interval '12 hours' * random() AS cancelled_at,
    placed_at + interval '240 hours' + interval '240 hours' * random() AS returned_at
FROM (
    SELECT n, (
            %(first)s::date + floor(%(days)s * power(n::float8 / %(orders)s, 0.75))::integer
            + interval '24 hours' * (random() + random() + random()) / 3
        ) AT TIME ZONE %(zone)s AS placed_at,
        1 + floor(%(users)s * power(random(), 2))::integer AS customer,
        1 + floor(%(products)s * power(random(), 2))::integer AS first_product,
        1 + floor(4 * power(random(), 2))::integer AS items, random() AS fate, random() < 0.4 AS is_paid
    FROM generate_series(%(after)s + 1, %(upto)s) n
) drawn
JOIN users u ON upper(u.email) = upper('load-' || customer || '@mail.example')
"""
# Seven further on each time, so an order has no product twice.
ITEMS = """
CREATE TEMPORARY TABLE load_items ON COMMIT DROP AS
SELECT o.n, o.order_id, i, p.product_id, CASE WHEN p.price < 50 THEN 1 + i %% 3 ELSE 1 END AS quantity,
    p.price, p.name, p.sku
FROM load_orders o CROSS JOIN generate_series(1, o.items) i
JOIN products p ON p.sku = 'LOAD-' || (1 + (first_product + 7 * i) %% %(products)s)
"""
# Of a hundred orders four are cancelled, two returned, one never paid.
STEPS = """
CREATE TEMPORARY TABLE load_steps ON COMMIT DROP AS
SELECT o.n, o.order_id, step.status, step.at, row_number() OVER told AS rev,
    lag(step.status) OVER told AS status_before, lead(o.n) OVER told IS NULL AS is_last
FROM load_orders o CROSS JOIN LATERAL (VALUES
    (1, 'pending', placed_at),
    (2, 'paid', CASE WHEN fate > 0.05 OR (fate <= 0.04 AND is_paid) THEN paid_at END),
    (3, 'shipped', CASE WHEN fate > 0.05 THEN shipped_at END),
    (4, 'delivered', CASE WHEN fate > 0.05 THEN delivered_at END),
    (5, 'cancelled', CASE WHEN fate <= 0.04 THEN cancelled_at END),
    (6, 'returned', CASE WHEN fate > 0.98 THEN returned_at END)
) AS step (nth, status, at)
WHERE step.at <= %(now)s
WINDOW told AS (PARTITION BY o.n ORDER BY step.nth)
"""
WRITE = """
INSERT INTO orders (order_id, user_id, total_amount, status, created_at, rev, changed_by_name, changed_at)
SELECT o.order_id, o.user_id, i.total, s.status, o.placed_at, s.rev, 'load', s.at
FROM load_orders o JOIN load_steps s ON s.n = o.n AND s.is_last
JOIN (SELECT n, sum(price * quantity) AS total FROM load_items GROUP BY n) i ON i.n = o.n
ORDER BY o.n;

INSERT INTO order_items (order_id, product_id, quantity, price, product_name, sku)
SELECT order_id, product_id, quantity, price, name, sku FROM load_items ORDER BY n, i;

INSERT INTO history_events (order_id, rev, kind, status, occurred_at, actor_name, changes, transaction_id)
SELECT order_id, rev, CASE WHEN rev = 1 THEN 'placed' ELSE 'status' END, status, at, 'load',
    CASE WHEN rev = 1 THEN '{}' ELSE jsonb_build_object('status', jsonb_build_array(status_before, status)) END,
    pg_current_xact_id()::text::bigint
FROM load_steps ORDER BY n, rev
"""

DAYS_TO_COUNT = """
INSERT INTO rollup_queue (day, since) SELECT DISTINCT (placed_at AT TIME ZONE %(zone)s)::date, now() FROM load_orders
"""


@dataclass(frozen=True)
class Load:
    """orders: how many; now: aware, the last of them were placed the day before."""

    orders: int
    now: datetime

    @property
    def users(self) -> int:
        return max(self.orders // ORDERS_PER_USER, LEAST_USERS)

    @property
    def products(self) -> int:
        return max(self.orders // ORDERS_PER_PRODUCT, LEAST_PRODUCTS)

    def parameters(self, after: int, upto: int) -> dict[str, str | int | datetime]:
        first = timezone.localdate(self.now) - timedelta(days=DAYS + 1)
        return {
            "now": self.now,
            "start": self.now - timedelta(days=DAYS + 30),
            "first": first.isoformat(),
            "days": DAYS,
            "zone": settings.TIME_ZONE,
            "orders": self.orders,
            "users": self.users,
            "products": self.products,
            "after": after,
            "upto": upto,
        }


def fill(load: Load, *, progress: Callable[[int], object] = lambda _: None) -> None:
    """Write users, products and orders; their events are left to the relays, their days to the keeper.

    Some thousand orders are one transaction: what was written when it is stopped stays.
    """
    for after in range(0, load.orders, ORDERS_AT_ONCE):
        upto = min(after + ORDERS_AT_ONCE, load.orders)
        with capture_off(), connection.cursor() as cursor:
            cursor.execute(NO_TIME_LIMITS)
            _write(cursor, load.parameters(after, upto), is_first=after == 0)
        wakeup.notify()
        progress(upto - after)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orders; ANALYZE order_items; ANALYZE history_events")


def _write(cursor: CursorWrapper, parameters: dict[str, str | int | datetime], *, is_first: bool) -> None:
    if is_first:
        for statement in (USERS, PRODUCTS):
            cursor.execute(statement, parameters)
        cursor.execute("ANALYZE users; ANALYZE products")
    for statement in (ORDERS, ITEMS, STEPS):
        cursor.execute(statement, parameters)
    cursor.execute("ANALYZE load_orders; ANALYZE load_items; ANALYZE load_steps")
    cursor.execute(WRITE)
    # The relays will queue them again as they deliver; the reports need not wait for that.
    cursor.execute(DAYS_TO_COUNT, parameters)
