"""What became different since a past moment, order by order: the amounts sum to the difference between then and now.

An order's amounts are what it gives to the report now, less what it gave then, of the same days and filters.
Source: MongoDB rollups; the later events from PostgreSQL, of archived orders from MongoDB. Raises pymongo's errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from django.urls import reverse

from config.templatetags.money import money
from history.models import Kind
from history.reports import definitions, facts
from history.reports.customers import moment
from history.reports.filters import ANY_PRODUCT, Filters
from history.reports.periods import DAY, Period
from history.reports.question import Question
from history.reports.report import Report
from history.reports.rows import Row
from history.reports.tables import INTEGER, MONEY, ORDER, TIME, Column, Table
from history.rollups import later, read
from history.rollups.later import Event, decimal
from history.rollups.past import Past, runs
from history.rollups.read import STATUS_OF_CODE, DayOrders
from orders.status import Status

# So many are listed, those of the largest amounts; the others are one row.
MOST = 200

COLUMNS = [
    Column("order", "Order", ORDER),
    Column("changed", "Changed", TIME),
    Column("what", "What"),
    Column("by", "By"),
]
DEFINITION = (
    "Changes since",
    "Every order that counts otherwise now than at that moment, and what happened to it since: what it gives now, less "
    "what it gave then, of the same days and filters. Together they are the difference.",
)
OTHER_FIRST = "The customer’s first order is another one now"
NOTHING = "Nothing of this has changed since: these figures are the same now."


class Order(NamedTuple):
    """One order; units and cents are of all of it, or of the chosen products. placed: milliseconds since 1970."""

    day: date
    order_id: int
    customer: int
    status: str
    cents: int
    units: int
    placed: int


@dataclass(frozen=True)
class Measure:
    """columns: what is told of an order, the money last; amounts: of one order, by column, money in cents."""

    columns: Sequence[Column]
    amounts: Callable[[Order], dict[str, int]]
    tells_status: bool = False

    def difference(self, then: Order | None, now: Order | None) -> dict[str, int]:
        before, after = (self.amounts(order) if order else {} for order in (then, now))
        return {column.name: after.get(column.name, 0) - before.get(column.name, 0) for column in self.columns}

    def seen(self, order: Order | None) -> Any:
        """What the report shows of an order: another means it has changed."""
        return order and (self.amounts(order), order.day, order.customer, self.tells_status and order.status)


def _as_counted(order: Order) -> dict[str, int]:
    is_counted = definitions.is_counted(order.status)
    counted = {"counted": 1, "units": order.units, "revenue": order.cents} if is_counted else {}
    return {"orders": 1} | counted


def _as_placed(order: Order) -> dict[str, int]:
    return {"orders": 1, "units": order.units, "amount": order.cents}


ORDERS = Column("orders", "Orders", INTEGER)
COUNTED = Column("counted", "Counted", INTEGER)
UNITS = Column("units", "Units", INTEGER)
AS_COUNTED = Measure([ORDERS, COUNTED, UNITS, Column("revenue", "Revenue", MONEY)], _as_counted)
AS_PLACED = Measure([ORDERS, UNITS, Column("amount", "Amount", MONEY)], _as_placed, tells_status=True)


@dataclass(frozen=True)
class Cause:
    """One order, as it counted then and counts now; None where it does not."""

    order_id: int
    then: Order | None
    now: Order | None
    difference: dict[str, int]


def of_revenue(question: Question, past: Past) -> Table:
    """What changed counted orders, their units and revenue."""
    return _table(question, past, question.filters, AS_COUNTED)


def of_products(question: Question, past: Past) -> Table:
    """The same of the products in the orders."""
    filters = question.filters if question.filters.is_of_items else replace(question.filters, product=ANY_PRODUCT)
    return _table(question, past, filters, AS_COUNTED)


def of_amounts(question: Question, past: Past) -> Table:
    """What changed orders of any status, their units, amounts and statuses."""
    return _table(question, past, question.filters, AS_PLACED)


def explain(report: Report, question: Question, causes: Callable[[Question, Past], Table]) -> None:
    """Put the causes under a report as of a past moment."""
    if question.past is None:
        return
    table = causes(question, question.past)
    if table.rows:
        report.tables = [*report.tables, table]
        report.definitions = [*report.definitions, DEFINITION]
    else:
        report.notes = [*report.notes, NOTHING]


def _table(question: Question, past: Past, filters: Filters, measure: Measure) -> Table:
    causes = _causes(_other_days(question.period, past, filters), past, filters, measure)
    return Table(
        name="changes",
        title="What changed since, and the difference to now",
        columns=[*COLUMNS, *measure.columns],
        rows=[*_rows(causes, measure, past)],
        totals={"order": "Difference"} | _summed(causes, measure),
        default_sort="-changed",
        links=lambda row: {"order": reverse("reports:order", args=[row["key"]])} if row["key"] else {},
    )


def _other_days(period: Period, past: Past, filters: Filters) -> list[Period]:
    """Where in the period there may be other orders now."""
    if filters.is_of_first_days:
        return [period]
    found = [Period(*run) for run in runs(past.other_days(period.first, period.last))]
    since = Period(max(past.last + DAY, period.first), period.last)
    return [*found, since] if since.first <= since.last else found


def _causes(days: Sequence[Period], past: Past, filters: Filters, measure: Measure) -> list[Cause]:
    """The largest first."""
    then, now = (
        {order.order_id: order for period in days for order in _each(facts.orders(period, filters, rollups))}
        for rollups in (past, read)
    )
    causes = []
    for order_id in then.keys() | now.keys():
        pair = then.get(order_id), now.get(order_id)
        if measure.seen(pair[0]) != measure.seen(pair[1]):
            causes.append(Cause(order_id, *pair, measure.difference(*pair)))
    amount = measure.columns[-1].name
    return sorted(causes, key=lambda cause: (-abs(cause.difference[amount]), cause.order_id))


def _each(days: Iterable[DayOrders]) -> Iterator[Order]:
    for day in days:
        columns = (day.order_ids, day.user_ids, day.statuses, day.cents, day.units, day.created_at)
        for order_id, customer, code, cents, units, placed in zip(*columns, strict=True):
            yield Order(day.day, order_id, customer, STATUS_OF_CODE[code], cents, units, placed)


def _rows(causes: Sequence[Cause], measure: Measure, past: Past) -> Iterator[Row]:
    happened = _happened(causes[:MOST], past)
    for cause in causes[:MOST]:
        told = _told(happened.get(cause.order_id, ()))
        yield {"key": cause.order_id, "order": cause.order_id} | told | _summed([cause], measure)
    if rest := causes[MOST:]:
        what = f"{len(rest)} more order{'s' * (len(rest) > 1)}, of smaller amounts"
        yield {"key": 0, "order": None, "changed": None, "what": what, "by": ""} | _summed(rest, measure)


def _summed(causes: Sequence[Cause], measure: Measure) -> Row:
    sums = {column: sum(cause.difference[column.name] for cause in causes) for column in measure.columns}
    return {column.name: definitions.money(sum_) if column.kind == MONEY else sum_ for column, sum_ in sums.items()}


def _happened(causes: Sequence[Cause], past: Past) -> dict[int, Sequence[Event]]:
    """What happened since to the orders that something happened to: all of it where they were placed since."""
    changed = past.changed()
    new = [cause.order_id for cause in causes if cause.now and moment(cause.now.placed) > past.at]
    placed_since = later.events([order_id for order_id in new if order_id not in changed])
    return {order_id: each.events for order_id, each in changed.items()} | placed_since


def _told(events: Sequence[Event]) -> Row:
    """When the latest thing happened, what happened and by whom."""
    told = [(event, words) for event in events if (words := "; ".join(_words(event)))]
    return {
        "changed": max((event.at for event, _ in told), default=None),
        # Nothing of its own happened to it: another order of its customer did.
        "what": "; ".join(words for _, words in told) or OTHER_FIRST,
        "by": ", ".join(dict.fromkeys(event.actor for event, _ in told)),
    }


def _words(event: Event) -> Iterator[str]:
    if event.kind in (Kind.PLACED, Kind.DELETED):
        yield Kind(event.kind).label
        return
    if "status" in event.changes:
        yield " → ".join(str(Status(status).label) for status in event.changes["status"])
    if "total_amount" in event.changes:
        yield "Total " + " → ".join(money(decimal(amount)) for amount in event.changes["total_amount"])
    if "items" in event.changes:
        yield "Items changed"
    if "user_id" in event.changes:
        yield "Customer {} → {}".format(*event.changes["user_id"])
    if "created_at" in event.changes:
        yield "Day of placing moved"
