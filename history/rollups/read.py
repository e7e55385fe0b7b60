"""What the reports read: the rollups of whole days, both included, by a range of `_id`.

Source: MongoDB rollups, behind PostgreSQL by what `behind` says. Raises pymongo's errors. Days without orders are left
out; days come in turn. A day is one in the shop's TIME_ZONE; it holds the orders placed on it as they stand now.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from operator import itemgetter
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import connection

from history import mongo
from history.rollups import shape
from history.rollups.shape import Document

STATUS_OF_CODE = shape.STATUSES

# Documents to a reply; the server's own choice would be the first hundred, then as many as fit.
BATCH = 1000

# Orders that are not in the reports yet: with pending events; days: still to be computed after delivery.
BEHIND = """
SELECT
    (SELECT count(DISTINCT order_id) FROM history_events WHERE delivered_at IS NULL AND order_id IS NOT NULL),
    (SELECT count(DISTINCT day) FROM rollup_queue),
    least((SELECT min(recorded_at) FROM history_events WHERE delivered_at IS NULL AND order_id IS NOT NULL),
          (SELECT min(since) FROM rollup_queue))
"""


class StatusSums(NamedTuple):
    """All orders of one status, counted as revenue or not. oldest: when the first was placed, epoch milliseconds."""

    orders: int
    units: int
    cents: int
    oldest: int


class CohortSums(NamedTuple):
    """Customers whose first counted order ever was in one month, and what they did on this day.

    active: whose first counted order of this calendar month it is; new: whose first ever; second: whose second ever;
    second_soon: those of them at most 90 × 24 hours after the first. Each is counted once a month at most, so sums
    over whole months count people.
    """

    active: int
    new: int
    second: int
    second_soon: int


class DaySums(NamedTuple):
    """statuses by code, those that occur; packed: the cohorts, as they are stored."""

    day: date
    statuses: dict[str, StatusSums]
    packed: bytes

    @property
    def cohorts(self) -> dict[str, CohortSums]:
        """By month, "YYYY-MM"."""
        return {f"{month // 100:04}-{month % 100:02}": CohortSums(*row) for month, *row in _rows(self.packed)}


def _integers() -> array[int]:
    return array(shape.INTEGER)


def _codes() -> array[int]:
    return array(shape.CODE)


@dataclass
class DayOrders:
    """One value per order in each column, by ascending order_id. statuses: codes, see STATUS_OF_CODE; cents:
    total_amount; units: quantities of its items; created_at: epoch milliseconds."""

    day: date
    order_ids: array[int] = field(default_factory=_integers)
    user_ids: array[int] = field(default_factory=_integers)
    statuses: array[int] = field(default_factory=_codes)
    cents: array[int] = field(default_factory=_integers)
    units: array[int] = field(default_factory=_integers)
    created_at: array[int] = field(default_factory=_integers)


@dataclass
class DayLines:
    """One value per order item in each column, those of one order together. statuses: its order's; cents: price as
    sold × quantity."""

    day: date
    order_ids: array[int] = field(default_factory=_integers)
    product_ids: array[int] = field(default_factory=_integers)
    statuses: array[int] = field(default_factory=_codes)
    quantities: array[int] = field(default_factory=_integers)
    cents: array[int] = field(default_factory=_integers)


@dataclass
class DayDurations:
    """Whole minutes, rounded down, from placed to paid, paid to shipped, shipped to delivered: one value per order of
    the day that got there and whose times are known; beside it the order's status now. Below zero where the times say
    so, as imported ones may."""

    day: date
    paid: array[int] = field(default_factory=_integers)
    paid_statuses: array[int] = field(default_factory=_codes)
    shipped: array[int] = field(default_factory=_integers)
    shipped_statuses: array[int] = field(default_factory=_codes)
    delivered: array[int] = field(default_factory=_integers)
    delivered_statuses: array[int] = field(default_factory=_codes)


Day = TypeVar("Day", DayOrders, DayLines, DayDurations)


@dataclass(frozen=True)
class Behind:
    """orders: with changes still to be delivered; days: delivered but still to be computed anew; since: when the
    oldest of these changes was made (aware), None where there are none."""

    orders: int
    days: int
    since: datetime | None


def sums(first: date, last: date) -> list[DaySums]:
    return [
        DaySums(day, _of_statuses(content["statuses"]), content["cohorts"])
        for day, content in _of_months(shape.SUMS, first, last)
        if content["statuses"]
    ]


def statuses(first: date, last: date) -> list[tuple[date, dict[str, StatusSums]]]:
    return [(day.day, day.statuses) for day in sums(first, last)]


def cohorts(first: date, last: date) -> list[tuple[date, dict[str, CohortSums]]]:
    return [(day.day, day.cohorts) for day in sums(first, last)]


def orders(first: date, last: date) -> Iterator[DayOrders]:
    return (day for day in _of_days(DayOrders, shape.between(shape.ORDERS, first, last)) if day.order_ids)


def orders_on(days: Iterable[date]) -> Iterator[DayOrders]:
    """Of these days alone."""
    return (day for day in _of_days(DayOrders, shape.among(shape.ORDERS, days)) if day.order_ids)


def lines(first: date, last: date) -> Iterator[DayLines]:
    return (day for day in _of_days(DayLines, shape.between(shape.LINES, first, last)) if day.order_ids)


def durations(first: date, last: date) -> list[DayDurations]:
    return [
        _unpacked(DayDurations(day), content)
        for day, content in _of_months(shape.DURATIONS, first, last)
        if any(content[step] for step in shape.STEPS)
    ]


def behind() -> Behind:
    """What the rollups lack. Source: PostgreSQL. Asked before reading, it never promises more than is shown."""
    with connection.cursor() as cursor:
        cursor.execute(BEHIND)
        return Behind(*cursor.fetchone())


def _documents(wanted: Document) -> list[Document]:
    found = mongo.for_reading(mongo.ROLLUPS).find(
        wanted,
        batch_size=BATCH,
        # The server gives up when the page does.
        max_time_ms=settings.MONGODB_READ_TIMEOUT_MS,
    )
    # Not by the server: the embedded one takes half as long again for it.
    return sorted(found, key=itemgetter("span", "piece"))


def _of_months(kind: str, first: date, last: date) -> Iterator[tuple[date, Document]]:
    for document in _documents(shape.between(kind, first, last)):
        for key, content in sorted(document["days"].items()):
            day = shape.day_of(document, key)
            if first <= day <= last:
                yield day, content


def _of_days(make: type[Day], wanted: Document) -> Iterator[Day]:
    """Put the pieces of each day together; those beyond `more` are left over from when the day had more orders."""
    found: Day | None = None
    more = 0
    for document in _documents(wanted):
        if document["piece"] == 0:
            if found is not None:
                yield found
            found, more = make(shape.day_of(document)), document["more"]
        if found is not None and document["piece"] <= more:
            _unpacked(found, document)
    if found is not None:
        yield found


def _unpacked(found: Day, content: Document) -> Day:
    for each in fields(found)[1:]:
        shape.unpack(content[each.name], getattr(found, each.name))
    return found


def _of_statuses(packed: bytes) -> dict[str, StatusSums]:
    return {STATUS_OF_CODE[code]: StatusSums(*row) for code, *row in _rows(packed)}


def _rows(packed: bytes) -> Iterator[tuple[int, ...]]:
    """Five numbers at a time."""
    numbers = iter(shape.unpack(packed, array(shape.INTEGER)))
    return zip(*[numbers] * 5, strict=True)
