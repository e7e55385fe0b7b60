"""Which days have to be counted anew, kept in the table rollup_queue.

A day's rollup depends on the orders placed that day and, for who is new and who comes back, on earlier orders of the
same customers. Days are told by the state when the change is delivered: what changes later brings an event of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from core.row_isolation import Isolation
from orders.status import WITHOUT_REVENUE

# Days that Python knows in every zone; an order of another is no document either.
FIRST_DAY, LAST_DAY = "0001-01-03", "9999-12-29"

# Placing, and going in or out of being counted, move whatever the customer ordered since. Where the order was moved,
# changed hands or is gone, the state now does not say from when on: then all that its customers ordered.
TOUCHED = f"""
WITH touching AS (
    SELECT e.recorded_at, o.user_id, o.created_at, e.changes -> 'order' -> 0 AS lost, e.changes,
        e.kind = 'placed' OR (e.changes -> 'status' ->> 0 = ANY(%(uncounted)s))
            IS DISTINCT FROM (e.changes -> 'status' ->> 1 = ANY(%(uncounted)s)) AS is_ranked_anew,
        e.kind = 'deleted' OR e.changes ? 'user_id' OR e.changes ? 'created_at' AS is_moved
    FROM history_events e
    -- LIMIT, or the planner reads the whole table for a batch.
    LEFT JOIN LATERAL (SELECT * FROM every_order o WHERE o.order_id = e.order_id LIMIT 1) o ON true
    WHERE e.event_id = ANY(%(events)s) AND e.order_id IS NOT NULL
), customers AS (
    SELECT who.user_id, min(recorded_at) AS recorded_at,
        min(CASE WHEN is_moved THEN '-infinity' ELSE created_at END) AS from_on
    FROM touching CROSS JOIN LATERAL (VALUES
        (user_id), ((changes -> 'user_id' ->> 0)::bigint), ((changes -> 'user_id' ->> 1)::bigint),
        ((lost ->> 'user_id')::bigint)
    ) AS who (user_id)
    WHERE is_ranked_anew OR is_moved
    GROUP BY who.user_id
), moments AS (
    SELECT recorded_at, moment.at
    FROM touching CROSS JOIN LATERAL (VALUES
        (created_at), ((changes -> 'created_at' ->> 0)::timestamptz), ((lost ->> 'created_at')::timestamptz)
    ) AS moment (at)
    UNION ALL
    SELECT recorded_at, o.created_at
    FROM customers JOIN every_order o ON o.user_id = customers.user_id AND o.created_at >= customers.from_on
    WHERE o.status <> ALL(%(uncounted)s)
)
SELECT (at AT TIME ZONE %(zone)s)::date AS day, min(recorded_at) AS since
FROM moments WHERE at BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}'
GROUP BY 1
"""  # noqa: S608 - nothing in it comes from outside

ADD = f"INSERT INTO rollup_queue (day, since) {TOUCHED}"

ADD_DAYS = "INSERT INTO rollup_queue (day, since) SELECT day, now() FROM unnest(%s::date[]) AS t (day)"

ALL_DAYS = f"""
SELECT DISTINCT (created_at AT TIME ZONE %s)::date FROM every_order o
WHERE created_at BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}'
"""  # noqa: S608

ORDERS_OF = f"""
SELECT order_id, (created_at AT TIME ZONE %(zone)s)::date FROM every_order o
WHERE created_at BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}' AND (created_at AT TIME ZONE %(zone)s)::date = ANY(%(days)s)
    AND created_at >= (SELECT min(day) FROM unnest(%(days)s) day)::timestamp AT TIME ZONE %(zone)s - interval '1 day'
    AND created_at < (SELECT max(day) FROM unnest(%(days)s) day)::timestamp AT TIME ZONE %(zone)s + interval '2 days'
"""  # noqa: S608

# A day that Python does not know, of before these were refused.
REMOVE_IMPOSSIBLE = f"DELETE FROM rollup_queue WHERE day NOT BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}'"  # noqa: S608

TAKE = """
SELECT id, day FROM rollup_queue
WHERE day IN (SELECT DISTINCT day FROM rollup_queue ORDER BY day DESC LIMIT %s)
"""


def add(events: Sequence[int]) -> None:
    """Queue the days that these events touch; to be called in the transaction that marks them delivered."""
    EVENTS.run(events, _add)


def _add(events: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADD, _parameters(events))


EVENTS: Isolation[int] = Isolation("Reports", "history_events", lambda event: _add([event]))


def add_days(days: Sequence[date]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADD_DAYS, [list(days)])


def touched_by(events: Sequence[int]) -> dict[date, datetime]:
    """The days that these events touch, and since when."""
    with connection.cursor() as cursor:
        cursor.execute(TOUCHED, _parameters(events))
        return dict(cursor.fetchall())


def days_with_orders() -> set[date]:
    with connection.cursor() as cursor:
        cursor.execute(ALL_DAYS, [settings.TIME_ZONE])
        return {day for (day,) in cursor.fetchall()}


def orders_of(days: Iterable[date]) -> dict[int, date]:
    """The orders placed on these days, each with its day."""
    with connection.cursor() as cursor:
        cursor.execute(ORDERS_OF, {"days": list(days), "zone": settings.TIME_ZONE})
        return dict(cursor.fetchall())


def day_of(order_id: int) -> set[date]:
    """The day of an order; none where there is no such order, or no such day."""
    with connection.cursor() as cursor:
        cursor.execute(f"{ALL_DAYS} AND order_id = %s", [settings.TIME_ZONE, order_id])
        return {day for (day,) in cursor.fetchall()}


def take(cursor: CursorWrapper, most: int) -> tuple[list[date], list[int]]:
    """The newest days of the queue, and all its rows about them; rows that come later stay for the next time."""
    cursor.execute(REMOVE_IMPOSSIBLE)
    cursor.execute(TAKE, [most])
    rows = cursor.fetchall()
    return sorted({day for _, day in rows}), [number for number, _ in rows]


def remove(cursor: CursorWrapper, rows: Sequence[int]) -> None:
    cursor.execute("DELETE FROM rollup_queue WHERE id = ANY(%s)", [list(rows)])


def _parameters(events: Sequence[int]) -> dict[str, str | list[Any]]:
    return {"events": list(events), "zone": settings.TIME_ZONE, "uncounted": list(WITHOUT_REVENUE)}
