"""The life of an order: which status may follow which. The only table of it."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    PENDING = "pending", "Pending"
    PAID = "paid", "Paid"
    SHIPPED = "shipped", "Shipped"
    DELIVERED = "delivered", "Delivered"
    RETURNED = "returned", "Returned"
    CANCELLED = "cancelled", "Cancelled"


TRANSITIONS: dict[Status, tuple[Status, ...]] = {
    Status.PENDING: (Status.PAID, Status.CANCELLED),
    Status.PAID: (Status.SHIPPED, Status.CANCELLED),
    Status.SHIPPED: (Status.DELIVERED,),
    Status.DELIVERED: (Status.RETURNED,),
    Status.RETURNED: (),
    Status.CANCELLED: (),
}

# The way most orders go; the timeline shows it ahead of time.
USUAL_WAY = (Status.PENDING, Status.PAID, Status.SHIPPED, Status.DELIVERED)

# Neither counts as revenue, in no report.
WITHOUT_REVENUE = (Status.CANCELLED, Status.RETURNED)

OPEN = (Status.PENDING, Status.PAID, Status.SHIPPED)


def allowed_after(status: str) -> tuple[Status, ...]:
    return TRANSITIONS[Status(status)]
