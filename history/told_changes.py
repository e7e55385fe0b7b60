"""What an event is and what it changed, as the back office tells it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from config.templatetags.money import money
from core.row_isolation import attempt
from history.changes import address_line
from history.models import Event
from history.order_mails import MailTold
from history.timeline import TOLD
from orders.status import Status

# Columns of orders; any other is told by its own name.
NAMES = {"user_id": "Customer number", "external_ref": "Reference", "created_at": "Placed"}


def told_event(event: Event | MailTold) -> tuple[Event | MailTold, str, list[str]]:
    """Return an event, what it is, and what it changed."""
    # A note to the customer changes that column of the order, and nothing else.
    what = "Note to the customer" if list(event.changes or ()) == [TOLD] else _kind(event)
    return event, what, told_changes(event.changes)


def told_changes(changes: dict[str, Any]) -> list[str]:
    """Return what an event changed, a line each: "Total: $10.00 → $12.00", "Lamp: 1 × $10.00 → none"."""
    lines = attempt(lambda changes: [*_told_changes(changes)], changes)[0]
    return [f"Changes that cannot be read: {changes}"] if lines is None else lines


def _told_changes(changes: dict[str, Any]) -> Iterator[str]:
    for column, change in changes.items():
        if column == "items":
            yield from (f"{_item_name(old or new)}: {_item(old)} → {_item(new)}" for old, new in change)
        elif column == "total_amount":
            yield f"Total: {_amount(change[0])} → {_amount(change[1])}"
        elif column == "status":
            yield f"Status: {_status(change[0])} → {_status(change[1])}"
        elif column == "shipping_address":
            yield f"Delivery address before: {address_line(change[0])}"
            yield f"Delivery address now: {address_line(change[1])}"
        elif column == TOLD:
            yield "The customer sees this note."
        elif column not in ("order", "refunds"):  # the whole rows of a deleted order
            name = NAMES.get(column, column.replace("_", " ").capitalize())
            yield f"{name}: {_value(change[0])} → {_value(change[1])}"


def _kind(event: Event | MailTold) -> str:
    return event.get_kind_display() if isinstance(event, Event) else event.get_kind_display


def _item_name(item: dict[str, Any]) -> str:
    return str(item["product_name"] or f"product {item['product_id']}")


def _item(item: dict[str, Any] | None) -> str:
    return f"{item['quantity']} × {_amount(item['price'])}" if item else "none"


def _amount(number: object) -> str:
    # JSON has one kind of number: 10.00 came back as 10.0, which str() still tells exactly.
    return money(Decimal(str(number)))


def _status(status: Any) -> str:
    return str(Status(status).label) if status in Status.values else str(status)


def _value(value: Any) -> str:
    return "none" if value in (None, "") else str(value)
