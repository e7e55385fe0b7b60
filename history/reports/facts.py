"""The orders of a period as the reports count them, narrowed by the filters: as they stand now, or stood in the past.

Source: MongoDB rollups, behind PostgreSQL by the relay's lag; the products of a category from PostgreSQL.
Raises pymongo's errors.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from datetime import date
from itertools import compress
from typing import Any, NamedTuple, TypeVar

from catalog.models import Product
from history.reports.definitions import is_counted
from history.reports.filters import ANY_PRODUCT, EVERY_STATUS, NO_CATEGORY, Filters
from history.reports.numbers import Chosen, Numbers, chosen, numbers
from history.reports.periods import EARLIEST, LATEST, Period
from history.rollups.past import Rollups
from history.rollups.read import STATUS_OF_CODE, DayDurations, DayLines, DayOrders
from history.rollups.shape import INTEGER, column

Day = TypeVar("Day", DayOrders, DayLines)
Columns = DayOrders | DayLines | DayDurations


def selecting(statuses: Iterable[str]) -> bytes:
    """By code of status whether it is one of these, for bytes.translate."""
    wanted = {*statuses}
    chosen = (code < len(STATUS_OF_CODE) and STATUS_OF_CODE[code] in wanted for code in range(256))
    return bytes(chosen)


COUNTED = selecting(filter(is_counted, STATUS_OF_CODE))


class Sum(NamedTuple):
    """The orders of one day in one status; oldest: milliseconds since 1970."""

    day: date
    status: str
    orders: int
    units: int
    cents: int
    oldest: int


def orders(period: Period, filters: Filters, rollups: Rollups) -> list[DayOrders]:
    """Every order of the period that the filters let pass, by day, in columns: a million objects take seconds.

    Units and cents are of all of an order, or of the chosen products.
    """
    found = iter(rollups.orders(period.first, period.last))
    if filters.is_of_items:
        of_items = Filters(category=filters.category, product=filters.product)
        found = _of_items(found, items(period, of_items, rollups))
    found = _of_statuses(found, filters)
    customers = _customers(filters, rollups)
    if customers is not None:
        found = (_only(day, bytes(map(customers.__contains__, day.user_ids))) for day in found)
    return [day for day in found if day.order_ids]


def items(period: Period, filters: Filters, rollups: Rollups) -> list[DayLines]:
    """Every item of these orders, of the chosen products."""
    is_chosen = _item_test(filters)
    found = iter(rollups.lines(period.first, period.last))
    if is_chosen:
        found = (_only(day, bytes(map(is_chosen, day.product_ids))) for day in found)
    whole = replace(filters, category=None, product=None)
    if whole.is_of_statuses:
        found = _of_statuses(found, whole)
    else:
        passing = set(joined(orders(period, whole, rollups), "order_ids"))
        found = (_only(day, bytes(map(passing.__contains__, day.order_ids))) for day in found)
    return [day for day in found if day.order_ids]


def joined(days: Iterable[Columns], name: str) -> array[int]:
    """One column of all days."""
    whole = column(name)
    for day in days:
        whole.extend(getattr(day, name))
    return whole


def numbers_of(days: Iterable[Columns], name: str) -> Numbers:
    """The same, to calculate with."""
    return numbers(joined(days, name))


def counted(statuses: array[int]) -> bytes:
    """For each code 1 where such an order is counted, else 0: what itertools.compress takes."""
    return statuses.tobytes().translate(COUNTED)


def counted_of(days: Iterable[DayOrders]) -> Chosen:
    """Which orders of all days are counted."""
    return chosen(counted(joined(days, "statuses")))


def sums(period: Period, filters: Filters, rollups: Rollups) -> list[Sum]:
    """The same orders by day and status, read in a small fraction of the time where only the status narrows."""
    if not filters.is_of_statuses:
        return _summed(orders(period, filters, rollups))
    wanted = filters.statuses
    return [
        Sum(day, status, found.orders, found.units, found.cents, found.oldest)
        for day, statuses in rollups.statuses(period.first, period.last)
        for status, found in statuses.items()
        if status in wanted and found.orders
    ]


def first_days(until: date, rollups: Rollups) -> dict[int, date]:
    """The day of each customer's first counted order, for all who have one by then."""
    first: dict[int, date] = {}
    for day in reversed([*rollups.orders(EARLIEST, until)]):
        first.update(dict.fromkeys(compress(day.user_ids, counted(day.statuses)), day.day))
    return first


def _only(day: Day, flags: bytes) -> Day:
    """The rows that are chosen by a 1."""
    wanted = chosen(flags)
    if wanted.all():
        return day
    kept: dict[str, Any] = {}
    for each in fields(day)[1:]:
        values = getattr(day, each.name)
        kept[each.name] = array(values.typecode, numbers(values)[wanted].tobytes())
    return replace(day, **kept)


def _of_statuses(days: Iterator[Day], filters: Filters) -> Iterator[Day]:
    if filters.statuses == EVERY_STATUS:
        return days
    wanted = selecting(filters.statuses)
    return (_only(day, day.statuses.tobytes().translate(wanted)) for day in days)


def _of_items(days: Iterator[DayOrders], chosen: Iterable[DayLines]) -> Iterator[DayOrders]:
    """The orders with such an item in them, their units and cents those of these items."""
    units: dict[int, int] = defaultdict(int)
    cents: dict[int, int] = defaultdict(int)
    for lines in chosen:
        for order_id, quantity, amount in zip(lines.order_ids, lines.quantities, lines.cents, strict=True):
            units[order_id] += quantity
            cents[order_id] += amount
    for day in days:
        kept = _only(day, bytes(map(units.__contains__, day.order_ids)))
        yield replace(
            kept,
            units=array(INTEGER, map(units.__getitem__, kept.order_ids)),
            cents=array(INTEGER, map(cents.__getitem__, kept.order_ids)),
        )


def _customers(filters: Filters, rollups: Rollups) -> set[int] | None:
    """The customers the filters name, or None for everybody."""
    chosen = None if filters.customer is None else {filters.customer}
    if not filters.is_of_first_days:
        return chosen
    since, until = filters.first_from or EARLIEST, filters.first_to or LATEST
    found = {who for who, day in first_days(until, rollups).items() if day >= since}
    return found if chosen is None else found & chosen


def _item_test(filters: Filters) -> Callable[[int], bool] | None:
    """Whether a product, by its number, is one of those chosen; None where all are."""
    if filters.product not in (None, ANY_PRODUCT):
        in_category = _category_test(filters)
        return lambda product: product == filters.product and (in_category is None or in_category(product))
    return _category_test(filters)


def _category_test(filters: Filters) -> Callable[[int], bool] | None:
    if filters.category is None:
        return None
    if filters.category == NO_CATEGORY:
        # By those that have one: a product that is not there any more is in none.
        others = set(Product.objects.exclude(category=None).values_list("pk", flat=True))
        return lambda product: product not in others
    return set(Product.objects.filter(category=filters.category).values_list("pk", flat=True)).__contains__


def _summed(days: Iterable[DayOrders]) -> list[Sum]:
    groups: dict[tuple[date, int], list[int]] = {}
    for day in days:
        for code, units, cents, placed in zip(day.statuses, day.units, day.cents, day.created_at, strict=True):
            group = groups.setdefault((day.day, code), [0, 0, 0, placed])
            group[0] += 1
            group[1] += units
            group[2] += cents
            group[3] = min(group[3], placed)
    return [Sum(day, STATUS_OF_CODE[code], *values) for (day, code), values in groups.items()]
