"""What a day's rollup is made of, as PostgreSQL holds it: the orders placed that day and what it needs to know of each.

Source: PostgreSQL orders, order_items, history_events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from history.rollups import archived
from history.rollups.placed import MOST_CENTS, Placed
from history.rollups.queue import FIRST_DAY, LAST_DAY
from history.rollups.shape import STEPS
from orders.status import WITHOUT_REVENUE

# Rows made into Python's values at a time: nothing else runs in the process meanwhile, and a relay is to.
ROWS = 200

# One statement is one snapshot. A day is told by its date alone: midnight may come twice in a zone, or not at all, so
# the range, which is there for the index, is a day wider on both sides. Times are cut to milliseconds as documents
# keep them.
READ = """
WITH placed AS MATERIALIZED (
    SELECT wanted.day, o.order_id, o.user_id, o.status, o.total_amount, o.created_at, o.is_archived
    FROM unnest(%(days)s::date[]) AS wanted (day) CROSS JOIN LATERAL (
        SELECT * FROM every_order o
        WHERE created_at >= wanted.day::timestamp AT TIME ZONE %(zone)s - interval '1 day'
            AND created_at < wanted.day::timestamp AT TIME ZONE %(zone)s + interval '2 days'
            AND (created_at AT TIME ZONE %(zone)s)::date = wanted.day
            AND (%(orders)s::bigint[] IS NULL OR order_id = ANY(%(orders)s))
        OFFSET 0  -- or the planner reads the whole table once, however few the days
    ) o
), counted AS (
    SELECT order_id, created_at,
        first_value(created_at) OVER ever AS first_at,
        row_number() OVER ever AS nth,
        row_number() OVER (
            PARTITION BY user_id, date_trunc('month', created_at AT TIME ZONE %(zone)s) ORDER BY created_at, order_id
        ) AS nth_of_month
    FROM every_order o
    WHERE user_id = ANY(ARRAY(SELECT user_id FROM placed)) AND status <> ALL(%(uncounted)s)
        AND created_at BETWEEN '{first_day}' AND '{last_day}'
    WINDOW ever AS (PARTITION BY user_id ORDER BY created_at, order_id)
)
SELECT placed.day, placed.order_id, placed.user_id, placed.status, (placed.total_amount * 100)::bigint,
    floor(extract(epoch FROM placed.created_at) * 1000)::bigint,
    items.product_ids, items.quantities, items.cents,
    floor(extract(epoch FROM paid.at - date_trunc('milliseconds', placed.created_at)) / 60)::bigint,
    floor(extract(epoch FROM shipped.at - paid.at) / 60)::bigint,
    floor(extract(epoch FROM delivered.at - shipped.at) / 60)::bigint,
    to_char(counted.first_at AT TIME ZONE %(zone)s, 'YYYYMM')::integer,
    counted.nth_of_month = 1, counted.nth,
    counted.created_at <= counted.first_at + interval '2160 hours', placed.is_archived
FROM placed
LEFT JOIN counted USING (order_id)
LEFT JOIN LATERAL (
    SELECT array_agg(product_id ORDER BY order_item_id) AS product_ids,
        array_agg(quantity ORDER BY order_item_id) AS quantities,
        array_agg(least(price * quantity * 100, {most_cents})::bigint ORDER BY order_item_id) AS cents
    FROM order_items WHERE order_items.order_id = placed.order_id
) items ON true
-- A number may have been given again after its order was deleted: the life since the latest placing counts.
LEFT JOIN LATERAL (
    SELECT max(rev) AS rev FROM history_events e WHERE e.order_id = placed.order_id AND e.kind = 'placed'
) life ON true
{steps}
ORDER BY placed.day, placed.order_id
"""

# The first event of a status says when it was reached, or that nobody knows when.
STEP = """LEFT JOIN LATERAL (
    SELECT CASE WHEN is_time_known THEN date_trunc('milliseconds', occurred_at) END AS at FROM history_events e
    WHERE e.order_id = placed.order_id AND e.rev >= coalesce(life.rev, 0) AND e.status = '{step}' ORDER BY rev LIMIT 1
) {step} ON true"""

READ_DAYS = READ.format(
    most_cents=MOST_CENTS,
    first_day=FIRST_DAY,
    last_day=LAST_DAY,
    steps="\n".join(STEP.format(step=step) for step in STEPS),
)


def read(days: Collection[date], order_ids: Collection[int] | None = None) -> Iterator[tuple[date, list[Placed]]]:
    """Yield each of the days with the orders placed on it, by number, by one statement.

    One day after the other, so that no more than one need be in memory as orders. order_ids: no others than these.
    """
    empty = {*days}
    parameters = {
        "days": list(days),
        "zone": settings.TIME_ZONE,
        "uncounted": list(WITHOUT_REVENUE),
        "orders": None if order_ids is None else list(order_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(READ_DAYS, parameters)
        for day, rows in groupby(_rows(cursor), key=itemgetter(0)):
            empty.remove(day)
            yield day, archived.filled_in([Placed._make(rest) for _, *rest in rows])
    yield from ((day, []) for day in empty)


def _rows(cursor: CursorWrapper) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(ROWS):
        yield from rows
