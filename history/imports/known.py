"""Compare a book with the orders that are there already, archived ones included, and bring live ones up to date.

An order that is ahead in the book gets its new items and statuses; one that went on here since is left as it is.
Everything else contradicts: the caller treats it as a problem of the book.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from orders.models import Order, OrderItem
from orders.services import WHO_AND_WHY, sign
from orders.status import Status, allowed_after

ACTOR = "import"

# An order may be in one file alone. Signing moves a time on by microseconds, so times are compared by milliseconds.
KNOWN = """
CREATE TEMPORARY TABLE import_known ON COMMIT DROP AS
SELECT r.order_ref, o.line, o.status, o.created_at, u.user_id, k.order_id, k.rev, k.status AS status_here,
    k.created_at AS created_here, k.user_id AS user_here, k.total_amount, k.is_archived
FROM (SELECT order_ref FROM import_orders UNION SELECT order_ref FROM import_order_items
    UNION SELECT order_ref FROM import_order_events) r
JOIN every_order k ON k.external_ref = r.order_ref
LEFT JOIN import_orders o USING (order_ref)
LEFT JOIN users u ON upper(u.email) = upper(o.user_email);
CREATE UNIQUE INDEX ON import_known (order_ref);
ANALYZE import_known;

CREATE TEMPORARY TABLE import_new_items ON COMMIT DROP AS
SELECT order_ref, book.line, sku, price, coalesce(book.quantity, 0) - coalesce(here.quantity, 0) AS quantity
FROM (SELECT order_ref, sku, price, sum(quantity) AS quantity, min(i.line) AS line
    FROM import_order_items i JOIN import_known USING (order_ref) WHERE NOT is_archived GROUP BY 1, 2, 3) book
FULL JOIN (SELECT k.order_ref, i.sku, i.price, sum(i.quantity) AS quantity
    FROM import_known k JOIN order_items i USING (order_id)
    WHERE EXISTS (SELECT FROM import_order_items b WHERE b.order_ref = k.order_ref) GROUP BY 1, 2, 3) here
    USING (order_ref, sku, price)
WHERE book.quantity IS DISTINCT FROM here.quantity;

CREATE TEMPORARY TABLE import_new_events ON COMMIT DROP AS
SELECT k.order_ref, b.line, b.status, b.occurred_at, here.last_at
FROM import_known k JOIN import_order_events b USING (order_ref)
CROSS JOIN LATERAL (SELECT max(occurred_at) AS last_at FROM history_events e
    WHERE e.order_id = k.order_id AND e.kind IN ('placed', 'status')) here
WHERE NOT k.is_archived AND NOT EXISTS (SELECT FROM history_events e
    WHERE e.order_id = k.order_id AND e.status = b.status AND e.kind IN ('placed', 'status')
        AND date_trunc('milliseconds', e.occurred_at) = date_trunc('milliseconds', b.occurred_at));

CREATE TEMPORARY TABLE import_differences (sheet text, line integer, key text, reason text, kind text) ON COMMIT DROP;
"""

DIFFERENCES = (
    # Who ordered it, and when.
    """
    SELECT 'orders', line, order_ref, 'it is there already, of another customer', 'contradicts'
    FROM import_known WHERE user_id <> user_here
    UNION ALL
    SELECT 'orders', line, order_ref, format('created_at: it is there already, placed at ''%s''', created_here),
        'contradicts'
    FROM import_known WHERE created_at <> created_here
    """,
    # An archived one is all in MongoDB; its row here says enough.
    """
    SELECT 'orders', k.line, order_ref, format(
        'it is archived as ''%s'', %s, and the book has ''%s'', %s: restore it first, in the back office',
        status_here, total_amount, status, coalesce(total, total_amount)), 'contradicts'
    FROM import_known k LEFT JOIN (
        SELECT order_ref, sum(price * quantity) AS total FROM import_order_items GROUP BY 1
    ) book USING (order_ref)
    WHERE is_archived AND (status <> status_here OR total <> total_amount)
    """,
    # Its items, and what they come to. What was taken back or changed here is not brought again.
    """
    SELECT 'order_items', coalesce(i.line, any_line), order_ref,
        format('sku ''%s'' at %s: %s', i.sku, i.price, CASE
            WHEN i.quantity < 0 THEN format('the order that is there has %s more', -i.quantity)
            WHEN o.holds_stock OR changed.here
                THEN format('the order, whose items were changed here, has %s less', i.quantity)
            ELSE format('%s are not in the order yet', i.quantity) END),
        CASE WHEN i.quantity < 0 OR o.holds_stock OR changed.here THEN 'contradicts' ELSE 'ahead' END
    FROM import_new_items i JOIN import_known k USING (order_ref) JOIN orders o USING (order_id)
    CROSS JOIN LATERAL (SELECT min(line) AS any_line FROM import_order_items b WHERE b.order_ref = k.order_ref) book
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM refunds r WHERE r.order_id = k.order_id) OR EXISTS (
        SELECT FROM history_events e WHERE e.order_id = k.order_id AND e.changes ? 'items' AND e.actor_name <> 'import'
    ) AS here) changed
    """,
    """
    SELECT 'orders', k.line, order_ref,
        format('its items come to %s, the order that is there to %s', total, total_amount), 'contradicts'
    FROM import_known k JOIN (
        SELECT order_ref, sum(price * quantity) AS total FROM import_order_items GROUP BY 1
    ) book USING (order_ref)
    WHERE NOT is_archived AND total <> total_amount
        AND NOT EXISTS (SELECT FROM import_new_items i WHERE i.order_ref = k.order_ref)
    """,
    # Events, and the status.
    """
    SELECT 'order_events', line, order_ref,
        CASE WHEN occurred_at < last_at
            THEN format('the order has no ''%s'' at ''%s'', and later events', status, occurred_at)
            ELSE format('''%s'' at ''%s'' is not in the order yet', status, occurred_at) END,
        CASE WHEN occurred_at < last_at THEN 'contradicts' ELSE 'ahead' END
    FROM import_new_events
    """,
    """
    SELECT 'orders', k.line, order_ref,
        format('status ''%s'': the order that is there is ''%s''', k.status, status_here),
        CASE WHEN EXISTS (SELECT FROM history_events e WHERE e.order_id = k.order_id AND e.status = k.status
            AND e.kind IN ('placed', 'status')) THEN 'behind' ELSE 'ahead' END
    FROM import_known k
    WHERE NOT is_archived AND k.status <> status_here
        AND NOT EXISTS (SELECT FROM import_new_events e WHERE e.order_ref = k.order_ref)
    """,
)

PLANS = """
SELECT k.order_id, k.rev, k.order_ref, coalesce(k.line, 0),
    CASE WHEN NOT EXISTS (SELECT FROM import_differences d WHERE d.key = k.order_ref AND d.kind = 'behind')
        THEN k.status END,
    k.status_here, o.holds_stock,
    e.line, e.status, e.occurred_at
FROM import_known k JOIN orders o USING (order_id) LEFT JOIN import_new_events e USING (order_ref)
WHERE EXISTS (SELECT FROM import_differences d WHERE d.key = k.order_ref AND d.kind = 'ahead')
    AND NOT EXISTS (SELECT FROM import_problems p WHERE p.key = k.order_ref AND p.sheet LIKE 'order%')
    AND NOT EXISTS (SELECT FROM import_differences d WHERE d.key = k.order_ref AND d.kind = 'contradicts')
ORDER BY k.order_id, e.occurred_at, e.line
"""

NEW_ITEMS = """
SELECT p.product_id, p.name, p.sku, i.quantity, i.price FROM import_new_items i JOIN products p USING (sku)
WHERE i.order_ref = %s ORDER BY i.line
"""


class Step(NamedTuple):
    """at: None where the book does not say when."""

    line: int
    to: str
    at: datetime | None


@dataclass(frozen=True)
class Plan:
    """What an order that is ahead in the book has more than the one that is there, at revision rev."""

    order_id: int
    rev: int
    ref: str
    line: int
    status_here: str
    holds_stock: bool
    steps: list[Step]

    def refusal(self) -> tuple[str, int, str, str] | None:
        """Return the problem of the first step that the table of statuses does not have."""
        status = self.status_here
        for step in self.steps:
            sheet = "order_events" if step.at else "orders"
            if step.to not in allowed_after(status):
                return sheet, step.line, self.ref, f"the order is '{status}' then and cannot become '{step.to}'"
            if step.to == Status.CANCELLED and self.holds_stock:
                return sheet, step.line, self.ref, "the order took its items out of stock: cancel it in the back office"
            status = step.to
        return None


class Changed(Exception):
    """An order changed between the comparison and its update."""


def compare(cursor: CursorWrapper) -> None:
    """Fill import_differences."""
    cursor.execute(KNOWN)
    for differences in DIFFERENCES:
        cursor.execute(f"INSERT INTO import_differences {differences}")
    refused = [refusal for plan in plans(cursor) if (refusal := plan.refusal())]
    cursor.executemany("INSERT INTO import_differences VALUES (%s, %s, %s, %s, 'contradicts')", refused)
    cursor.execute("UPDATE import_differences SET reason = format('order ''%s'': %s', key, reason)")


def refuse_contradictions(cursor: CursorWrapper) -> None:
    """Make problems of what cannot be updated."""
    cursor.execute(
        "INSERT INTO import_problems SELECT sheet, line, key, reason FROM import_differences WHERE kind = 'contradicts'"
    )


def plans(cursor: CursorWrapper) -> list[Plan]:
    """Return a plan for each order that is ahead in the book and in nothing refused."""
    cursor.execute(PLANS)
    return [_plan(list(rows)) for _, rows in groupby(cursor.fetchall(), key=lambda row: row[0])]


def _plan(rows: list[tuple[Any, ...]]) -> Plan:
    order_id, rev, ref, line, status, status_here, holds_stock, *_ = rows[0]
    steps = [Step(line, to, at) for *_, line, to, at in rows if to]
    if status not in (None, steps[-1].to if steps else status_here):
        steps.append(Step(line, status, None))
    return Plan(order_id, rev, ref, line, status_here, holds_stock, steps)


def update(cursor: CursorWrapper) -> Iterator[tuple[Plan, int]]:
    """Carry out each plan, and yield it with the number of its new items; the triggers record every step.

    Only what is behind stays in import_differences. Raises Changed.
    """
    found = plans(cursor)
    cursor.execute("SET LOCAL history.capture = 'on'")
    for plan in found:
        cursor.execute(NEW_ITEMS, [plan.ref])
        items = cursor.fetchall()
        _carry_out(plan, items)
        yield plan, len(items)
    cursor.execute("DELETE FROM import_differences WHERE kind <> 'behind'")


def _carry_out(plan: Plan, items: list[tuple[int, str, str, int, Decimal]]) -> None:
    order = Order.objects.select_for_update(no_key=True).filter(pk=plan.order_id, rev=plan.rev).first()
    if order is None:
        raise Changed(f"order '{plan.ref}' was changed while the book was read")
    if items:
        order.total_amount += sum(price * quantity for *_, quantity, price in items)
        # They have no time of their own: right after what is known.
        _save(order, "total_amount", at=order.changed_at)
        OrderItem.objects.bulk_create(
            OrderItem(order=order, product_id=pk, product_name=name, sku=sku, quantity=quantity, price=price)
            for pk, name, sku, quantity, price in items
        )
    for step in plan.steps:
        order.status = step.to
        _save(order, "status", at=step.at or timezone.now())


def _save(order: Order, field: str, *, at: datetime) -> None:
    sign(order, by=ACTOR, at=at, note="")
    order.save(update_fields=[field, *WHO_AND_WHY])
