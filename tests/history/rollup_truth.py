"""What the rollups must say, asked of PostgreSQL's rows one by one and counted in the plainest way."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from history.models import Event
from history.rollups import read
from orders.models import Order, OrderItem

FIRST, LAST = date(1970, 1, 1), date(2199, 12, 31)
UNCOUNTED = ("cancelled", "returned")
MILLISECOND, MINUTE = timedelta(milliseconds=1), timedelta(minutes=1)


def assert_rollups_are_true() -> None:
    said, true = in_rollups(), in_postgres()
    for kind in true:
        assert said[kind] == true[kind], kind


def in_rollups() -> dict[str, dict]:
    """What the read side gives for all days, by kind and day, as plain values."""
    orders = {
        day.day: list(zip(day.order_ids, day.user_ids, _names(day), day.cents, day.units, day.created_at, strict=True))
        for day in read.orders(FIRST, LAST)
    }
    lines = {
        day.day: sorted(zip(day.order_ids, day.product_ids, _names(day), day.quantities, day.cents, strict=True))
        for day in read.lines(FIRST, LAST)
    }
    durations = {
        (day.day, step): Counter(zip(getattr(day, step), _names(day, f"{step}_statuses"), strict=True))
        for day in read.durations(FIRST, LAST)
        for step in ("paid", "shipped", "delivered")
        if getattr(day, step)
    }
    sums = read.sums(FIRST, LAST)
    return {
        "orders": orders,
        "lines": lines,
        "durations": durations,
        "statuses": {(day.day, status): found._asdict() for day in sums for status, found in day.statuses.items()},
        "cohorts": {(day.day, month): found._asdict() for day in sums for month, found in day.cohorts.items()},
    }


def in_postgres() -> dict[str, dict]:
    orders, lines, durations, statuses = defaultdict(list), defaultdict(list), defaultdict(Counter), {}
    items = defaultdict(list)
    for item in OrderItem.objects.all():
        items[item.order_id].append(item)
    events = defaultdict(list)
    for event in Event.objects.of_orders().order_by("order_id", "rev"):
        events[event.order_id].append(event)
    every = list(Order.objects.order_by("order_id"))
    for order in every:
        day, mine = day_of(order.created_at), items[order.pk]
        units, placed = sum(item.quantity for item in mine), _milliseconds(order.created_at)
        cents = int(order.total_amount * 100)
        orders[day].append((order.pk, order.customer_id, order.status, cents, units, placed))
        for item in mine:
            line = (order.pk, item.product_id, order.status, item.quantity, int(item.subtotal * 100))
            lines[day].append(line)
        for step, minutes in _durations(order, events[order.pk]):
            durations[day, step][minutes, order.status] += 1
        found = statuses.setdefault((day, order.status), {"orders": 0, "units": 0, "cents": 0, "oldest": placed})
        found["orders"] += 1
        found["units"] += units
        found["cents"] += cents
        found["oldest"] = min(found["oldest"], placed)
    return {
        "orders": dict(orders),
        "lines": {day: sorted(found) for day, found in lines.items()},
        "durations": dict(durations),
        "statuses": statuses,
        "cohorts": _cohorts(every),
    }


def day_of(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def _cohorts(orders) -> dict:
    of_customer = defaultdict(list)
    for order in orders:
        if order.status not in UNCOUNTED:
            of_customer[order.customer_id].append((order.created_at, order.pk))
    cohorts = defaultdict(lambda: {"active": 0, "new": 0, "second": 0, "second_soon": 0})
    for placed in of_customer.values():
        placed.sort()
        days = [day_of(moment) for moment, _ in placed]
        month = f"{days[0]:%Y-%m}"
        cohorts[days[0], month]["new"] += 1
        for first_of_month in {(day.year, day.month): day for day in reversed(days)}.values():
            cohorts[first_of_month, month]["active"] += 1
        if len(placed) > 1:
            cohorts[days[1], month]["second"] += 1
            cohorts[days[1], month]["second_soon"] += placed[1][0] - placed[0][0] <= timedelta(days=90)
    return dict(cohorts)


def _durations(order, events):
    before = _cut(order.created_at)
    latest_placing = max((event.rev for event in events if event.kind == "placed"), default=0)
    events = [event for event in events if event.rev >= latest_placing]
    for step in ("paid", "shipped", "delivered"):
        reached = next((event for event in events if event.status == step), None)
        at = _cut(reached.occurred_at) if reached and reached.is_time_known else None
        if before is not None and at is not None:
            yield step, (at - before) // MINUTE
        before = at


def _cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // MILLISECOND


def _names(day, column: str = "statuses") -> list[str]:
    return [read.STATUS_OF_CODE[code] for code in getattr(day, column)]
