"""The segment of a customer, by recency, frequency and money of everything they ever ordered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from history.reports.definitions import is_counted
from history.rollups.read import STATUS_OF_CODE, DayOrders

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


@dataclass
class Life:
    """What somebody ordered, over all time: counted orders, their total amounts, the day of the last."""

    orders: int = 0
    cents: int = 0
    last: date | None = None

    def add(self, cents: int, day: date) -> None:
        """Add an order; later days come later."""
        self.orders += 1
        self.cents += cents
        self.last = day


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
    if life is None or life.last is None:
        return NEVER
    age = (today - life.last).days
    for name, days, orders, spent in SEGMENTS:
        if age <= days and life.orders >= orders and life.cents >= spent * 100:
            return name
    return LAST


def lives(customers: Iterable[int], ever: Iterable[DayOrders]) -> Mapping[int, Life]:
    """Of those of the customers who ever had a counted order; ever: all orders there are, by day."""
    wanted = {*customers}
    found: dict[int, Life] = defaultdict(Life)
    for day in ever:
        if wanted.isdisjoint(day.user_ids):
            continue
        for customer, code, cents in zip(day.user_ids, day.statuses, day.cents, strict=True):
            if customer in wanted and is_counted(STATUS_OF_CODE[code]):
                found[customer].add(cents, day.day)
    return found
