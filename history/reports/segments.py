"""The segment of a customer, by recency, frequency and money of everything they ever ordered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from history.reports import facts
from history.reports.numbers import Groups, among
from history.rollups.read import DayOrders

NEVER = "Never bought"
LAST = "Lost"
MUCH = 500

# The first that fits: name, days since the last counted order at most, counted orders at least, spent at least.
SEGMENTS = [
    ("Champion", 60, 5, MUCH),
    ("Loyal", 120, 3, 0),
    ("New", 60, 1, 0),
    ("Promising", 120, 1, 0),
    ("At risk, frequent", 365, 3, 0),
    ("At risk, valuable", 365, 1, MUCH),
    ("Cooling", 365, 1, 0),
]


@dataclass(frozen=True)
class Life:
    """What somebody ordered, over all time: counted orders, their total amounts, the day of the last."""

    orders: int
    cents: int
    last: date


def definition() -> tuple[str, str]:
    return (
        "Segment",
        "By all counted orders the customer ever placed, the first that fits: "
        + "; ".join(_told(*segment) for segment in SEGMENTS)
        + f"; {LAST}: the last order was longer ago; {NEVER}: none. In no period, so a filter does not change it.",
    )


def _told(name: str, days: int, orders: int, spent: int) -> str:
    more = [f"{orders} or more orders"] if orders > 1 else []
    more += [f"{spent} or more spent"] if spent else []
    return f"{name}: last order at most {days} days ago" + "".join(f", {each}" for each in more)


def segment(life: Life | None, today: date) -> str:
    if life is None:
        return NEVER
    age = (today - life.last).days
    for name, days, orders, spent in SEGMENTS:
        if age <= days and life.orders >= orders and life.cents >= spent * 100:
            return name
    return LAST


def lives(customers: Iterable[int], ever: Iterable[DayOrders]) -> Mapping[int, Life]:
    """Of those of the customers who ever had a counted order; ever: all orders there are, by day."""
    days = [*ever]
    placed = facts.numbers_of(days, "user_ids")
    wanted = among(placed, [*customers]) & facts.counted_of(days)
    of_day = np.repeat([day.day.toordinal() for day in days], [len(day.order_ids) for day in days])
    found = Groups(placed[wanted])
    cents, last = found.sums(facts.numbers_of(days, "cents")[wanted]), found.most(of_day[wanted])
    return {
        customer: Life(orders, cents[customer], date.fromordinal(last[customer]))
        for customer, orders in found.counts().items()
    }
