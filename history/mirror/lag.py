"""How far the mirror is behind. Source: PostgreSQL history_events."""

from __future__ import annotations

from typing import Any

from django.db import connection

# Latest deliveries looked at for the lag: the last hour's, and no more than these of a busy shop.
SAMPLE = 100_000

STATUS = """
SELECT
    (SELECT count(*) FROM history_events WHERE delivered_at IS NULL),
    (SELECT count(DISTINCT order_id) FROM history_events WHERE delivered_at IS NULL),
    (SELECT count(*) FROM history_events WHERE delivered_at IS NULL AND parked_at IS NOT NULL),
    (SELECT extract(epoch FROM clock_timestamp() - min(recorded_at)) FROM history_events WHERE delivered_at IS NULL),
    latest.at, latest.p50, latest.p99
FROM (
    SELECT max(delivered_at) AS at,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY delivered_at - recorded_at) AS p50,
        percentile_disc(0.99) WITHIN GROUP (ORDER BY delivered_at - recorded_at) AS p99
    FROM (SELECT delivered_at, recorded_at FROM history_events ORDER BY event_id DESC LIMIT %s) AS latest
    WHERE delivered_at > clock_timestamp() - interval '1 hour'
) AS latest
"""


def status() -> dict[str, Any]:
    """Return what people want to know of the mirror's state, by name, ready to be shown."""
    with connection.cursor() as cursor:
        cursor.execute(STATUS, [SAMPLE])
        pending, orders, parked, oldest, at, p50, p99 = cursor.fetchone()
    return {
        "pending events": pending,
        "orders behind": orders,
        "parked events": parked,
        "oldest pending": "-" if oldest is None else f"{oldest:.1f} s",
        "last delivery": at or "-",
        "lag p50, last hour": p50 if p50 is not None else "-",
        "lag p99, last hour": p99 if p99 is not None else "-",
    }
