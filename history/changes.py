"""What changed since a customer ordered: items, total and address, from the first total to today's.

Source: the order's events, given by whoever has read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from config.templatetags.money import money
from core.row_isolation import attempt
from history.models import Event, Kind
from history.timeline import Who, before_and_now, is_note_for_customer, who_did
from orders.models import Order
from users.models import Address

Item = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """what: a line for each thing; amount: by how much the total changed; why: "" where nobody said."""

    what: list[str]
    amount: Decimal
    who: Who
    why: str
    at: datetime | None


@dataclass(frozen=True)
class Changes:
    """original_total + the amounts of changes, which go from old to new, = total."""

    original_total: Decimal
    changes: list[Change]
    total: Decimal


def since_placed(order: Order, events: Sequence[Event], *, customer_id: int) -> Changes | None:
    """Return what became different since the order was placed; None where nothing did. events: by revision."""
    placed = [at for at, event in enumerate(events) if event.kind == Kind.PLACED]
    later = events[placed[-1] + 1 :] if placed else events
    # What an event changed may be unreadable, where plain SQL wrote it; the others are shown.
    found = (attempt(partial(_change, customer_id=customer_id), event)[0] for event in later)
    changes = [change for change in found if change and change.what]
    if not changes:
        return None
    before = order.total_amount - sum(change.amount for change in changes)
    return Changes(original_total=before, changes=changes, total=order.total_amount)


def _change(event: Event, *, customer_id: int) -> Change:
    old, new = event.changes.get("total_amount", (0, 0))
    return Change(
        what=list(_lines(event)),
        amount=Decimal(new) - Decimal(old),
        who=who_did(event.actor_id, customer_id),
        why=event.note if is_note_for_customer(event.kind, event.actor_id, customer_id) else "",
        at=event.occurred_at if event.is_time_known else None,
    )


def _lines(event: Event) -> Iterator[str]:
    for pair in event.changes.get("items", ()):
        # An item that went from one order to another has changed both.
        old, new = (item if item and item["order_id"] == event.order_id else None for item in pair)
        if old or new:
            yield _item(old, new)
    if "total_amount" in event.changes:
        old, new = event.changes["total_amount"]
        yield before_and_now(Decimal(old), Decimal(new))
    if "shipping_address" in event.changes:
        old, new = event.changes["shipping_address"]
        yield _("Delivery address before: {address}").format(address=address_line(old))
        yield _("Delivery address now: {address}").format(address=address_line(new))


def _item(old: Item | None, new: Item | None) -> str:
    if old is None or new is None:
        return _("Added {item}").format(item=_told(new)) if old is None else _("Removed {item}").format(item=_told(old))
    return _("{before} before, {now} now").format(before=_told(old), now=_told(new))


def _told(item: Item | None) -> str:
    assert item is not None
    told = _("{quantity} × {product} at {price}")
    return told.format(quantity=item["quantity"], product=item["product_name"], price=money(Decimal(item["price"])))


def address_line(address: Any) -> str:
    """An address as one line, or that there is none."""
    return ", ".join(Address.written(address)) or _("none")
