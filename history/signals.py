"""post_save sets the mirror going: once the change is committed, the relay is told to look."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from history import faults, wakeup
from orders.models import Order, OrderItem


def connect() -> None:
    for model in (Order, OrderItem):
        for signal in (post_save, post_delete):
            signal.connect(ask_for_mirror, sender=model, dispatch_uid=f"history.{model.__name__}")


def ask_for_mirror(sender: type[Order | OrderItem], **kwargs: Any) -> None:
    """Wake the relay after the commit. Only a wake-up: what must not be lost is the event the database wrote."""
    faults.point("web: before commit")
    transaction.on_commit(_wake)


def _wake() -> None:
    faults.point("web: after commit")
    wakeup.request()
