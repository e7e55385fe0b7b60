"""How far the mirror is behind, now and minute by minute. Source: PostgreSQL alone, so it is told with MongoDB down."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format

from core.dates import retained_since
from core.db.batches import delete_in_batches
from history.models import Event, MirrorSample
from users import api_answers

# Deliveries looked at for the lag: those of so many events, up to where delivery has come.
WINDOW = 100_000
# Events behind that point that another relay may have delivered already.
BEYOND = 20_000
# Answers of the API forgotten a minute.
ANSWERS_AT_ONCE = 10_000
# A column of milliseconds holds no more.
LONGEST = "interval '24 days'"

DELIVERED = f"""
WITH reached AS (
    SELECT coalesce(
        (SELECT min(event_id) FROM history_events WHERE delivered_at IS NULL AND parked_at IS NULL),
        (SELECT max(event_id) FROM history_events), 0) AS event_id
), delivered AS (
    SELECT delivered_at, delivered_at - recorded_at AS lag FROM history_events
    WHERE event_id > (SELECT event_id FROM reached) - {WINDOW}
        AND event_id <= (SELECT event_id FROM reached) + {BEYOND}
        AND delivered_at IS NOT NULL
)
"""  # noqa: S608 - numbers of our own

STATE = f"""{DELIVERED}
SELECT
    (SELECT count(*) FROM history_events WHERE delivered_at IS NULL),
    (SELECT count(DISTINCT order_id) FROM history_events WHERE delivered_at IS NULL),
    (SELECT count(*) FROM history_events WHERE delivered_at IS NULL AND parked_at IS NOT NULL),
    (SELECT count(*) FROM parked_rows),
    (SELECT clock_timestamp() - min(recorded_at) FROM history_events WHERE delivered_at IS NULL),
    (SELECT max(delivered_at) FROM delivered),
    percentile_disc(0.5) WITHIN GROUP (ORDER BY lag), percentile_disc(0.99) WITHIN GROUP (ORDER BY lag)
FROM delivered WHERE delivered_at > clock_timestamp() - interval '1 hour'
"""  # noqa: S608

SAMPLE = f"""{DELIVERED}
INSERT INTO mirror_samples
    (taken_at, pending, oldest_pending_seconds, parked, delivered, lag_p50_ms, lag_p99_ms)
SELECT date_trunc('minute', statement_timestamp()), waiting.*, latest.*
FROM (
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)::integer, count(parked_at)
    FROM history_events WHERE delivered_at IS NULL
) AS waiting, (
    SELECT count(*),
        (extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY least(lag, {LONGEST}))) * 1000)::integer,
        (extract(epoch FROM percentile_disc(0.99) WITHIN GROUP (ORDER BY least(lag, {LONGEST}))) * 1000)::integer
    FROM delivered
    WHERE delivered_at >= date_trunc('minute', statement_timestamp()) - interval '1 minute'
        AND delivered_at < date_trunc('minute', statement_timestamp())
) AS latest
ON CONFLICT (taken_at) DO NOTHING
"""  # noqa: S608


@dataclass(frozen=True)
class State:
    """pending: events, parked ones among them, of so many orders; left_out: rows of history/parked_rows.py.

    lag: from commit to confirmed delivery, last hour.
    """

    pending: int
    orders_behind: int
    parked: int
    left_out: int
    oldest_pending: timedelta | None
    last_delivery: datetime | None
    lag_p50: timedelta | None
    lag_p99: timedelta | None

    def told(self) -> dict[str, str]:
        """Every figure by its name, in words."""
        return {
            "pending events": f"{self.pending:,}",
            "orders behind": f"{self.orders_behind:,}",
            "parked events": f"{self.parked:,}",
            "rows left out": f"{self.left_out:,}",
            "oldest pending": duration(self.oldest_pending),
            "last delivery": _moment(self.last_delivery),
            "lag p50, last hour": duration(self.lag_p50),
            "lag p99, last hour": duration(self.lag_p99),
        }


def state() -> State:
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        return State(*cursor.fetchone())


def oldest_waiting() -> timedelta | None:
    """How long the oldest event has been waiting, parked ones aside; the head of the index of the relay's claim."""
    waiting = Event.objects.pending().filter(parked_at__isnull=True).order_by("event_id")
    first = waiting.values_list("recorded_at").first()
    return max(timezone.now() - first[0], timedelta(0)) if first else None


def sample() -> None:
    """Keep how far the mirror is behind under the full minute, unless another relay has; forget what is too old, the
    answers kept for repeated requests of the API too.

    The lag is that of the minute before.
    """
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE)
    now = timezone.now()
    delete_in_batches(MirrorSample.objects.filter(taken_at__lt=retained_since(settings.MIRROR_STATE_DAYS, at=now)))
    api_answers.forget(at=now, most=ANSWERS_AT_ONCE)


class EachMinute:
    """Called as often as one likes, takes one sample a minute."""

    def __init__(self) -> None:
        self._sampled = 0

    def __call__(self) -> None:
        minute = int(time.time() // 60)
        if minute != self._sampled:
            sample()
            self._sampled = minute


def duration(length: timedelta | None) -> str:
    """0.123 s, 12.3 s, 3 h 5 min."""
    if length is None:
        return "–"
    seconds = length.total_seconds()
    if seconds < 60:
        return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def _moment(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "j M Y, H:i:s") if at else "–"
