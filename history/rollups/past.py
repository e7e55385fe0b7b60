"""The rollups as they stood at a past moment: what `read` gives, without what happened since.

An order that later events changed stands as it stood; one placed later (by its created_at) was not there; all others
are as they are. Sums and cohorts are counted anew from the orders; times of steps too, on the days that changed.
Source: MongoDB rollups, behind PostgreSQL by the relay's lag; the later events, see later.py. Raises pymongo's errors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from django.utils import timezone

from history.rollups import later, read, shape
from history.rollups.cohorts import cohorts
from history.rollups.later import Changed, Standing
from history.rollups.read import CohortSums, DayDurations, DayLines, DayOrders, StatusSums

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MILLISECONDS_OF_MINUTE = 60_000


class Rollups(Protocol):
    """What reports read, now (the module `read`) or in the past. Both days are included, days come in turn."""

    def statuses(self, first: date, last: date) -> list[tuple[date, dict[str, StatusSums]]]: ...
    def cohorts(self, first: date, last: date) -> list[tuple[date, dict[str, CohortSums]]]: ...
    def orders(self, first: date, last: date) -> Iterator[DayOrders]: ...
    def lines(self, first: date, last: date) -> Iterator[DayLines]: ...
    def durations(self, first: date, last: date) -> list[DayDurations]: ...


class Past:
    """at: aware, of whole milliseconds, not in the future."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.day = _day(at)
        self._changed: dict[int, Changed] = {}
        self._count = (0, 0)

    def changed(self) -> dict[int, Changed]:
        """What has changed since, by order. To be asked after reading rollups, which may show it already."""
        count = later.count(self.at)
        if count != self._count:
            self._changed, self._count = later.read(self.at), count
        return self._changed

    def orders(self, first: date, last: date) -> Iterator[DayOrders]:
        return (day for day, _ in self._days(first, last) if day.order_ids)

    def lines(self, first: date, last: date) -> Iterator[DayLines]:
        found = {day.day: day for day in read.lines(first, min(last, self.day))}
        there = {order_id for day in self.orders(self.day, self.day) for order_id in day.order_ids}
        changed, standing = self.changed(), self._standing(first, last)
        for day in sorted(found.keys() | standing.keys()):
            lines = found.get(day, DayLines(day))
            if day in standing or day == self.day or not changed.keys().isdisjoint(lines.order_ids):
                columns = (lines.order_ids, lines.product_ids, lines.statuses, lines.quantities, lines.cents)
                kept = [row for row in zip(*columns, strict=True) if row[0] not in changed]
                kept = [row for row in kept if row[0] in there] if day == self.day else kept
                lines = _lines(day, kept, standing.get(day, ()))
            if lines.order_ids:
                yield lines

    def statuses(self, first: date, last: date) -> list[tuple[date, dict[str, StatusSums]]]:
        return [(day.day, _statuses(day)) for day in self.orders(first, last)]

    def cohorts(self, first: date, last: date) -> list[tuple[date, dict[str, CohortSums]]]:
        """From all orders ever: they ask for each customer's first."""
        found = cohorts(self.orders(date.min, self.day))
        return [(day, found[day]) for day in sorted(found) if first <= day <= last]

    def durations(self, first: date, last: date) -> list[DayDurations]:
        known = read.durations(first, min(last, self.day))
        anew = {day.day: day for day, is_other in self._days(first, last) if is_other}
        found = {day.day: day for day in known if day.day not in anew} | self._durations(anew)
        return [found[day] for day in sorted(found)]

    def _days(self, first: date, last: date) -> Iterator[tuple[DayOrders, bool]]:
        """Each day, and whether it was another than it is now."""
        found = {day.day: day for day in read.orders(first, min(last, self.day))}
        changed, standing = self.changed(), self._standing(first, last)
        moment = _milliseconds(self.at)
        for day in sorted(found.keys() | standing.keys()):
            orders = found.get(day, DayOrders(day))
            is_other = day in standing or day == self.day or not changed.keys().isdisjoint(orders.order_ids)
            if is_other:
                columns = (orders.order_ids, orders.user_ids, orders.statuses)
                more = (orders.cents, orders.units, orders.created_at)
                rows = zip(*columns, *more, strict=True)
                kept = [row for row in rows if row[0] not in changed and row[-1] <= moment]
                orders = _orders(day, kept, standing.get(day, ()))
            yield orders, is_other

    def _standing(self, first: date, last: date) -> dict[date, list[Standing]]:
        """The orders as they stood that have changed since, by the day they were placed on."""
        found: dict[date, list[Standing]] = defaultdict(list)
        for each in self._changed.values():
            if each.standing and each.standing.created_at <= self.at:
                found[_day(each.standing.created_at)].append(each.standing)
        return {day: orders for day, orders in found.items() if first <= day <= last}

    def _durations(self, days: dict[date, DayOrders]) -> dict[date, DayDurations]:
        reached = later.steps([order_id for day in days.values() for order_id in day.order_ids], self._changed)
        found = {}
        for day, orders in days.items():
            found[day] = durations = DayDurations(day)
            for order_id, code, created_at in zip(orders.order_ids, orders.statuses, orders.created_at, strict=True):
                before: int | None = created_at
                for step in shape.STEPS:
                    moment = reached.get(order_id, {}).get(step)
                    at = None if moment is None else _milliseconds(moment)
                    if before is not None and at is not None:
                        getattr(durations, step).append((at - before) // MILLISECONDS_OF_MINUTE)
                        getattr(durations, f"{step}_statuses").append(code)
                    before = at
        return found


def _day(moment: datetime) -> date:
    return timezone.localdate(moment, timezone.get_default_timezone())


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MILLISECOND


def _orders(day: date, kept: Sequence[tuple[int, ...]], standing: Iterable[Standing]) -> DayOrders:
    added = [
        (one.order_id, one.user_id, shape.CODES[one.status], one.cents, one.units, _milliseconds(one.created_at))
        for one in standing
    ]
    found = DayOrders(day)
    columns = (found.order_ids, found.user_ids, found.statuses, found.cents, found.units, found.created_at)
    for column, values in zip(columns, zip(*sorted([*kept, *added]), strict=True), strict=False):
        column.extend(values)
    return found


def _statuses(day: DayOrders) -> dict[str, StatusSums]:
    sums: dict[int, list[int]] = {}
    for code, units, cents, created_at in zip(day.statuses, day.units, day.cents, day.created_at, strict=True):
        row = sums.setdefault(code, [0, 0, 0, created_at])
        row[0] += 1
        row[1] += units
        row[2] += cents
        row[3] = min(row[3], created_at)
    return {shape.STATUSES[code]: StatusSums(*row) for code, row in sums.items()}


def _lines(day: date, kept: Sequence[tuple[int, ...]], standing: Iterable[Standing]) -> DayLines:
    added = [
        (one.order_id, product, shape.CODES[one.status], quantity, cents)
        for one in standing
        for (product, quantity, _), cents in zip(one.items, one.line_cents, strict=True)
    ]
    found = DayLines(day)
    columns = (found.order_ids, found.product_ids, found.statuses, found.quantities, found.cents)
    for column, values in zip(columns, zip(*sorted([*kept, *added]), strict=True), strict=False):
        column.extend(values)
    return found
