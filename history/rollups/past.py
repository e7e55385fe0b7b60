"""The rollups as they stood at a past moment: what `read` gives, without what happened since.

An order that later events changed stands as it stood; one placed later (by its created_at) was not there. Days on
which there are such orders are counted anew, all others are as they are; cohorts are counted anew.
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
from history.rollups.later import Changed, Standing, day_of
from history.rollups.read import CohortSums, DayDurations, DayLines, DayOrders, StatusSums

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
# One longer reading is quicker than two.
NEAR = timedelta(days=31)
# No clock goes back further.
REPEATED = timedelta(hours=26)
MILLISECONDS_OF_MINUTE = 60_000


class Rollups(Protocol):
    """What reports read, now (the module `read`) or in the past. Both days are included, days come in turn."""

    def statuses(self, first: date, last: date) -> list[tuple[date, dict[str, StatusSums]]]: ...
    def cohorts(self, first: date, last: date) -> list[tuple[date, dict[str, CohortSums]]]: ...
    def orders(self, first: date, last: date) -> Iterator[DayOrders]: ...
    def orders_on(self, days: Iterable[date]) -> Iterator[DayOrders]: ...
    def lines(self, first: date, last: date) -> Iterator[DayLines]: ...
    def durations(self, first: date, last: date) -> list[DayDurations]: ...


class Past:
    """at: aware, of whole milliseconds, not in the future."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.day = day_of(at)
        # The days of which a part may lie after the moment: where clocks are changed, the neighbours too.
        near = [at - REPEATED, at, at + REPEATED]
        is_changed = len({timezone.localtime(each, timezone.get_default_timezone()).utcoffset() for each in near}) > 1
        self.days = {day_of(each) for each in near} if is_changed else {self.day}
        self.last = max(self.days)
        self._changed: dict[int, Changed] = {}
        self._count = (0, 0)

    def changed(self) -> dict[int, Changed]:
        """What has changed since, by order. To be asked after reading rollups, which may show it already."""
        count = later.count(self.at)
        if count != self._count:
            self._changed, self._count = later.read(self.at), count
        return self._changed

    def other_days(self, first: date, last: date) -> list[date]:
        """The days, up to that moment's, that may have been others than they are now."""
        found = self.days.union(*(each.days for each in self.changed().values()))
        return sorted(day for day in found if first <= day <= min(last, self.last))

    def statuses(self, first: date, last: date) -> list[tuple[date, dict[str, StatusSums]]]:
        found = dict(read.statuses(first, min(last, self.last)))
        for day in self.other_days(first, last):
            found.pop(day, None)
        found |= {day.day: _statuses(day) for day in self._other_orders(first, last)}
        return sorted(found.items())

    def cohorts(self, first: date, last: date) -> list[tuple[date, dict[str, CohortSums]]]:
        """From all orders ever: they ask for each customer's first."""
        found = cohorts(self.orders(date.min, self.last))
        return sorted((day, sums) for day, sums in found.items() if first <= day <= last)

    def orders(self, first: date, last: date) -> Iterator[DayOrders]:
        found = {day.day: day for day in read.orders(first, min(last, self.last))}
        others, changed, standing = self.other_days(first, last), self.changed(), self._standing()
        for day in others:
            orders = found.get(day, DayOrders(day))
            columns = (orders.order_ids, orders.user_ids, orders.statuses, orders.cents, orders.units)
            rows = zip(*columns, orders.created_at, strict=True)
            kept = [row for row in rows if row[0] not in changed and row[-1] <= _milliseconds(self.at)]
            found[day] = _orders(day, kept, standing.get(day, ()))
        return (found[day] for day in sorted(found) if found[day].order_ids)

    def orders_on(self, days: Iterable[date]) -> Iterator[DayOrders]:
        wanted = {*days}
        return (day for run in runs(sorted(wanted)) for day in self.orders(*run) if day.day in wanted)

    def lines(self, first: date, last: date) -> Iterator[DayLines]:
        found = {day.day: day for day in read.lines(first, min(last, self.last))}
        there = {order_id for day in self.orders_on(self.days) for order_id in day.order_ids}
        others, changed, standing = self.other_days(first, last), self.changed(), self._standing()
        for day in others:
            lines = found.get(day, DayLines(day))
            columns = (lines.order_ids, lines.product_ids, lines.statuses, lines.quantities, lines.cents)
            kept = [row for row in zip(*columns, strict=True) if row[0] not in changed]
            kept = [row for row in kept if row[0] in there] if day in self.days else kept
            found[day] = _lines(day, kept, standing.get(day, ()))
        return (found[day] for day in sorted(found) if found[day].order_ids)

    def durations(self, first: date, last: date) -> list[DayDurations]:
        found = {day.day: day for day in read.durations(first, min(last, self.last))}
        for day in self.other_days(first, last):
            found.pop(day, None)
        found |= self._durations(list(self._other_orders(first, last)))
        return [found[day] for day in sorted(found)]

    def _other_orders(self, first: date, last: date) -> Iterator[DayOrders]:
        others = self.other_days(first, last)
        return (day for run in runs(others) for day in self.orders(*run) if day.day in others)

    def _standing(self) -> dict[date, list[Standing]]:
        """The orders as they stood that have changed since, by the day they were placed on."""
        found: dict[date, list[Standing]] = defaultdict(list)
        for each in self._changed.values():
            if each.standing and each.standing.created_at <= self.at:
                found[day_of(each.standing.created_at)].append(each.standing)
        return found

    def _durations(self, days: Sequence[DayOrders]) -> dict[date, DayDurations]:
        reached = later.steps([order_id for day in days for order_id in day.order_ids], self._changed)
        found = {}
        for day in days:
            found[day.day] = durations = DayDurations(day.day)
            for order_id, code, created_at in zip(day.order_ids, day.statuses, day.created_at, strict=True):
                before: int | None = created_at
                for step in shape.STEPS:
                    moment = reached.get(order_id, {}).get(step)
                    at = None if moment is None else _milliseconds(moment)
                    if before is not None and at is not None:
                        getattr(durations, step).append((at - before) // MILLISECONDS_OF_MINUTE)
                        getattr(durations, f"{step}_statuses").append(code)
                    before = at
        return found


def runs(days: Iterable[date]) -> list[tuple[date, date]]:
    """Stretches, from first to last day, with all the days in them; what lies between near ones is read along.

    days: ascending.
    """
    found: list[tuple[date, date]] = []
    for day in days:
        if found and day - found[-1][1] <= NEAR:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


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
