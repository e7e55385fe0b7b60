"""The segment of a customer, by recency, frequency and money of everything they ever ordered.

Source: MongoDB order_history for some customers, the rollups for many; behind PostgreSQL by the relay's lag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from history import mongo
from history.reports import facts
from history.reports.filters import Filters
from history.reports.periods import EARLIEST, Period
from orders.status import WITHOUT_REVENUE

NEVER = "Never bought"
LAST = "Lost"
MUCH = Decimal(500)

# The first that fits: name, days since the last counted order at most, counted orders at least, spent at least.
SEGMENTS = [
    ("Champion", 60, 5, MUCH),
    ("Loyal", 120, 3, Decimal(0)),
    ("New", 60, 1, Decimal(0)),
    ("Promising", 120, 1, Decimal(0)),
    ("At risk, frequent", 365, 3, Decimal(0)),
    ("At risk, valuable", 365, 1, MUCH),
    ("Cooling", 365, 1, Decimal(0)),
]

# More customers than this are quicker found by reading every day's rollup.
FEW = 200


@dataclass
class Life:
    """What somebody ordered, over all time: counted orders, their total amounts, the day of the last."""

    orders: int = 0
    spent: Decimal = Decimal(0)
    last: date | None = None

    def add(self, spent: Decimal, day: date) -> None:
        self.orders += 1
        self.spent += spent
        self.last = max(self.last or day, day)


def definition() -> tuple[str, str]:
    return (
        "Segment",
        "By all counted orders the customer ever placed, the first that fits: "
        + "; ".join(_told(*segment) for segment in SEGMENTS)
        + f"; {LAST}: the last order was longer ago; {NEVER}: none. In no period, so a filter does not change it.",
    )


def _told(name: str, days: int, orders: int, spent: Decimal) -> str:
    more = [f"{orders} or more orders"] if orders > 1 else []
    more += [f"{spent} or more spent"] if spent else []
    return f"{name}: last order at most {days} days ago" + "".join(f", {each}" for each in more)


def segment(life: Life | None, today: date) -> str:
    if life is None or life.last is None:
        return NEVER
    age = (today - life.last).days
    for name, days, orders, spent in SEGMENTS:
        if age <= days and life.orders >= orders and life.spent >= spent:
            return name
    return LAST


def lives(customers: Iterable[int], today: date) -> Mapping[int, Life]:
    wanted = {*customers}
    found: dict[int, Life] = {}
    rows = _of_some(wanted, today) if len(wanted) <= FEW else _of_many(wanted, today)
    for customer, spent, day in rows:
        found.setdefault(customer, Life()).add(spent, day)
    return found


def _of_many(wanted: set[int], today: date) -> Iterable[tuple[int, Decimal, date]]:
    for order in facts.orders(Period(EARLIEST, today), Filters(status="counted")):
        if order.customer in wanted:
            yield order.customer, Decimal(order.cents).scaleb(-2), order.day


def _of_some(wanted: set[int], today: date) -> Iterable[tuple[int, Decimal, date]]:
    zone = timezone.get_default_timezone()
    until = Period(EARLIEST, today).end
    documents = mongo.for_reading().find(
        {"user_id": {"$in": sorted(wanted)}, "status": {"$nin": list(WITHOUT_REVENUE)}},
        {"user_id": 1, "total_amount": 1, "created_at": 1},
        max_time_ms=settings.MONGODB_READ_TIMEOUT_MS,
    )
    for document in documents:
        if document["created_at"] < until:
            day = timezone.localdate(document["created_at"], zone)
            yield document["user_id"], document["total_amount"].to_decimal(), day
