"""What a customer does with an order that is placed, live or archived: cancels it, buys it again, prints its receipt.

Source: PostgreSQL; of an archived order MongoDB order_history.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from history.archive.finding import Found, find
from orders import services
from orders.again import put_in_cart
from orders.cart import cart_of
from orders.forms import CancelForm
from orders.models import Order
from orders.returns import items_as_sold, refunds_of
from orders.status import Status
from users.requests import CustomerRequest


def find_own(request: CustomerRequest, order_id: int, *, with_pictures: bool = False) -> Found:
    """Return an order of whoever asks; raises Http404 where they have none of this number."""
    found = find(order_id, customer=request.user, with_pictures=with_pictures)
    if found is None:
        raise Http404
    return found


def incomplete(request: CustomerRequest, found: Found) -> HttpResponse:
    """The page of an archived order while what was in it cannot be had: what is known without it."""
    is_away = found.unreadable is not None and found.unreadable.is_away
    return render(request, "history/order_incomplete.html", {"order": found.order, "is_away": is_away}, status=503)


@require_safe
def confirmation(request: CustomerRequest, order_id: int) -> HttpResponse:
    found = find_own(request, order_id, with_pictures=True)
    if found.unreadable:
        return incomplete(request, found)
    return render(request, "orders/confirmation.html", {"order": found.order})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def cancel(request: CustomerRequest, order_id: int) -> HttpResponse:
    order = find_own(request, order_id).order
    form = CancelForm(request.POST)
    if request.method != "POST" or order.is_archived or not form.is_valid():
        return render(request, "orders/cancel.html", {"order": order}, status=200 if order.can_be_cancelled else 409)
    try:
        services.cancel_order(order, by=request.user, at=timezone.now(), expected_rev=form.cleaned_data["rev"])
    except services.NotAsShown as error:
        messages.warning(request, str(error))
        return redirect("order_cancel", order_id=order.pk)
    except services.TransitionNotAllowed as error:
        if error.order.status != Status.CANCELLED:
            return render(request, "orders/cancel.html", {"order": error.order}, status=409)
        messages.info(request, _("Order {order} was cancelled already.").format(order=order))
    else:
        messages.success(request, _("Order {order} is cancelled.").format(order=order))
    return redirect(order)


@require_POST
def buy_again(request: CustomerRequest, order_id: int) -> HttpResponse:
    found = find_own(request, order_id)
    if found.unreadable:
        # Its page says the same.
        return redirect(found.order)
    outcome = put_in_cart(found.order.items.all(), cart_of(request))
    if not outcome.added:
        messages.error(request, outcome.told())
    elif outcome.missing:
        messages.warning(request, outcome.told())
    else:
        messages.success(request, outcome.told())
    return redirect("orders:cart" if outcome.added else found.order)


@require_safe
@never_cache
def receipt(request: CustomerRequest, order_id: int) -> HttpResponse:
    found = find_own(request, order_id)
    if found.unreadable:
        return incomplete(request, found)
    return render(request, "orders/receipt.html", _figures(found.order))


def _figures(order: Order) -> dict[str, object]:
    refunds = refunds_of(order)
    items = items_as_sold(list(order.items.all()), refunds)
    items_total = sum(item.subtotal for item in items)
    # What made the order returned left its total as it was.
    sold_for = order.total_amount + sum(refund.amount for refund in refunds if not refund.is_last)
    # Staff and plain SQL may set a total of their own; the receipt foots all the same.
    return {
        "order": order,
        "items": items,
        "items_total": items_total,
        "adjustment": sold_for - items_total,
        "total": sold_for,
        "refunds": refunds,
        "left": sold_for - sum(refund.amount for refund in refunds),
    }
