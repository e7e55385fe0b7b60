"""Status: where the orders of a period are now, and how long they took to get there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from history.reports import definitions, facts, intervals
from history.reports.customers import moment
from history.reports.facts import Sum
from history.reports.numbers import Numbers, chosen
from history.reports.periods import Period
from history.reports.question import Question
from history.reports.report import Chart, Report, Tile
from history.reports.rows import Row
from history.reports.tables import DAYS, HOURS, INTEGER, MONEY, PERCENT, STATUS, TIME, Column, Table
from history.rollups.read import STATUS_OF_CODE, DayDurations, DayOrders
from orders.status import OPEN, Status

COLUMNS = [
    Column("status", "Status", STATUS),
    Column("orders", "Orders", INTEGER),
    Column("share", "Share of orders", PERCENT),
    Column("units", "Units", INTEGER),
    Column("amount", "Amount", MONEY),
    Column("oldest", "Oldest", TIME),
    Column("age", "Median age", DAYS),
]
TIME_COLUMNS = [
    Column("step", "From – to"),
    Column("p50", "p50", HOURS),
    Column("p90", "p90", HOURS),
]
DEFINITIONS = [
    definitions.ORDERS,
    definitions.SHARE_OF_ORDERS,
    definitions.OPEN,
    definitions.CANCELLED,
    definitions.TIMES,
    definitions.ORDER_UNITS,
    definitions.AMOUNT,
    definitions.OLDEST,
    definitions.AGE,
    definitions.CATEGORY,
]
# The column of DayDurations, and the step in words.
STEPS = {"paid": "Placed – paid", "shipped": "Paid – shipped", "delivered": "Shipped – delivered"}
TILES = {"paid": "Median time to pay", "shipped": "Median time to ship", "delivered": "Median time to deliver"}
OF_ALL = "Times are known of whole orders only: they are those of all orders of the period in these statuses."
SECONDS_OF_DAY = 86_400


@dataclass
class Here:
    """The orders in one status now; oldest: milliseconds since 1970."""

    orders: int = 0
    units: int = 0
    cents: int = 0
    oldest: int | None = None

    def add(self, one: Sum) -> None:
        self.orders += one.orders
        self.units += one.units
        self.cents += one.cents
        self.oldest = one.oldest if self.oldest is None else min(self.oldest, one.oldest)


class Spread(NamedTuple):
    """Hours that half of the orders took at most, and nine of ten."""

    p50: Decimal | None
    p90: Decimal | None


def statuses(question: Question) -> Report:
    days = facts.sums(question.period, question.filters, question.rollups)
    hours = step_hours(question.period, question)
    return Report(
        tiles=_tiles(question, days, hours),
        tables=[_table(question, days), _times_table(hours)],
        charts=[
            Chart("bar", "status", ("orders",), "Orders by status"),
            Chart("bar", "step", ("p50", "p90"), "Hours in a status: half of the orders, nine of ten", table="times"),
        ],
        definitions=DEFINITIONS,
        notes=[] if question.filters.is_of_statuses else [OF_ALL],
    )


def _table(question: Question, days: Sequence[Sum]) -> Table:
    found: dict[str, Here] = defaultdict(Here)
    for one in days:
        found[one.status].add(one)
    whole = sum(here.orders for here in found.values())
    middle = middle_moments(question, days)
    rows = [
        _row(number, status, found[status], whole, _age(middle.get(status), question.at))
        for number, status in enumerate(Status)
        if status in question.filters.statuses
    ]
    return Table(
        columns=COLUMNS,
        rows=rows,
        totals={
            "status": "Total",
            "orders": whole,
            "share": definitions.share(whole, whole),
            "units": sum(row["units"] for row in rows),
            "amount": sum((row["amount"] for row in rows), Decimal("0.00")),
            "oldest": min((row["oldest"] for row in rows if row["oldest"]), default=None),
        },
        total_links=dict.fromkeys(("orders", "units", "amount"), question.address("orders")),
        default_sort="status",
        links=lambda row: _links(question, row["status"]),
    )


def _row(number: int, status: Status, here: Here, whole: int, age: Decimal | None) -> Row:
    return {
        "key": number,
        "status": status,
        "orders": here.orders,
        "share": definitions.share(here.orders, whole),
        "units": here.units,
        "amount": definitions.money(here.cents),
        "oldest": None if here.oldest is None else moment(here.oldest),
        "age": age,
    }


def _links(question: Question, status: str) -> dict[str, str]:
    orders = question.address("orders", filters=replace(question.filters, status=str(status)))
    return dict.fromkeys(("status", "orders", "units", "amount"), orders)


def _age(middle: int | None, now: datetime) -> Decimal | None:
    if middle is None:
        return None
    seconds = Decimal((now - moment(middle)).total_seconds())
    return definitions.tenths(seconds, SECONDS_OF_DAY)


def middle_moments(question: Question, days: Sequence[Sum]) -> dict[str, int]:
    """When the middle order of each status was placed, in milliseconds; of an even number the older one.

    The sums tell on which day and at which place in it; only these days' orders are read.
    """
    by_status: dict[str, list[Sum]] = defaultdict(list)
    for one in sorted(days, key=lambda one: one.day):
        by_status[one.status].append(one)
    places = {status: _middle_place(found) for status, found in by_status.items()}
    orders = {day.day: day for day in _orders_on({day for day, _ in places.values()}, question)}
    middle = {}
    for status, (day, place) in places.items():
        found = orders.get(day) or DayOrders(day)
        pairs = zip(found.created_at, found.statuses, strict=True)
        moments = sorted(placed for placed, code in pairs if STATUS_OF_CODE[code] == status)
        if moments:
            # A day that changed between the two readings has one order less.
            middle[status] = moments[min(place, len(moments) - 1)]
    return middle


def _orders_on(days: set[date], question: Question) -> Iterable[DayOrders]:
    """The orders of single days, of other statuses too."""
    if question.filters.is_of_statuses:
        return question.rollups.orders_on(days)
    found = facts.orders(question.period, question.filters, question.rollups)
    return [day for day in found if day.day in days]


def _middle_place(days: Sequence[Sum]) -> tuple[date, int]:
    """The day of the middle order, and its place among that day's, from 0."""
    place = (sum(one.orders for one in days) - 1) // 2
    for one in days:
        if place < one.orders:
            return one.day, place
        place -= one.orders
    raise ValueError("no orders have no middle")


def step_hours(period: Period, question: Question) -> dict[str, Spread]:
    """How long each step took, by step."""
    days = question.rollups.durations(period.first, period.last)
    selecting = facts.selecting(question.filters.statuses)
    return {step: _spread(_minutes(days, step, selecting)) for step in STEPS}


def _minutes(days: Sequence[DayDurations], step: str, selecting: bytes) -> Numbers:
    """Of the orders whose status is selected."""
    statuses = facts.joined(days, f"{step}_statuses").tobytes()
    return facts.numbers_of(days, step)[chosen(statuses.translate(selecting))]


def _spread(minutes: Numbers) -> Spread:
    p50, p90 = definitions.percentiles(minutes, (50, 90))
    return Spread(_hours(p50), _hours(p90))


def _hours(minutes: int | None) -> Decimal | None:
    return None if minutes is None else definitions.tenths(minutes, 60)


def _times_table(hours: Mapping[str, Spread]) -> Table:
    return Table(
        name="times",
        title="Time in a status",
        columns=TIME_COLUMNS,
        rows=[
            {"key": number, "step": label, "p50": hours[step].p50, "p90": hours[step].p90}
            for number, (step, label) in enumerate(STEPS.items())
        ],
        default_sort="key",
    )


def _tiles(question: Question, days: Sequence[Sum], hours: Mapping[str, Spread]) -> list[Tile]:
    compared = question.compared
    before = facts.sums(compared, question.filters, question.rollups) if compared else None
    before_hours = step_hours(compared, question) if compared else None
    counts, cancelled = _sparks(question, days)
    return [
        Tile("Open now", _count(days, OPEN), INTEGER, href=_open(question)),
        Tile(
            "Orders",
            _count(days),
            INTEGER,
            None if before is None else _count(before),
            question.address("orders"),
            counts,
        ),
        Tile("Cancelled", _cancelled(days), PERCENT, None if before is None else _cancelled(before), spark=cancelled),
        *(
            Tile(label, hours[step].p50, HOURS, before_hours[step].p50 if before_hours else None)
            for step, label in TILES.items()
        ),
    ]


def _open(question: Question) -> str:
    """Where the open ones among the orders are."""
    open_ones = replace(question.filters, status="open")
    is_part = open_ones.statuses < question.filters.statuses
    return question.address("orders", filters=open_ones) if is_part else ""


def _count(days: Iterable[Sum], statuses: Sequence[str] = tuple(Status)) -> int:
    return sum(one.orders for one in days if one.status in statuses)


def _cancelled(days: Sequence[Sum]) -> Decimal | None:
    return definitions.share(_count(days, [Status.CANCELLED]), _count(days))


def _sparks(question: Question, days: Sequence[Sum]) -> tuple[list[int], list[int]]:
    """Orders, and cancelled ones, of each interval in time."""
    shown = question.spanned(one.day for one in days)
    unit = intervals.suited_unit(shown)
    cut: dict[intervals.Interval, list[Sum]] = {
        interval: [] for interval in intervals.intervals(unit, question.period, within=shown)
    }
    of_day = intervals.by_day((one.day for one in days), unit, question.period)
    for one in days:
        cut[of_day[one.day]].append(one)
    return [_count(found) for found in cut.values()], [_count(found, [Status.CANCELLED]) for found in cut.values()]
