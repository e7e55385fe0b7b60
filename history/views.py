"""My orders and one order, for its customer.

Source: PostgreSQL; an order's events MongoDB, or PostgreSQL with MongoDB down; what archived orders held MongoDB alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.forms import search_text
from core.pagination import page_of
from history import changes, timeline
from history.archive import lists
from history.every_order import EveryOrder, EveryOrderQuerySet
from history.order_views import find_own, incomplete
from history.past import views as past_views
from history.patience import Away
from orders.models import OrderItem
from orders.returns import refunds_of
from orders.status import OPEN, Status
from users.requests import CustomerRequest

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

PAGE_SIZE = 20

TABS: dict[str, tuple[StrPromise, tuple[Status, ...]]] = {
    "all": (gettext_lazy("All"), tuple(Status)),
    "open": (gettext_lazy("Open"), OPEN),
    "delivered": (gettext_lazy("Delivered"), (Status.DELIVERED,)),
    # With the returned ones, so that the tabs add up to all.
    "cancelled": (gettext_lazy("Cancelled, returned"), (Status.CANCELLED, Status.RETURNED)),
}


@require_safe
@never_cache
def order_list(request: CustomerRequest) -> HttpResponse:
    text = search_text(request.GET.get("q", ""))
    asked = request.GET.get("tab", "all")
    tab = asked if asked in TABS else "all"
    told = gettext("“{text}” is no choice here: all your orders are shown.").format(text=asked[:40])
    notes = [] if tab == asked else [told]
    found, search_notes = _matching(request, text)
    counts = _counts(found)
    wanted = found.filter(status__in=TABS[tab][1]).newest_first()
    page, page_notes = page_of(wanted, request.GET.get("page"), PAGE_SIZE, count=counts[tab])
    page.object_list = lists.as_orders(page.object_list)
    context: dict[str, Any] = {
        "page": page,
        "tab": tab,
        "tabs": [(name, label, counts[name]) for name, (label, _) in TABS.items()],
        "search": text,
        "notes": notes + search_notes + page_notes,
    }
    return render(request, "history/order_list.html", context)


@require_safe
@never_cache
def order(request: CustomerRequest, order_id: int) -> HttpResponse:
    if request.GET.get("as_of"):
        return past_views.for_customer(request, order_id)
    found = find_own(request, order_id, with_pictures=True)
    if found.unreadable:
        return incomplete(request, found)
    order = found.order
    if request.htmx and request.GET.get("rev") == str(order.rev):
        return HttpResponse(status=204)  # the open page asks now and then: it has it all
    is_live = order.status in OPEN
    events = found.events()
    context = {
        "order": order,
        "steps": timeline.steps(order, events),
        "events": timeline.told(events, customer_id=request.user.pk),
        "refunds": refunds_of(order),
        "changes": changes.since_placed(order, events, customer_id=request.user.pk),
        "is_live": is_live,
    }
    # 286 is what htmx stops asking at.
    return render(request, "history/order.html", context, status=286 if request.htmx and not is_live else 200)


def _matching(request: CustomerRequest, text: str) -> tuple[EveryOrderQuerySet, list[str]]:
    """The customer's orders with this number or with a product of this name, and a note where some may be missing."""
    orders, notes = EveryOrder.objects.for_customer(request.user), []
    if not text:
        return orders, []
    wanted = Q(Exists(OrderItem.objects.filter(order=OuterRef("pk"), product_name__icontains=text)))
    try:
        wanted |= Q(pk__in=lists.with_product(request.user, text))
    except Away:
        notes = [gettext("Products of older orders cannot be searched at the moment. Order numbers can.")]
    number = text.removeprefix("#")
    if number.isdecimal():
        wanted |= Q(pk=int(number))
    return orders.filter(wanted), notes


def _counts(orders: EveryOrderQuerySet) -> dict[str, int]:
    counted = {name: Count("pk", filter=Q(status__in=statuses)) for name, (_, statuses) in TABS.items()}
    return orders.aggregate(**counted)
