"""One order by its number, live or archived, with all that its pages show.

Source: PostgreSQL; of an archived order MongoDB order_history.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from history import order_events
from history.archive import reading, shown
from history.archive.reading import Unreadable
from history.archive.rows import rows
from history.mirror.documents import milliseconds
from history.models import Event, EveryOrder
from orders.models import Order
from users.models import User

# An order may move from one table to the other between two looks.
LOOKS = 2


@dataclass(frozen=True)
class Found:
    """order: with items and, where it is archived, refunds; unreadable: why an archived one is incomplete.

    archived_events: by revision, of an archived order.
    """

    order: Order
    archived_events: list[Event] = field(default_factory=list)
    unreadable: Unreadable | None = None

    def events(self) -> list[Event]:
        """All events by revision, as a customer's page tells them: times to the millisecond, never saved."""
        if not self.order.is_archived:
            return order_events.events_of(self.order)
        for event in self.archived_events:
            event.occurred_at = milliseconds(event.occurred_at)
        return self.archived_events


def find(order_id: int, *, customer: User | None = None, with_pictures: bool = False) -> Found | None:
    """Return the order with this number, or None; a customer finds only their own.

    with_pictures: each item has its product. Waits for MongoDB only where the order is archived.
    """
    live, every = Order.objects.all(), EveryOrder.objects.filter(is_archived=True)
    if customer is not None:
        live, every = live.for_customer(customer), every.for_customer(customer)
    live = live.with_pictures() if with_pictures else live.with_items()
    for _ in range(LOOKS):
        if order := live.filter(pk=order_id).first():
            return Found(order)
        if row := every.filter(pk=order_id).first():
            return _archived(row, with_pictures)
    return None


def _archived(row: EveryOrder, with_pictures: bool) -> Found:
    try:
        held = rows(reading.document_of(row))
    except Unreadable as error:
        return Found(shown.order_of_stub(row), unreadable=error)
    order = shown.order_of(held)
    if with_pictures:
        shown.add_pictures(order.items.all())
    return Found(order, shown.events_of(held))
