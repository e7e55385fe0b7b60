"""What can only be seen across rows: duplicates, references to nothing, totals too large.

Each check writes its findings to import_problems, beside those of single rows.
"""

from __future__ import annotations

from django.db.backends.utils import CursorWrapper

LARGEST_TOTAL = "9999999999.99"

DUPLICATE = """
INSERT INTO import_problems
SELECT '{sheet}', line, {key}, format('{key} ''%s'' is already on line %s', {key}, first)
FROM (SELECT line, {key}, min(line) OVER (PARTITION BY {same}) AS first FROM import_{sheet}) numbered
WHERE line > first
"""

UNKNOWN_EMAIL = """
INSERT INTO import_problems
SELECT 'orders', o.line, o.order_ref,
    CASE WHEN EXISTS (SELECT FROM import_problems p WHERE p.sheet = 'users' AND upper(p.key) = upper(o.user_email))
        THEN format('user_email ''%s'' was refused in users', o.user_email)
        ELSE format('user_email ''%s'' is neither in users nor in the database', o.user_email) END
FROM import_orders o
WHERE NOT EXISTS (SELECT FROM import_users u WHERE upper(u.email) = upper(o.user_email))
  AND NOT EXISTS (SELECT FROM users u WHERE upper(u.email) = upper(o.user_email))
"""

UNKNOWN_SKU = """
INSERT INTO import_problems
SELECT 'order_items', i.line, i.order_ref,
    CASE WHEN EXISTS (SELECT FROM import_problems p WHERE p.sheet = 'products' AND p.key = i.sku)
        THEN format('sku ''%s'' was refused in products', i.sku)
        ELSE format('sku ''%s'' is neither in products nor in the database', i.sku) END
FROM import_order_items i
WHERE NOT EXISTS (SELECT FROM import_products p WHERE p.sku = i.sku)
  AND NOT EXISTS (SELECT FROM products p WHERE p.sku = i.sku)
"""

# An order that was refused is known: its items need no complaint of their own.
UNKNOWN_ORDER = """
INSERT INTO import_problems
SELECT '{sheet}', r.line, r.order_ref,
    format('order_ref ''%s'' is neither in orders nor in the database', r.order_ref)
FROM import_{sheet} r
WHERE NOT EXISTS (SELECT FROM import_orders o WHERE o.order_ref = r.order_ref)
  AND NOT EXISTS (SELECT FROM orders o WHERE o.external_ref = r.order_ref)
  AND NOT EXISTS (SELECT FROM archived_orders o WHERE o.external_ref = r.order_ref)
  AND NOT EXISTS (SELECT FROM import_problems p WHERE p.sheet = 'orders' AND p.key = r.order_ref)
"""

TOTAL_TOO_LARGE = f"""
INSERT INTO import_problems
SELECT 'orders', o.line, o.order_ref, 'the total of its items is more than {LARGEST_TOTAL}'
FROM import_orders o
JOIN (SELECT order_ref, sum(price * quantity) AS total FROM import_order_items GROUP BY order_ref) i USING (order_ref)
WHERE i.total > {LARGEST_TOTAL}
"""  # noqa: S608 (a constant)

DUPLICATE_EVENT = """
INSERT INTO import_problems
SELECT 'order_events', line, order_ref, format('status ''%s'' at this time is already on line %s', status, first)
FROM (SELECT *, min(line) OVER (PARTITION BY order_ref, status, occurred_at) AS first FROM import_order_events) numbered
WHERE line > first
"""

# An order's last event says what it is, unless none has its status.
OTHER_STATUS = """
INSERT INTO import_problems
SELECT 'orders', o.line, o.order_ref, format('status ''%s'' is not that of its last event, ''%s''', o.status, e.last)
FROM import_orders o
JOIN (
    SELECT order_ref, array_agg(status) AS statuses, (array_agg(status ORDER BY line DESC))[1] AS last
    FROM import_order_events GROUP BY order_ref
) e USING (order_ref)
WHERE o.status = ANY (e.statuses) AND o.status <> e.last AND {unrefused}
"""

TOO_EARLY = """
INSERT INTO import_problems
SELECT 'order_events', e.line, e.order_ref, format('occurred_at is before the order, placed on line %s', o.line)
FROM import_order_events e JOIN import_orders o USING (order_ref) WHERE e.occurred_at < o.created_at AND {unrefused}
"""

WITHOUT_ITEMS = """
INSERT INTO import_problems
SELECT 'orders', o.line, o.order_ref, 'the order has no items'
FROM import_orders o
WHERE NOT EXISTS (SELECT FROM import_order_items i WHERE i.order_ref = o.order_ref)
  AND NOT EXISTS (SELECT FROM every_order k WHERE k.external_ref = o.order_ref)
  AND {unrefused}
"""

# One problem of an order is enough.
UNREFUSED = "NOT EXISTS (SELECT FROM import_problems p WHERE p.key = o.order_ref AND p.sheet LIKE 'order%')"

CHECKS = (
    DUPLICATE.format(sheet="users", key="email", same="upper(email)"),
    DUPLICATE.format(sheet="products", key="sku", same="sku"),
    DUPLICATE.format(sheet="orders", key="order_ref", same="order_ref"),
    UNKNOWN_EMAIL,
    UNKNOWN_SKU,
    UNKNOWN_ORDER.format(sheet="order_items"),
    UNKNOWN_ORDER.format(sheet="order_events"),
    TOTAL_TOO_LARGE,
    DUPLICATE_EVENT,
    OTHER_STATUS.format(unrefused=UNREFUSED),
)
# Real books have a few of each; a caller may allow them.
ODDITIES = (TOO_EARLY.format(unrefused=UNREFUSED), WITHOUT_ITEMS.format(unrefused=UNREFUSED))

# Of two rows for one user or product the first is kept.
DROP_BAD_ROWS = """
DELETE FROM import_{sheet} r USING import_problems p WHERE p.sheet = '{sheet}' AND p.line = r.line
"""

# An order with a bad row anywhere goes as a whole: half an order would be a wrong one.
DROP_BAD_ORDERS = """
WITH bad AS (
    SELECT DISTINCT key FROM import_problems WHERE sheet IN ('orders', 'order_items', 'order_events')
), dropped AS (
    DELETE FROM import_{sheet} r USING bad WHERE r.order_ref = bad.key RETURNING r.line, r.order_ref
)
INSERT INTO import_companions
SELECT '{sheet}', d.line, d.order_ref, format('another row of order ''%s'' was refused', d.order_ref)
FROM dropped d
WHERE NOT EXISTS (SELECT FROM import_problems p WHERE p.sheet = '{sheet}' AND p.line = d.line)
"""


def run(cursor: CursorWrapper, *, allow_odd: bool) -> None:
    """Find the problems across rows."""
    for check in CHECKS if allow_odd else (*CHECKS, *ODDITIES):
        cursor.execute(check)


def drop_bad(cursor: CursorWrapper) -> int:
    """Take the bad rows, and all rows of orders that have one, out of the tables; return how many orders went.

    The good rows that go with their order join import_problems, so that they are written to the rejects too.
    """
    # Apart while we look, or a companion would make the next table's rows its companions.
    cursor.execute("CREATE TEMPORARY TABLE import_companions (LIKE import_problems) ON COMMIT DROP")
    for sheet in ("users", "products"):
        cursor.execute(DROP_BAD_ROWS.format(sheet=sheet))
    for sheet in ("order_items", "order_events", "orders"):
        cursor.execute(DROP_BAD_ORDERS.format(sheet=sheet))
    cursor.execute("INSERT INTO import_problems SELECT * FROM import_companions")
    cursor.execute("SELECT count(DISTINCT key) FROM import_problems WHERE sheet = 'orders'")
    (orders,) = cursor.fetchone()
    return int(orders)
