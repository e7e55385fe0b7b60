"""The orders of a period as the reports count them, narrowed by the filters: as they stand now, or stood in the past.

Source: MongoDB rollups, behind PostgreSQL by the relay's lag; the products of a category from PostgreSQL.
Raises pymongo's errors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import repeat
from typing import NamedTuple

from catalog.models import Product
from history.reports.definitions import is_counted
from history.reports.filters import ANY_PRODUCT, NO_CATEGORY, Filters
from history.reports.periods import EARLIEST, LATEST, Period
from history.rollups.past import Rollups
from history.rollups.read import STATUS_OF_CODE


class Order(NamedTuple):
    """One order; units and cents are of all of it, or of the chosen products. placed: milliseconds since 1970."""

    day: date
    order_id: int
    customer: int
    status: str
    cents: int
    units: int
    placed: int


class Item(NamedTuple):
    """One product of an order; cents is price × quantity."""

    day: date
    order_id: int
    product: int
    status: str
    units: int
    cents: int


class Sum(NamedTuple):
    """The orders of one day in one status; oldest: milliseconds since 1970."""

    day: date
    status: str
    orders: int
    units: int
    cents: int
    oldest: int


def orders(period: Period, filters: Filters, rollups: Rollups) -> list[Order]:
    """Every order of the period that the filters let pass, by day."""
    found = _with_chosen_items(period, filters, rollups) if filters.is_of_items else _all_orders(period, rollups)
    return [*filter(_order_test(filters, rollups), found)]


def items(period: Period, filters: Filters, rollups: Rollups) -> list[Item]:
    """Every item of these orders, of the chosen products."""
    wanted = _item_test(filters)
    found = (
        Item(*row)
        for day in rollups.lines(period.first, period.last)
        for row in zip(
            repeat(day.day), day.order_ids, day.product_ids, _statuses(day.statuses), day.quantities, day.cents
        )
        if wanted(row[2])
    )
    whole = replace(filters, category=None, product=None)
    if whole.is_of_statuses:
        return [item for item in found if item.status in whole.statuses]
    passing = {order.order_id for order in orders(period, whole, rollups)}
    return [item for item in found if item.order_id in passing]


def sums(period: Period, filters: Filters, rollups: Rollups) -> list[Sum]:
    """The same orders by day and status, read in a small fraction of the time where only the status narrows."""
    if not filters.is_of_statuses:
        return _summed(orders(period, filters, rollups))
    return [
        Sum(day, status, found.orders, found.units, found.cents, found.oldest)
        for day, statuses in rollups.statuses(period.first, period.last)
        for status, found in statuses.items()
        if status in filters.statuses and found.orders
    ]


def first_days(until: date, rollups: Rollups) -> dict[int, date]:
    """The day of each customer's first counted order, for all who have one by then."""
    first: dict[int, date] = {}
    for day in rollups.orders(EARLIEST, until):
        for customer, code in zip(day.user_ids, day.statuses, strict=True):
            if customer not in first and is_counted(STATUS_OF_CODE[code]):
                first[customer] = day.day
    return first


def _all_orders(period: Period, rollups: Rollups) -> Iterator[Order]:
    for day in rollups.orders(period.first, period.last):
        columns = (day.order_ids, day.user_ids, _statuses(day.statuses), day.cents, day.units, day.created_at)
        yield from map(Order._make, zip(repeat(day.day), *columns))


def _with_chosen_items(period: Period, filters: Filters, rollups: Rollups) -> Iterator[Order]:
    """The orders with such a product in them, their units and cents those of these products."""
    chosen: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for item in items(period, Filters(category=filters.category, product=filters.product), rollups):
        found = chosen[item.order_id]
        found[0] += item.units
        found[1] += item.cents
    for order in _all_orders(period, rollups):
        if order.order_id in chosen:
            units, cents = chosen[order.order_id]
            yield order._replace(units=units, cents=cents)


def _statuses(codes: Iterable[int]) -> Iterator[str]:
    return map(STATUS_OF_CODE.__getitem__, codes)


def _order_test(filters: Filters, rollups: Rollups) -> Callable[[Order], bool]:
    statuses, customers = filters.statuses, _customers(filters, rollups)

    def passes(order: Order) -> bool:
        return order.status in statuses and (customers is None or order.customer in customers)

    return passes


def _customers(filters: Filters, rollups: Rollups) -> set[int] | None:
    """The customers the filters name, or None for everybody."""
    chosen = None if filters.customer is None else {filters.customer}
    if not filters.is_of_first_days:
        return chosen
    since, until = filters.first_from or EARLIEST, filters.first_to or LATEST
    found = {who for who, day in first_days(until, rollups).items() if day >= since}
    return found if chosen is None else found & chosen


def _item_test(filters: Filters) -> Callable[[int], bool]:
    """Whether a product, by its number, is one of those chosen."""
    tests: list[Callable[[int], bool]] = []
    if filters.product not in (None, ANY_PRODUCT):
        tests.append(lambda product: product == filters.product)
    if filters.category == NO_CATEGORY:
        # By those that have one: a product that is not there any more is in none.
        others = set(Product.objects.exclude(category=None).values_list("pk", flat=True))
        tests.append(lambda product: product not in others)
    elif filters.category is not None:
        tests.append(set(Product.objects.filter(category=filters.category).values_list("pk", flat=True)).__contains__)
    return lambda product: all(passes(product) for passes in tests)


def _summed(found: Sequence[Order]) -> list[Sum]:
    groups: dict[tuple[date, str], list[int]] = {}
    for order in found:
        group = groups.setdefault((order.day, order.status), [0, 0, 0, order.placed])
        group[0] += 1
        group[1] += order.units
        group[2] += order.cents
        group[3] = min(group[3], order.placed)
    return [Sum(*key, *values) for key, values in groups.items()]
