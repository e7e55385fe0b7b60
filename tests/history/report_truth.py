"""The truth that reports are held against: PostgreSQL's own rows, chosen by SQL that knows nothing of the reports.

Temporary tables: truth_orders and truth_steps hold every order in one zone; placed and earlier those that a question
chooses and those it is compared with, sold and sold_earlier their counted items. Live orders alone.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from history.reports.filters import Filters
from history.reports.periods import Period
from history.reports.question import Question

Rows = list[dict[str, Any]]

EVERY_ORDER = """
DROP TABLE IF EXISTS truth_orders, truth_steps;
CREATE TEMPORARY TABLE truth_orders AS
SELECT o.order_id, o.user_id, u.name AS customer, o.status, o.total_amount,
    date_trunc('milliseconds', o.created_at) AS at, (o.created_at AT TIME ZONE %(zone)s)::date AS day, o.is_counted,
    (min(o.created_at) FILTER (WHERE is_counted) OVER (PARTITION BY user_id) AT TIME ZONE %(zone)s)::date AS first_day,
    row_number() OVER (PARTITION BY user_id, is_counted ORDER BY o.created_at, order_id) AS nth,
    o.created_at <= min(o.created_at) FILTER (WHERE is_counted) OVER (PARTITION BY user_id) + interval '2160 hours'
        AS is_soon
FROM (SELECT *, status NOT IN ('cancelled', 'returned') AS is_counted FROM orders) o JOIN users u USING (user_id);

-- Minutes from the step before, where both times are known; of a number given again its latest life.
CREATE TEMPORARY TABLE truth_steps AS
WITH life AS (
    SELECT order_id, coalesce(max(rev) FILTER (WHERE kind = 'placed'), 0) AS began FROM history_events GROUP BY 1
), reached AS (
    SELECT DISTINCT ON (e.order_id, status) e.order_id, status,
        CASE WHEN is_time_known THEN date_trunc('milliseconds', occurred_at) END AS at
    FROM history_events e JOIN life USING (order_id) WHERE rev >= began ORDER BY e.order_id, status, rev
)
SELECT o.order_id, o.status, o.day, floor(extract(epoch FROM paid.at - o.at) / 60) AS paid,
    floor(extract(epoch FROM shipped.at - paid.at) / 60) AS shipped,
    floor(extract(epoch FROM delivered.at - shipped.at) / 60) AS delivered
FROM truth_orders o
LEFT JOIN reached paid ON paid.order_id = o.order_id AND paid.status = 'paid'
LEFT JOIN reached shipped ON shipped.order_id = o.order_id AND shipped.status = 'shipped'
LEFT JOIN reached delivered ON delivered.order_id = o.order_id AND delivered.status = 'delivered';
CREATE INDEX ON truth_orders (day);
ANALYZE truth_orders, truth_steps
"""

# Units and amounts are of whole orders, or of the chosen items at the price as sold.
CHOSEN = """
DROP TABLE IF EXISTS {orders}, {items};
CREATE TEMPORARY TABLE {orders} AS
SELECT o.*, coalesce(of_order.units, 0) AS units, {amount} AS amount
FROM truth_orders o {join} (
    SELECT i.order_id, sum(i.quantity) AS units, sum(i.price * i.quantity) AS amount
    FROM order_items i LEFT JOIN products p USING (product_id) WHERE {of_items} GROUP BY i.order_id
) of_order USING (order_id)
WHERE o.day BETWEEN %(first)s AND %(last)s AND o.status = ANY(%(statuses)s) AND {of_orders};

CREATE TEMPORARY TABLE {items} AS
SELECT o.order_id, o.day, i.product_id, i.quantity, i.price * i.quantity AS amount
FROM {orders} o JOIN order_items i USING (order_id) LEFT JOIN products p USING (product_id)
WHERE o.is_counted AND {of_items};
ANALYZE {orders}, {items}
"""
# What a filter means in SQL; nothing where it is not given.
OF_ITEMS = {
    "category": "p.category_id IS NOT DISTINCT FROM nullif(%(category)s, 0)",
    "product": "i.product_id = %(product)s",
}
OF_ORDERS = {
    "customer": "o.user_id = %(customer)s",
    "first_from": "o.first_day >= %(first_from)s",
    "first_to": "o.first_day <= %(first_to)s",
}


def ask(sql: str, **values: Any) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def take_every_order(zone: str) -> None:
    """Take all orders as they stand now."""
    _execute(EVERY_ORDER, {"zone": zone})


def choose(question: Question) -> None:
    """Take the orders that the question chooses, and those that it compares them with."""
    _choose("placed", "sold", question.period, question.filters)
    nothing = Period(question.period.last, question.period.first)
    is_compared = question.compared is not None
    _choose("earlier", "sold_earlier", question.compared if is_compared else nothing, question.filters)


def _choose(orders: str, items: str, period: Period, filters: Filters) -> None:
    given = {name: value for name in (*OF_ITEMS, *OF_ORDERS) if (value := getattr(filters, name)) is not None}
    is_any_product = given.get("product") == 0
    of_items = [OF_ITEMS[name] for name in OF_ITEMS if name in given and not (name == "product" and is_any_product)]
    is_of_items = "product" in given or "category" in given
    sql = CHOSEN.format(
        orders=orders,
        items=items,
        join="JOIN" if is_of_items else "LEFT JOIN",
        amount="of_order.amount" if is_of_items else "o.total_amount",
        of_items=" AND ".join(of_items or ["true"]),
        of_orders=" AND ".join([OF_ORDERS[name] for name in OF_ORDERS if name in given] or ["true"]),
    )
    values = given | {"first": period.first, "last": period.last, "statuses": sorted(filters.statuses)}
    _execute(sql, values)


def _execute(sql: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
