"""The life of an order: which status may follow which. The only table of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    PENDING = "pending", _("Pending")
    PAID = "paid", _("Paid")
    SHIPPED = "shipped", _("Shipped")
    DELIVERED = "delivered", _("Delivered")
    RETURNED = "returned", _("Returned")
    CANCELLED = "cancelled", _("Cancelled")


TRANSITIONS: dict[str, tuple[Status, ...]] = {
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
# Nothing more is expected to happen; only these are archived.
FINISHED = (Status.DELIVERED, Status.RETURNED, Status.CANCELLED)


def allowed_after(status: str) -> tuple[Status, ...]:
    return TRANSITIONS.get(status, ())
