"""Cohorts counted from the orders themselves, where the rollups' own do not hold: in the past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from history.rollups.read import STATUS_OF_CODE, CohortSums, DayOrders
from orders.status import WITHOUT_REVENUE

# Milliseconds; what the rollups call soon.
SOON = timedelta(hours=2160) // timedelta(milliseconds=1)
# created_at, order_id, day
Place = tuple[int, int, date]


def cohorts(days: Iterable[DayOrders]) -> dict[date, dict[str, CohortSums]]:
    """By day and cohort month, "YYYY-MM". days: all orders ever."""
    placed: dict[int, list[Place]] = defaultdict(list)
    for day in days:
        for order_id, customer, code, at in zip(day.order_ids, day.user_ids, day.statuses, day.created_at, strict=True):
            if STATUS_OF_CODE[code] not in WITHOUT_REVENUE:
                placed[customer].append((at, order_id, day.day))
    sums: dict[date, dict[str, list[int]]] = defaultdict(dict)
    for orders in placed.values():
        _add(sums, sorted(orders))
    return {day: {month: CohortSums(*row) for month, row in rows.items()} for day, rows in sums.items()}


def _add(sums: dict[date, dict[str, list[int]]], orders: list[Place]) -> None:
    """One customer's counted orders, the first one first."""
    first_at, _, first_day = orders[0]
    cohort, months = f"{first_day:%Y-%m}", set()
    for place, (at, _, day) in enumerate(orders):
        is_active = (day.year, day.month) not in months
        months.add((day.year, day.month))
        if is_active or place == 1:
            row = sums[day].setdefault(cohort, [0, 0, 0, 0])
            row[0] += is_active
            row[1] += place == 0
            row[2] += place == 1
            row[3] += place == 1 and at <= first_at + SOON
