"""An order as somebody saw it who now decides: what has changed since is told, never overwritten."""

from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.formats import date_format

from orders.models import Order
from orders.services import OrderError
from users.models import User


class MovedOn(OrderError):
    """The order is no longer what its reader saw; change: what it is now and who changed it, without the refusal."""

    def __init__(self, order: Order, *, reader: User) -> None:
        self.order = order
        who = "you" if order.changed_by == reader.pk else order.changed_by_name
        when = date_format(timezone.localtime(order.changed_at), "j M Y, H:i:s")
        self.change = (
            f"Order {order} has moved on since you opened it: it is {order.get_status_display().lower()} now, "
            f"last changed by {who} {naturaltime(order.changed_at)} ({when})."
        )
        super().__init__(f"{self.change} Nothing was changed now.")


class Gone(OrderError):
    def __init__(self, order_id: int) -> None:
        super().__init__(f"Order #{order_id} is not here any more.")


class Archived(OrderError):
    def __init__(self, order_id: int) -> None:
        super().__init__(f"Order #{order_id} is archived.")


def lock(order_id: int) -> Order:
    """Return the order as it is now, locked until the transaction ends; raises Gone."""
    order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    if order is None:
        raise Gone(order_id)
    return order


def lock_as_seen(order_id: int, *, rev: int, reader: User) -> Order:
    """Return the order, locked, if it still is of the revision that its reader saw; raises MovedOn or Gone."""
    order = lock(order_id)
    if order.rev != rev:
        raise MovedOn(order, reader=reader)
    return order
