"""Customers: who orders, how often and for how much; new and returning ones in time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from django.utils.functional import cached_property

from history.reports import definitions, facts, intervals, segments
from history.reports.filters import Filters
from history.reports.intervals import Interval
from history.reports.numbers import Groups, among
from history.reports.periods import DAY, EARLIEST, Period
from history.reports.question import Question
from history.reports.report import Chart, Report, Tile
from history.reports.rows import Row, Rows
from history.reports.tables import INTEGER, INTERVAL, MONEY, PERCENT, TIME, Column, Table
from history.rollups.read import DayOrders
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


# How many of the customers active in some days are new in these.
NewIn = Callable[[Period, Collection[int]], int]


@dataclass
class Kinds:
    """Customers with a counted order in some days: those whose first ever it was, those who had one before."""

    new: int
    returning: int


class Placed:
    """By customer: orders, and cents of the counted ones."""

    def __init__(self, days: Sequence[DayOrders]) -> None:
        self._days = days
        customers = Groups(facts.numbers_of(days, "user_ids"))
        self.orders = customers.counts()
        self.cents = customers.sums(facts.numbers_of(days, "cents") * facts.counted_of(days))

    def rows(self) -> Rows:
        """They lack what add_names fills in."""
        values: dict[str, Callable[[int], int]] = {
            "orders": self.orders.__getitem__,
            "spent": self.cents.__getitem__,
            "first": lambda customer: self._moments[customer][0],
            "last": lambda customer: self._moments[customer][1],
        }
        return Rows([*self.orders], self._row, dict.fromkeys(("key", "number"), int) | values)

    def _row(self, customer: int) -> Row:
        return {
            "key": customer,
            "number": customer,
            "orders": self.orders[customer],
            "spent": definitions.money(self.cents[customer]),
        }

    def add_moments(self, rows: Sequence[Row]) -> None:
        moments = self._moments_of(row["key"] for row in rows)
        for row in rows:
            row["first"], row["last"] = map(moment, moments[row["key"]])

    @cached_property
    def _moments(self) -> dict[int, tuple[int, int]]:
        return self._moments_of(self.orders)

    def _moments_of(self, customers: Iterable[int]) -> dict[int, tuple[int, int]]:
        """When the first and the last order of each of them was placed, in epoch milliseconds."""
        placed = facts.numbers_of(self._days, "user_ids")
        wanted = among(placed, [*customers])
        found, at = Groups(placed[wanted]), facts.numbers_of(self._days, "created_at")[wanted]
        last = found.most(at)
        return {customer: (first, last[customer]) for customer, first in found.least(at).items()}


def customers(question: Question) -> Report:
    days = facts.orders(question.period, question.filters, question.rollups)
    new_in = _newcomers(question)
    cut = _cut(question, days, new_in)
    return Report(
        tiles=_tiles(question, days, cut, new_in),
        tables=[_table(question, days), _kinds_table(question, cut)],
        charts=[Chart("bar-in-time", "period", ("new", "returning"), "New and returning customers", table="kinds")],
        definitions=DEFINITIONS,
        unit=next(iter(cut)).unit,
    )


def _table(question: Question, days: Sequence[DayOrders]) -> Table:
    placed = Placed(days)
    counted = question.filters.narrowed_to_counted()
    total_links = {"orders": question.address("orders")}
    if counted:
        total_links["spent"] = question.address("orders", filters=counted)
    is_everything = question.choice.is_everything and question.filters == Filters()

    def add_names(rows: Sequence[Row]) -> None:
        placed.add_moments(rows)
        _add_names(rows, question, days if is_everything else None)

    return Table(
        columns=COLUMNS,
        rows=placed.rows(),
        totals={
            "customer": "Total",
            "orders": sum(placed.orders.values()),
            "spent": definitions.money(sum(placed.cents.values())),
            "first": moment(min(min(day.created_at) for day in days)) if days else None,
            "last": moment(max(max(day.created_at) for day in days)) if days else None,
        },
        total_links=total_links,
        default_sort="-spent",
        named=frozenset({"customer", "segment"}),
        add_names=add_names,
        links=lambda row: _links(question, counted, row),
    )


def moment(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def _links(question: Question, counted: Filters | None, row: Row) -> dict[str, str]:
    of_customer = replace(question.filters, customer=row["key"])
    orders = question.address("orders", filters=of_customer)
    links = {"customer": orders, "orders": orders}
    if counted:
        links["spent"] = question.address("orders", filters=replace(counted, customer=row["key"]))
    return links


def _add_names(rows: Sequence[Row], question: Question, ever: Iterable[DayOrders] | None) -> None:
    """ever: every order until the question's today, where it was read already."""
    keys = [row["key"] for row in rows]
    names, today = customer_names(keys), question.today
    lives = segments.lives(keys, question.rollups.orders(EARLIEST, today) if ever is None else ever)
    for row in rows:
        row["customer"] = names[row["key"]]
        row["segment"] = segments.segment(lives.get(row["key"]), today)


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


def _kinds(new_in: NewIn, days: Period, active: Collection[int]) -> Kinds:
    new = new_in(days, active)
    return Kinds(new, len(active) - new)


def _buyers(days: Sequence[DayOrders]) -> Mapping[int, int]:
    """How many counted orders somebody has, for all who have one."""
    return Groups(facts.numbers_of(days, "user_ids")[facts.counted_of(days)]).counts()


def _cut(question: Question, days: Sequence[DayOrders], new_in: NewIn) -> dict[Interval, Kinds]:
    """New and returning customers of each interval; somebody new in one may be returning in the next."""
    shown = question.spanned(day.day for day in days)
    unit, _ = intervals.choose_unit(question.by, shown)
    placed: dict[Interval, list[DayOrders]] = defaultdict(list)
    for day in days:
        placed[intervals.interval_of(day.day, unit, question.period)].append(day)
    return {
        interval: _kinds(new_in, Period(interval.first, interval.last), _buyers(placed[interval]))
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
    """Where these customers are listed: told by the day of their first counted order, within the days asked for."""
    counted = question.filters.narrowed_to_counted()
    if counted is None:
        return ""
    since, until = (days.first, days.last) if kind == "new" else (None, days.first - DAY)
    first_from = max(filter(None, (since, counted.first_from)), default=None)
    first_to = min(filter(None, (until, counted.first_to)))
    return question.address("customers", days, replace(counted, first_from=first_from, first_to=first_to))


def _tiles(question: Question, days: Sequence[DayOrders], cut: dict[Interval, Kinds], new_in: NewIn) -> list[Tile]:
    now, before = _key_numbers(question.spanned(day.day for day in days), days, new_in), None
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


def _key_numbers(period: Period, days: Sequence[DayOrders], new_in: NewIn) -> Row:
    counted = _buyers(days)
    kinds = _kinds(new_in, period, counted)
    return {
        "new": kinds.new,
        "returning": kinds.returning,
        "repeat": definitions.share(sum(count > 1 for count in counted.values()), len(counted)),
        "orders": sum(len(day.order_ids) for day in days),
    }
