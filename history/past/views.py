"""One order at a past moment (?as_of=), for its customer and for the order desk.

Source: PostgreSQL; of an archived order MongoDB order_history.
"""

from __future__ import annotations

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse

from history import timeline
from history.models import EveryOrder
from history.past import pages
from history.past.find import Untold, present
from history.reports.customers import customer_names
from history.told_changes import told_event
from orders.admin import address_lines
from orders.models import Order
from users.requests import CustomerRequest


def for_customer(request: CustomerRequest, order_id: int) -> HttpResponse:
    """Their order as it stood; a page that says so where they had none of this number at that moment."""
    if not EveryOrder.objects.for_customer(request.user).filter(pk=order_id).exists():
        raise Http404
    asked = pages.asked(request)
    if asked is None:
        return redirect("order", order_id=order_id)
    template = "history/order_past.html"
    try:
        document = present(order_id)
        past = asked.of(document) if document else None
    except Untold as error:
        return render(request, template, pages.context(order_id, asked, None) | {"problem": error}, status=503)
    if past and past.order["user_id"] != request.user.pk:
        past = None  # it was somebody else's
    context = pages.context(order_id, asked, past)
    if past:
        context["events"] = timeline.told(context["events"], customer_id=request.user.pk)
    return render(request, template, context, status=200 if past else 404)


def for_desk(request: HttpRequest, order_id: int) -> HttpResponse:
    """The order as it stood, for whoever may see it in the back office."""
    asked = pages.asked(request)
    if asked is None:
        return redirect("admin:orders_order_change", order_id)
    problem: Untold | None = None
    document = past = None
    try:
        document = present(order_id)
        past = asked.of(document) if document else None
    except Untold as error:
        problem = error
    if document is None and problem is None:
        raise Http404
    context = pages.context(order_id, asked, past) | {"problem": problem}
    if past:
        context["events"] = [told_event(event) for event in reversed(context["events"])]
        customer = past.order["user_id"]
        context |= {
            "original": context["order"],
            "address": address_lines(past.order["shipping_address"]),
            "customer": customer_names([customer])[customer],
        }
    frame = {**admin.site.each_context(request), "opts": Order._meta, "title": f"Order #{order_id} in the past"}
    status = 503 if problem else 200 if past else 404
    return TemplateResponse(request, "admin/orders/order/past.html", frame | context, status=status)
