"""What the pages of an order at a past moment have in common: for its customer, the order desk and the analysts.

Source: PostgreSQL; of an archived order MongoDB order_history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from history.mirror.documents import Document
from history.order_events import event_of
from history.past import moments
from history.past.standing import Standing, standing
from orders.models import Order, OrderItem, Refund


@dataclass(frozen=True)
class Asked:
    """after: the revision of a link in the history, None where somebody typed a moment."""

    at: datetime
    after: int | None

    def of(self, document: Document) -> Standing | None:
        return standing(document, self.at, after=self.after)


def asked(request: HttpRequest) -> Asked | None:
    """Return the moment of an address, or None where it is none: then its reader is told, and now is to be shown."""
    text = request.GET["as_of"]
    now = timezone.now()
    at = moments.parse(text)
    if at is None:
        told = _("“{text}” is no moment, written like {example}: the order is shown as it is now.")
        example = timezone.localtime(now, timezone.get_default_timezone()).strftime("%Y-%m-%dT18:00")
        messages.warning(request, told.format(text=text[:40], example=example))
    elif at > now:
        messages.warning(request, _("That moment lies in the future: the order is shown as it is now."))
    else:
        after = request.GET.get("after", "")
        return Asked(at, int(after) if after.isascii() and after.isdigit() and len(after) < 10 else None)
    return None


def context(order_id: int, asked: Asked, past: Standing | None) -> dict[str, Any]:
    """What every such page shows; order is None where there was none."""
    shared = {"order_id": order_id, "at": asked.at, "zone": timezone.get_default_timezone_name(), "order": None}
    if past is None:
        return shared
    rest = {name: value for name, value in past.order.items() if name not in ("user_id", "created_at_us")}
    return shared | {
        "order": Order(customer_id=past.order["user_id"], **rest),
        "items": [_item(item) for item in past.items],
        "refunds": [_refund(refund) for refund in past.refunds],
        "events": [event_of(order_id, event) for event in past.events],
        "doubts": past.doubts,
    }


def _item(row: dict[str, Any]) -> OrderItem:
    names = ("order_item_id", "product_id", "product_name", "sku", "price", "quantity")
    return OrderItem(**{name: row[name] for name in names})


def _refund(row: dict[str, Any]) -> Refund:
    names = ("refund_id", "amount", "items", "reason", "is_last", "refunded_by", "refunded_by_name", "refunded_at")
    return Refund(**{name: row[name] for name in names})
