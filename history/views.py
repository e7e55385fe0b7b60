"""My orders and one order, for its customer.

Source: PostgreSQL; an order's events MongoDB, or PostgreSQL with MongoDB down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.forms import search_text
from catalog.listing import page_of
from history import changes, order_events, timeline
from history.past import views as past_views
from orders.models import Order, OrderItem, OrderQuerySet
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
    found = _matching(Order.objects.for_customer(request.user), text)
    counts = _counts(found)
    wanted = found.filter(status__in=TABS[tab][1]).with_items().newest_first()
    page, page_notes = page_of(wanted, request.GET.get("page"), PAGE_SIZE, count=counts[tab])
    context: dict[str, Any] = {
        "page": page,
        "tab": tab,
        "tabs": [(name, label, counts[name]) for name, (label, _) in TABS.items()],
        "search": text,
        "notes": notes + page_notes,
    }
    return render(request, "history/order_list.html", context)


@require_safe
@never_cache
def order(request: CustomerRequest, order_id: int) -> HttpResponse:
    if request.GET.get("as_of"):
        return past_views.for_customer(request, order_id)
    found = get_object_or_404(Order.objects.for_customer(request.user).with_pictures(), pk=order_id)
    if request.htmx and request.GET.get("rev") == str(found.rev):
        return HttpResponse(status=204)  # the open page asks now and then: it has it all
    is_live = found.status in OPEN
    events = order_events.events_of(found)
    context = {
        "order": found,
        "steps": timeline.steps(found, events),
        "events": timeline.told(events, customer_id=request.user.pk),
        "refunds": refunds_of(found),
        "changes": changes.since_placed(found, events, customer_id=request.user.pk),
        "is_live": is_live,
    }
    # 286 is what htmx stops asking at.
    return render(request, "history/order.html", context, status=286 if request.htmx and not is_live else 200)


def _matching(orders: OrderQuerySet, text: str) -> OrderQuerySet:
    """Orders with this number or with a product of this name."""
    if not text:
        return orders
    wanted = Q(Exists(OrderItem.objects.filter(order=OuterRef("pk"), product_name__icontains=text)))
    number = text.removeprefix("#")
    if number.isdecimal():
        wanted |= Q(pk=int(number))
    return orders.filter(wanted)


def _counts(orders: OrderQuerySet) -> dict[str, int]:
    counted = {name: Count("pk", filter=Q(status__in=statuses)) for name, (_, statuses) in TABS.items()}
    return orders.aggregate(**counted)
