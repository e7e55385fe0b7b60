"""Notes on an order: for the staff, or to its customer."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orders import seen
from orders.models import Order
from orders.services import WHO_AND_WHY, sign
from users.models import User


@transaction.atomic
def add_note(order: Order, *, text: str, to_customer: bool, seen_rev: int, by: User, at: datetime) -> Order:
    """Note something on an order, whatever has become of it since revision seen_rev, and return it as it is now.

    The same note by the same person right after what they saw is the same click twice: one note. Raises seen.Gone.
    """
    current = seen.lock(order.pk)
    if current.rev == seen_rev + 1 and (current.changed_by, current.change_note) == (by.pk, text):
        return current
    sign(current, by=by, at=at, note=text)
    changed = [*WHO_AND_WHY]
    if to_customer:
        current.told_customer_at = current.changed_at
        changed.append("told_customer_at")
    current.save(update_fields=changed)
    current.refresh_from_db(fields=["rev"])
    return current
