"""Customers: who orders, how often and for how much; new and returning ones in time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from history.reports import definitions, facts, intervals, segments
from history.reports.facts import Order
from history.reports.filters import Filters
from history.reports.intervals import Interval
from history.reports.periods import DAY, Period
from history.reports.question import Question
from history.reports.report import Chart, Report, Tile
from history.reports.tables import INTEGER, INTERVAL, MONEY, PERCENT, TIME, Column, Row, Table
from users.models import User

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = [
    Column("customer", "Customer"),
    Column("number", "Number"),
    Column("orders", "Orders", INTEGER),
    Column("spent", "Spent", MONEY),
    Column("first", "First order", TIME),
    Column("last", "Last order", TIME),
    Column("segment", "Segment"),
]
DEFINITIONS = [
    definitions.ORDERS,
    definitions.COUNTED,
    definitions.SPENT,
    definitions.FIRST_LAST,
    definitions.NEW,
    definitions.RETURNING,
    definitions.REPEAT,
    segments.definition(),
    definitions.CATEGORY,
]


NewIn = Callable[[Period, set[int]], int]


@dataclass
class Kinds:
    """Customers with a counted order in some days: those whose first ever it was, those who had one before."""

    new: int
    returning: int


def customers(question: Question) -> Report:
    orders = facts.orders(question.period, question.filters, question.rollups)
    new_in = _newcomers(question)
    cut = _cut(question, orders, new_in)
    return Report(
        tiles=_tiles(question, orders, cut, new_in),
        tables=[_table(question, orders), _kinds_table(question, cut)],
        charts=[Chart("bar-in-time", "period", ("new", "returning"), "New and returning customers", table="kinds")],
        definitions=DEFINITIONS,
        unit=next(iter(cut)).unit,
    )


def _table(question: Question, orders: Sequence[Order]) -> Table:
    by_customer: dict[int, list[Order]] = defaultdict(list)
    for order in orders:
        by_customer[order.customer].append(order)
    rows = [_row(customer, placed) for customer, placed in by_customer.items()]
    counted = question.filters.narrowed_to_counted()
    total_links = {"orders": question.address("orders")}
    if counted:
        total_links["spent"] = question.address("orders", filters=counted)
    return Table(
        columns=COLUMNS,
        rows=rows,
        totals={
            "customer": "Total",
            "orders": len(orders),
            "spent": _spent(orders),
            "first": min((row["first"] for row in rows), default=None),
            "last": max((row["last"] for row in rows), default=None),
        },
        total_links=total_links,
        default_sort="-spent",
        named=frozenset({"customer", "segment"}),
        add_names=lambda rows: _add_names(rows, question),
        links=lambda row: _links(question, counted, row),
    )


def _row(customer: int, orders: Sequence[Order]) -> Row:
    placed = [order.placed for order in orders]
    return {
        "key": customer,
        "number": customer,
        "orders": len(orders),
        "spent": _spent(orders),
        "first": moment(min(placed)),
        "last": moment(max(placed)),
    }


def moment(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def _spent(orders: Iterable[Order]) -> Decimal:
    return definitions.money(sum(order.cents for order in orders if definitions.is_counted(order.status)))


def _links(question: Question, counted: Filters | None, row: Row) -> dict[str, str]:
    of_customer = replace(question.filters, customer=row["key"])
    orders = question.address("orders", filters=of_customer)
    links = {"customer": orders, "orders": orders}
    if counted:
        links["spent"] = question.address("orders", filters=replace(counted, customer=row["key"]))
    return links


def _add_names(rows: Sequence[Row], question: Question) -> None:
    keys = [row["key"] for row in rows]
    names, lives = customer_names(keys), segments.lives(keys, question.today, question.rollups)
    for row in rows:
        row["customer"] = names[row["key"]]
        row["segment"] = segments.segment(lives.get(row["key"]), question.today)


def customer_names(customers: Iterable[int]) -> dict[int, str]:
    """Today's names, from PostgreSQL; somebody who is not there any more is told by their number."""
    wanted = {*customers}
    names = dict(User.objects.filter(pk__in=wanted).values_list("pk", "name"))
    return {customer: names.get(customer) or f"Customer {customer}" for customer in wanted}


def _newcomers(question: Question) -> NewIn:
    """How many of the customers active in some days of the question's periods are new in these days."""
    if question.filters.has_all_counted and not question.past:
        new: Counter[date] = Counter()
        for period in filter(None, (question.period, question.compared)):
            for day, cohorts in question.rollups.cohorts(period.first, period.last):
                new[day] = sum(cohort.new for cohort in cohorts.values())
        return lambda days, active: sum(new[day] for day in days.each_day())
    first = facts.first_days(question.period.last, question.rollups)
    return lambda days, active: sum(first[customer] >= days.first for customer in active)


def _kinds(new_in: NewIn, days: Period, active: set[int]) -> Kinds:
    new = new_in(days, active)
    return Kinds(new, len(active) - new)


def _active(orders: Iterable[Order]) -> set[int]:
    return {order.customer for order in orders if definitions.is_counted(order.status)}


def _cut(question: Question, orders: Sequence[Order], new_in: NewIn) -> dict[Interval, Kinds]:
    """New and returning customers of each interval; somebody new in one may be returning in the next."""
    shown = question.spanned(order.day for order in orders)
    unit, _ = intervals.choose_unit(question.by, shown)
    placed: dict[Interval, list[Order]] = defaultdict(list)
    for order in orders:
        placed[intervals.interval_of(order.day, unit, question.period)].append(order)
    return {
        interval: _kinds(new_in, Period(interval.first, interval.last), _active(placed[interval]))
        for interval in intervals.intervals(unit, question.period, within=shown)
    }


def _kinds_table(question: Question, cut: dict[Interval, Kinds]) -> Table:
    def links(row: Row) -> dict[str, str]:
        days = Period(row["period"].first, row["period"].last)
        return {kind: _of_kind(question, kind, days) for kind in ("new", "returning")}

    unit = next(iter(cut)).unit
    return Table(
        name="kinds",
        title=f"New and returning customers by {unit}",
        columns=[
            Column("period", intervals.UNITS[unit], INTERVAL),
            Column("new", "New", INTEGER),
            Column("returning", "Returning", INTEGER),
        ],
        rows=[
            {"key": interval.first, "period": interval, "new": found.new, "returning": found.returning}
            for interval, found in cut.items()
        ],
        default_sort="-period",
        page_size=400,
        links=links,
    )


def _of_kind(question: Question, kind: str, days: Period) -> str:
    """Where these customers are listed."""
    counted = question.filters.narrowed_to_counted()
    if counted is None or counted.is_of_first_days:
        return ""
    if kind == "new":
        return question.address("customers", days, replace(counted, first_from=days.first, first_to=days.last))
    return question.address("customers", days, replace(counted, first_to=days.first - DAY))


def _tiles(question: Question, orders: Sequence[Order], cut: dict[Interval, Kinds], new_in: NewIn) -> list[Tile]:
    now, before = _key_numbers(question.period, orders, new_in), None
    if question.compared:
        placed = facts.orders(question.compared, question.filters, question.rollups)
        before = _key_numbers(question.compared, placed, new_in)
    new, returning = ([getattr(each, kind) for each in cut.values()] for kind in ("new", "returning"))

    def tile(label: str, name: str, kind: str, href: str = "", spark: Sequence[int] = ()) -> Tile:
        return Tile(label, now[name], kind, before[name] if before else None, href, spark)

    return [
        tile("New customers", "new", INTEGER, _of_kind(question, "new", question.period), new),
        tile("Returning customers", "returning", INTEGER, _of_kind(question, "returning", question.period), returning),
        tile("Repeat rate", "repeat", PERCENT),
        tile("Orders", "orders", INTEGER, question.address("orders")),
    ]


def _key_numbers(period: Period, orders: Sequence[Order], new_in: NewIn) -> Row:
    kinds = _kinds(new_in, period, _active(orders))
    return {
        "new": kinds.new,
        "returning": kinds.returning,
        "repeat": repeat_rate(orders),
        "orders": len(orders),
    }


def repeat_rate(orders: Iterable[Order]) -> Decimal | None:
    counted = Counter(order.customer for order in orders if definitions.is_counted(order.status))
    return definitions.share(sum(count > 1 for count in counted.values()), len(counted))
