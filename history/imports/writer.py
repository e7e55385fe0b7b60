"""From the temporary tables to the real ones: users, products, then whole orders with their items and events.

Runs inside history.triggers.capture_off(): the events are brought, not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper
from django.utils.text import slugify

from catalog import stock
from catalog.models import Reason

# Makes a progress bar of (what, total, unit); gives the function that moves it on.
Bar = Callable[[str, int, str], AbstractContextManager[Callable[[int], object]]]

ORDERS_AT_ONCE = 5_000
LONGEST_SLUG = 100

USERS = """
INSERT INTO users (email, name, created_at) SELECT email, name, created_at FROM import_users ORDER BY line
ON CONFLICT DO NOTHING
"""

PRODUCTS = """
INSERT INTO products (sku, name, price, stock, category_id, description, attributes, created_at)
SELECT sku, name, price, stock, category_id, description, attributes, created_at FROM import_products ORDER BY line
ON CONFLICT DO NOTHING
"""

NEW_CATEGORIES = """
SELECT min(category) FROM import_products i
WHERE category <> '' AND NOT EXISTS (SELECT FROM categories c WHERE upper(c.name) = upper(i.category))
GROUP BY upper(category) ORDER BY min(line)
"""

ASSIGN_CATEGORIES = """
UPDATE import_products i SET category_id = c.category_id
FROM (SELECT upper(name) AS name, min(category_id) AS category_id FROM categories GROUP BY upper(name)) c
WHERE c.name = upper(i.category)
"""

# Orders that are there already, archived or not, are left out here, and with them their items and events.
READY_ORDERS = """
CREATE TEMPORARY TABLE ready_orders ON COMMIT DROP AS
SELECT row_number() OVER () AS n, nextval(pg_get_serial_sequence('orders', 'order_id')) AS order_id, o.*
FROM (
    SELECT o.order_ref, u.user_id, o.status, o.created_at, o.shipping_address, coalesce(i.total, 0) AS total_amount
    FROM import_orders o
    JOIN users u ON upper(u.email) = upper(o.user_email)
    LEFT JOIN (
        SELECT order_ref, sum(price * quantity) AS total FROM import_order_items GROUP BY order_ref
    ) i USING (order_ref)
    WHERE NOT EXISTS (SELECT FROM orders known WHERE known.external_ref = o.order_ref)
        AND NOT EXISTS (SELECT FROM archived_orders known WHERE known.external_ref = o.order_ref)
    ORDER BY o.line
) o
"""

READY_ITEMS = """
CREATE TEMPORARY TABLE ready_items ON COMMIT DROP AS
SELECT o.n, o.order_id, i.line, p.product_id, i.quantity, i.price, p.name, p.sku
FROM import_order_items i JOIN ready_orders o USING (order_ref) JOIN products p ON p.sku = i.sku
ORDER BY o.n, i.line
"""

# An order's events keep the order of the file, whatever their times say. A status without an event of its own gets
# one at the last time known of its order; of an order without any event only the placing has a time.
READY_EVENTS = """
CREATE TEMPORARY TABLE ready_events ON COMMIT DROP AS
WITH given AS (
    SELECT o.n, o.order_id, e.line, e.status, e.occurred_at, true AS is_time_known, e.actor_id, e.actor_name, e.note
    FROM import_order_events e JOIN ready_orders o USING (order_ref)
), added AS (
    SELECT o.n, o.order_id, NULL::integer, o.status, coalesce(g.last_at, o.created_at),
        g.n IS NULL AND o.status = 'pending', NULL::bigint, 'import', ''
    FROM ready_orders o
    LEFT JOIN (
        SELECT n, max(occurred_at) AS last_at, array_agg(status) AS statuses FROM given GROUP BY n
    ) g ON g.n = o.n
    WHERE g.n IS NULL OR o.status <> ALL (g.statuses)
)
SELECT e.*, row_number() OVER told AS rev, lag(status) OVER told AS status_before,
    lead(n) OVER told IS NULL AS is_last
FROM (SELECT * FROM given UNION ALL SELECT * FROM added) e
WINDOW told AS (PARTITION BY n ORDER BY line NULLS LAST)
ORDER BY n, rev
"""

INDEXES = """
CREATE UNIQUE INDEX ON ready_orders (n); CREATE INDEX ON ready_items (n); CREATE INDEX ON ready_events (n);
ANALYZE ready_orders; ANALYZE ready_items; ANALYZE ready_events;
"""

ORDERS = """
INSERT INTO orders (order_id, user_id, total_amount, status, created_at, rev, external_ref, shipping_address,
                    changed_by, changed_by_name, changed_at, change_note)
SELECT o.order_id, o.user_id, o.total_amount, o.status, o.created_at, e.rev, CASE WHEN %(keep)s THEN o.order_ref END,
    o.shipping_address, e.actor_id, e.actor_name, e.occurred_at, e.note
FROM ready_orders o JOIN ready_events e ON e.n = o.n AND e.is_last
WHERE o.n > %(after)s AND o.n <= %(upto)s
ORDER BY o.n
"""

ITEMS = """
INSERT INTO order_items (order_id, product_id, quantity, price, product_name, sku)
SELECT order_id, product_id, quantity, price, name, sku FROM ready_items
WHERE n > %(after)s AND n <= %(upto)s
ORDER BY n, line
"""

EVENTS = """
INSERT INTO history_events (order_id, rev, kind, status, occurred_at, is_time_known, actor_id, actor_name, note,
                            changes, transaction_id)
SELECT order_id, rev, CASE WHEN rev = 1 THEN 'placed' ELSE 'status' END, status, occurred_at, is_time_known,
    actor_id, actor_name, note,
    CASE WHEN status_before <> status THEN jsonb_build_object('status', jsonb_build_array(status_before, status))
        ELSE '{}' END,
    pg_current_xact_id()::text::bigint
FROM ready_events
WHERE n > %(after)s AND n <= %(upto)s
ORDER BY n, rev
"""


@dataclass
class Written:
    """How many rows were new, of each kind; events_added are those without a time of their own among the events."""

    users: int = 0
    categories: int = 0
    products: int = 0
    orders: int = 0
    items: int = 0
    events: int = 0
    events_added: int = 0


@contextmanager
def silent(what: str, total: int, unit: str) -> Iterator[Callable[[int], object]]:
    yield lambda moved: None


def write(cursor: CursorWrapper, *, keep_refs: bool = True, bar: Bar = silent) -> Written:
    """Write what is in the temporary tables and not in the real ones yet; keep_refs: order_ref as external_ref."""
    written = Written()
    written.users = write_users(cursor)
    written.categories = _write_categories(cursor)
    stock.tell(reason=Reason.IMPORT, by="import")
    cursor.execute(PRODUCTS)
    written.products = cursor.rowcount
    for statement in (READY_ORDERS, READY_ITEMS, READY_EVENTS, INDEXES):
        cursor.execute(statement)
    cursor.execute("SELECT (SELECT count(*) FROM ready_orders), (SELECT count(*) FROM ready_events WHERE line IS NULL)")
    written.orders, written.events_added = cursor.fetchone()
    with bar("writing", written.orders, "orders") as advance:
        for after in range(0, written.orders, ORDERS_AT_ONCE):
            upto = min(after + ORDERS_AT_ONCE, written.orders)
            _write_orders(cursor, {"after": after, "upto": upto, "keep": keep_refs}, written)
            advance(upto - after)
    return written


def write_users(cursor: CursorWrapper) -> int:
    """Write the users that are not there yet; return how many."""
    cursor.execute(USERS)
    return int(cursor.rowcount)


def _write_orders(cursor: CursorWrapper, which: dict[str, int], written: Written) -> None:
    cursor.execute(ORDERS, which)
    cursor.execute(ITEMS, which)
    written.items += cursor.rowcount
    cursor.execute(EVENTS, which)
    written.events += cursor.rowcount


def _write_categories(cursor: CursorWrapper) -> int:
    cursor.execute(NEW_CATEGORIES)
    names = [name for (name,) in cursor.fetchall()]
    cursor.execute("SELECT slug FROM categories")
    slugs = _slugs(names, {slug for (slug,) in cursor.fetchall()})
    cursor.executemany("INSERT INTO categories (name, slug) VALUES (%s, %s)", list(zip(names, slugs, strict=True)))
    cursor.execute(ASSIGN_CATEGORIES)
    return len(names)


def _slugs(names: Sequence[str], taken: set[str]) -> list[str]:
    """Return a slug for each name, numbered where two names would share one."""
    slugs = []
    for name in names:
        base = slugify(name)[:LONGEST_SLUG] or "category"
        slug, number = base, 1
        while slug in taken:
            number += 1
            slug = f"{base[: LONGEST_SLUG - 1 - len(str(number))]}-{number}"
        taken.add(slug)
        slugs.append(slug)
    return slugs
