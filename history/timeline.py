"""An order's life as its customer is shown it: the steps of its way and every event, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from config.templatetags.money import money
from history.models import Event, Kind
from orders.models import Order
from orders.status import USUAL_WAY, Status

# Where a way ends apart from the usual one.
ENDS = (Status.CANCELLED, Status.RETURNED)


@dataclass(frozen=True)
class Step:
    """state: "done", "current" or "upcoming"; at: when it was reached, None where nobody knows."""

    name: str
    state: str
    at: datetime | None = None
    is_end: bool = False


@dataclass(frozen=True)
class Told:
    """One event in words; who: "You", "Store" or "System", never somebody's name."""

    what: str
    details: list[str]
    who: str
    at: datetime | None


def steps(order: Order, events: Sequence[Event]) -> list[Step]:
    """The way of an order: what is behind it, where it is, what usually comes."""
    reached = _reached(events)
    if order.status not in ENDS:
        here = USUAL_WAY.index(Status(order.status))
        return [_step(order, status, _state(at, here), reached) for at, status in enumerate(USUAL_WAY)]
    # The way ends here: only what was really passed stands before.
    passed = [status for status in USUAL_WAY if status in reached or status == Status.PENDING]
    done = [_step(order, status, "done", reached) for status in passed]
    return [*done, Step(Status(order.status).label, "current", reached.get(order.status), is_end=True)]


def told(events: Sequence[Event], *, customer_id: int) -> list[Told]:
    """Every event of the order, newest first."""
    newest_first = sorted(events, key=lambda event: event.rev or 0, reverse=True)
    return [
        Told(
            what=_what(event),
            details=_details(event, customer_id),
            who=who_did(event.actor_id, customer_id),
            at=event.occurred_at if event.is_time_known else None,
        )
        for event in newest_first
    ]


def _reached(events: Sequence[Event]) -> dict[str, datetime | None]:
    """When each status was reached, the last time it was."""
    entering = [event for event in events if event.kind in (Kind.PLACED, Kind.STATUS)]
    return {event.status: event.occurred_at if event.is_time_known else None for event in entering}


def _state(at: int, here: int) -> str:
    if at == here:
        return "current"
    return "done" if at < here else "upcoming"


def _step(order: Order, status: Status, state: str, reached: dict[str, datetime | None]) -> Step:
    if status == Status.PENDING:
        return Step(status.label, state, order.created_at)
    return Step(status.label, state, reached.get(status) if state != "upcoming" else None)


def _what(event: Event) -> str:
    if event.kind == Kind.PLACED:
        return "Order placed"
    if event.kind == Kind.STATUS:
        return f"Status is now {_label(event.status)}"
    return "Items changed" if event.kind == Kind.ITEMS else "Order updated"


def _details(event: Event, customer_id: int) -> list[str]:
    details = []
    if old_and_new := event.changes.get("total_amount"):
        details.append(f"Total: {_amount(old_and_new[0])} before, {_amount(old_and_new[1])} now")
    if "shipping_address" in event.changes:
        details.append("Delivery address changed")
    # What the store notes may be for its own eyes.
    if event.note and event.actor_id == customer_id:
        details.append(event.note)
    return details


def who_did(actor_id: int | None, customer_id: int) -> str:
    """Return "You", "Store" or "System"."""
    if actor_id is None:
        return "System"
    return "You" if actor_id == customer_id else "Store"


def _label(status: str) -> str:
    return Status(status).label if status in Status.values else status


def _amount(value: object) -> str:
    try:
        return money(Decimal(str(value)))
    except InvalidOperation:
        return "–"
