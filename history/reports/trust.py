"""Trust: what the reports count beside what PostgreSQL says now, per day and status.

Source: PostgreSQL orders, archived_orders, history_events, mirror_samples; MongoDB rollups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse

from history.models import Event, MirrorSample
from history.reports import definitions, facts, periods
from history.reports.filters import Filters
from history.reports.periods import DAY, Period
from history.reports.question import Question
from history.reports.report import Chart, Report, Tile
from history.reports.rows import Row, Rows
from history.reports.tables import DATE, INTEGER, MONEY, STATUS, TIME, Column, Table
from history.rollups import later, read
from orders.status import Status

COLUMNS = [
    Column("day", "Day", DATE),
    Column("status", "Status", STATUS),
    Column("orders", "Orders, PostgreSQL", INTEGER),
    Column("mirrored", "Orders, MongoDB", INTEGER),
    Column("amount", "Amount, PostgreSQL", MONEY),
    Column("mirrored_amount", "Amount, MongoDB", MONEY),
    Column("more", "Difference in orders", INTEGER),
    Column("difference", "Difference in amount", MONEY),
]
LAG_COLUMNS = [
    Column("hour", "Hour", TIME),
    Column("delivered", "Changes delivered", INTEGER),
    Column("pending", "Most pending", INTEGER),
    Column("parked", "Most parked", INTEGER),
    Column("p99", "Longest lag p99, ms", INTEGER),
]
DEFINITIONS = [definitions.STORES, definitions.DIFFERENCE, definitions.PARKED, definitions.LAG]
LAG_HOURS = 48
NO_FILTERS = "Trust compares all orders of the period, by status: other filters are ignored."

# When the first and the last order of the period was placed; index-only.
SPAN = "SELECT min(created_at), max(created_at) FROM {table} WHERE created_at >= %(start)s AND created_at < %(end)s"
# Of each day and status a stretch of the index by status, which has the amounts too: a third of the time that grouping
# all rows takes. Where clocks are changed at midnight, a day is told by its date alone, within a wider range.
PER_DAY = """
SELECT wanted.day, wanted_status, found.orders, coalesce(found.amount * 100, 0)::bigint
FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(plain)s::boolean[])
    AS wanted (day, starts_at, ends_at, is_plain)
CROSS JOIN unnest(%(statuses)s::text[]) AS wanted_status
CROSS JOIN LATERAL (
    SELECT count(*) AS orders, sum(total_amount) FILTER (WHERE total_amount < 'Infinity') AS amount FROM {table}
    WHERE status = wanted_status AND created_at >= starts_at AND created_at < ends_at
        AND (is_plain OR (created_at AT TIME ZONE %(zone)s)::date = wanted.day)
) found
WHERE found.orders > 0
"""
TABLES = ("orders", "archived_orders")

Bucket = tuple[date, str]
Counted = tuple[int, int]  # orders, cents


@dataclass(frozen=True)
class Beside:
    """One day and status in both stores."""

    day: date
    status: str
    truth: Counted
    mirrored: Counted

    @property
    def is_equal(self) -> bool:
        return self.truth == self.mirrored


def trust(question: Question) -> Report:
    filters = Filters(status=question.filters.status)
    # PostgreSQL first: what is placed between the two readings is a difference either way.
    truth = {key: counted for key, counted in of_postgresql(question.period).items() if key[1] in filters.statuses}
    mirrored = {(one.day, one.status): (one.orders, one.cents) for one in facts.sums(question.period, filters, read)}
    both = [
        Beside(*key, truth.get(key, (0, 0)), mirrored.get(key, (0, 0)))
        for key in sorted(truth.keys() | mirrored.keys())
    ]
    return Report(
        tiles=_tiles(both),
        tables=[_table(question, filters, both), _lag_table(question.at)],
        charts=[Chart("line", "hour", ("p99",), "Lag: longest p99 of each hour, in milliseconds", table="lag")],
        definitions=DEFINITIONS,
        notes=[] if question.filters == filters else [NO_FILTERS],
    )


def of_postgresql(period: Period) -> dict[Bucket, Counted]:
    """Orders and cents by day and status; archived orders by their stub."""
    found: dict[Bucket, Counted] = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(SPAN.format(table=table), {"start": period.start - DAY, "end": period.end + DAY})
            first, last = cursor.fetchone()
            if first is not None:
                # Where clocks go back over midnight, the first order may be of a later day than the next ones.
                first_day, last_day = later.day_of(first) - DAY, later.day_of(last) + DAY
                days = Period(max(period.first, first_day), min(period.last, last_day))
                cursor.execute(PER_DAY.format(table=table), parameters(days))
                for day, status, *counted in cursor.fetchall():
                    found[day, status] = _summed([found.get((day, status), (0, 0)), (counted[0], counted[1])])
    return found


def parameters(period: Period) -> dict[str, Any]:
    """What PER_DAY asks for."""
    days = [(day, periods.is_plain(day)) for day in period.each_day()]
    return {
        "days": [day for day, _ in days],
        "starts": [periods.midnight(day) - (timedelta() if is_plain else DAY) for day, is_plain in days],
        "ends": [periods.midnight(day + DAY) + (timedelta() if is_plain else DAY) for day, is_plain in days],
        "plain": [is_plain for _, is_plain in days],
        "statuses": [*Status],
        "zone": settings.TIME_ZONE,
    }


def _table(question: Question, filters: Filters, both: Sequence[Beside]) -> Table:
    truth, mirrored = (_summed(counted) for counted in ([one.truth for one in both], [one.mirrored for one in both]))
    return Table(
        columns=COLUMNS,
        rows=Rows(
            range(len(both)),
            lambda number: _row(number, both[number]),
            {"key": lambda number: number, "day": lambda number: both[number].day},
        ),
        totals={"day": "Total"} | _counts(truth, mirrored),
        total_links=dict.fromkeys(("mirrored", "mirrored_amount"), question.address("orders", filters=filters)),
        default_sort="-day",
        page_size=50,
        links=lambda row: _links(question, row),
    )


def _row(number: int, one: Beside) -> Row:
    return {"key": number, "day": one.day, "status": Status(one.status), "is_wrong": not one.is_equal} | _counts(
        one.truth, one.mirrored
    )


def _counts(truth: Counted, mirrored: Counted) -> Row:
    return {
        "orders": truth[0],
        "mirrored": mirrored[0],
        "amount": definitions.money(truth[1]),
        "mirrored_amount": definitions.money(mirrored[1]),
        "more": mirrored[0] - truth[0],
        "difference": definitions.money(mirrored[1] - truth[1]),
    }


def _summed(counted: Iterable[Counted]) -> Counted:
    orders, cents = zip((0, 0), *counted, strict=True)
    return sum(orders), sum(cents)


def _links(question: Question, row: Row) -> Mapping[str, str]:
    orders = question.address("orders", Period(row["day"], row["day"]), Filters(status=row["status"].value))
    links = {"day": reverse("reports:trust-day", args=[row["day"]])}
    return links | dict.fromkeys(("mirrored", "mirrored_amount"), orders)


def _tiles(both: Sequence[Beside]) -> list[Tile]:
    latest = MirrorSample.objects.order_by("-taken_at").first()
    return [
        Tile("Orders, PostgreSQL", sum(one.truth[0] for one in both), INTEGER),
        Tile("Orders, MongoDB", sum(one.mirrored[0] for one in both), INTEGER),
        Tile("Days and statuses that differ", sum(not one.is_equal for one in both), INTEGER),
        Tile("Parked changes", Event.objects.of_orders().parked().count(), INTEGER),
        Tile("Lag p99, last minute, ms", latest.lag_p99_ms if latest else None, INTEGER),
    ]


def _lag_table(now: datetime) -> Table:
    """The last two days by hour, from a sample a minute."""
    by_hour: dict[datetime, list[MirrorSample]] = {}
    for sample in MirrorSample.objects.between(now - timedelta(hours=LAG_HOURS), now):
        by_hour.setdefault(sample.taken_at.replace(minute=0, second=0, microsecond=0), []).append(sample)
    return Table(
        name="lag",
        title="How far the mirror was behind",
        columns=LAG_COLUMNS,
        rows=[
            {
                "key": hour,
                "hour": hour,
                "delivered": sum(sample.delivered for sample in samples),
                "pending": max(sample.pending for sample in samples),
                "parked": max(sample.parked for sample in samples),
                "p99": max((sample.lag_p99_ms for sample in samples if sample.lag_p99_ms is not None), default=None),
            }
            for hour, samples in by_hour.items()
        ],
        default_sort="-hour",
    )
