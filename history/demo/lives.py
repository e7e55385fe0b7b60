"""The lives of the demo shop's orders: what was bought, and what happened to it when and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from history.demo.catalogue import DemoProduct
from history.demo.people import CUSTOMER, STAFF, DemoCustomer
from orders.status import USUAL_WAY, Status

CANCELLED_OF_A_HUNDRED = 4
RETURNED_OF_A_HUNDRED = 2
PARCEL = "Parcel {:012d}"
CANCEL_NOTES = ("Ordered by mistake", "Found it elsewhere", "Payment did not arrive", "Takes too long")
RETURN_NOTES = ("Did not fit", "Arrived damaged", "Not as expected")


@dataclass(frozen=True)
class Step:
    """by: the e-mail of who did it."""

    status: Status
    at: datetime
    by: str
    note: str = ""


@dataclass(frozen=True)
class DemoOrder:
    customer: DemoCustomer
    items: list[tuple[DemoProduct, int]]
    steps: list[Step]


# The orders of the customer to sign in as: how long before the end each was placed, and how it stands.
OF_THE_DEMO_CUSTOMER = (
    (timedelta(days=241, hours=4), Status.DELIVERED),
    (timedelta(days=152, hours=14), Status.RETURNED),
    (timedelta(days=96, hours=7), Status.CANCELLED),
    (timedelta(days=41, hours=3), Status.DELIVERED),
    (timedelta(days=5, hours=2), Status.SHIPPED),
    (timedelta(days=1, hours=6), Status.PAID),
    (timedelta(hours=3), Status.PENDING),
)


def of_demo_customer(
    random: Random, customer: DemoCustomer, products: Sequence[DemoProduct], end: datetime
) -> list[DemoOrder]:
    """Return a few orders that stand in each status."""
    return [
        DemoOrder(customer, _items(random, products), _steps(random, customer, end - before, status))
        for before, status in OF_THE_DEMO_CUSTOMER
    ]


def some(
    random: Random,
    customers: Sequence[DemoCustomer],
    products: Sequence[DemoProduct],
    moments: Sequence[datetime],
    end: datetime,
) -> list[DemoOrder]:
    """Return an order for each moment, by somebody who had joined by then, as far on its way as it was at `end`."""
    orders = []
    for at in moments:
        there = [customer for customer in customers if customer.created_at < at]
        (customer,) = random.choices(there, [each.eagerness for each in there])
        steps = _steps(random, customer, at, _fate(random))
        orders.append(DemoOrder(customer, _items(random, products), [step for step in steps if step.at < end]))
    return orders


def _fate(random: Random) -> Status:
    drawn = random.randrange(100)
    if drawn < CANCELLED_OF_A_HUNDRED:
        return Status.CANCELLED
    return Status.RETURNED if drawn < CANCELLED_OF_A_HUNDRED + RETURNED_OF_A_HUNDRED else Status.DELIVERED


def _items(random: Random, products: Sequence[DemoProduct]) -> list[tuple[DemoProduct, int]]:
    (count,) = random.choices((1, 2, 3, 4), (55, 27, 12, 6))
    chosen: dict[str, DemoProduct] = {}
    while len(chosen) < count:
        (product,) = random.choices(products, [_popularity(n) for n in range(len(products))])
        chosen[product.sku] = product
    # Nobody buys three standing desks.
    return [(each, random.choice((1, 1, 1, 2, 3)) if each.price < 50 else 1) for each in chosen.values()]


def _popularity(number: int) -> float:
    """A few products sell most; 17 shares no factor with 60, so they are spread over the categories."""
    return 1 / (2 + number * 17 % 60)


def _steps(random: Random, customer: DemoCustomer, placed_at: datetime, ending: Status) -> list[Step]:
    placed = Step(Status.PENDING, placed_at, customer.email)
    paid = Step(Status.PAID, _later(random, placed_at, hours=(0.1, 6)), STAFF)
    if ending == Status.CANCELLED:
        return _until_cancelled(random, placed, paid)
    parcel = PARCEL.format(random.randrange(10**12))
    shipped = Step(Status.SHIPPED, _later(random, paid.at, hours=(20, 72)), STAFF, parcel)
    delivered = Step(Status.DELIVERED, _later(random, shipped.at, hours=(48, 168)), STAFF)
    usual = [placed, paid, shipped, delivered]
    if ending == Status.RETURNED:
        at = _later(random, delivered.at, hours=(72, 336))
        return [*usual, Step(Status.RETURNED, at, STAFF, random.choice(RETURN_NOTES))]
    return usual[: USUAL_WAY.index(ending) + 1]


def _until_cancelled(random: Random, placed: Step, paid: Step) -> list[Step]:
    before = [placed, paid] if random.random() < 0.4 else [placed]
    by = random.choice((placed.by, STAFF)) if placed.by != CUSTOMER else CUSTOMER
    at = _later(random, before[-1].at, hours=(1, 18))
    return [*before, Step(Status.CANCELLED, at, by, random.choice(CANCEL_NOTES))]


def _later(random: Random, at: datetime, hours: tuple[float, float]) -> datetime:
    """Some time between so many and so many hours later, rather sooner than later."""
    least, most = hours
    seconds = int(random.triangular(least, most, least + (most - least) / 4) * 3600)
    return at + timedelta(seconds=seconds)
