"""One order as the reports have it: its document, live or archived.

Source: MongoDB order_history, behind PostgreSQL by the relay's lag.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bson import Decimal128
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from pymongo.errors import PyMongoError

from history import mongo
from history.mirror.documents import DELETED, document_id
from history.models import EveryOrder, Kind
from history.mongo import Document
from history.past import moments, pages
from history.past.find import Untold, present
from history.reports.customers import customer_names
from history.reports.views import may_view, unanswered

TEMPLATE = "history/reports/order.html"
LARGEST = 2**63 - 1


@require_safe
@never_cache
@may_view
def order(request: HttpRequest, order_id: int) -> HttpResponse:
    context: dict[str, Any] = {"order_id": order_id, "desk": _desk(request, order_id)}
    if request.GET.get("as_of"):
        return _past(request, order_id, context)
    try:
        document = _find(order_id)
    except PyMongoError as error:
        return unanswered(request, TEMPLATE, context, error)
    if document is None or document["status"] == DELETED:
        raise Http404
    context |= {
        "order": document,
        "total": _plain(document["total_amount"]),
        "products": [_product(item) for item in document["products"]],
        "customer": customer_names([document["user_id"]])[document["user_id"]],
        "events": [_event(event) for event in reversed(document["events"])],
    }
    return render(request, TEMPLATE, context)


def _past(request: HttpRequest, order_id: int, context: dict[str, Any]) -> HttpResponse:
    asked = pages.asked(request)
    if asked is None:
        return redirect("reports:order", order_id=order_id)
    context |= {"past": asked, "at": asked.at, "zone": timezone.get_default_timezone_name()}
    try:
        document = present(order_id)
        past = asked.of(document) if document else None
    except Untold as error:
        return render(
            request, TEMPLATE, context | {"problem": f"The past of this order cannot be told: {error}"}, status=503
        )
    if document is None:
        raise Http404
    if past is None:
        return render(request, TEMPLATE, context, status=404)
    customer = past.order["user_id"]
    context |= {
        "order": past.order | {"rev": past.events[-1]["rev"]},
        "total": past.order["total_amount"],
        "products": [
            item | {"name": item["product_name"], "amount": item["price"] * item["quantity"]} for item in past.items
        ],
        "customer": customer_names([customer])[customer],
        "events": [_event(event) for event in reversed(past.events)],
        "doubts": past.doubts,
    }
    return render(request, TEMPLATE, context)


def _find(order_id: int) -> Document | None:
    if order_id > LARGEST:
        return None
    wanted = {"_id": document_id(order_id)}
    return mongo.for_reading().find_one(wanted, max_time_ms=settings.MONGODB_READ_TIMEOUT_MS)


def _desk(request: HttpRequest, order_id: int) -> str:
    """Where staff see the order, live or archived, for those who may."""
    if not (request.user.is_staff and request.user.has_perm("orders.view_order")):
        return ""
    is_there = order_id <= LARGEST and EveryOrder.objects.filter(pk=order_id).exists()
    return reverse("admin:orders_order_change", args=[order_id]) if is_there else ""


def _product(item: Document) -> Document:
    price = _plain(item["price"])
    return item | {"price": price, "amount": price * item["quantity"]}


def _event(event: Document) -> Document:
    kind = Kind(event["kind"]).label if event["kind"] in Kind.values else event["kind"]
    then = moments.query(event["timestamp"], event["rev"])
    return event | {"kind": kind, "changes": list(_told(event["changes"])), "then": then}


def _told(changes: Document) -> Iterator[str]:
    """ "status: pending → paid"; of items and addresses, which are long, only that they changed."""
    for column, change in changes.items() if isinstance(changes, dict) else ():
        if isinstance(change, list) and len(change) == 2 and not isinstance(change[0], dict | list):
            yield f"{column}: {change[0]} → {change[1]}"
        else:
            yield f"{column} changed"


def _plain(amount: Decimal128) -> Decimal:
    return amount.to_decimal()
