"""What a customer does with an order that is placed: buys it again, prints its receipt."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orders.again import put_in_cart
from orders.cart import cart_of
from orders.models import Order
from orders.returns import items_as_sold, refunds_of
from users.requests import CustomerRequest


@require_POST
def buy_again(request: CustomerRequest, order_id: int) -> HttpResponse:
    order = get_object_or_404(Order.objects.for_customer(request.user).with_items(), pk=order_id)
    outcome = put_in_cart(order.items.all(), cart_of(request))
    if not outcome.added:
        messages.error(request, outcome.told())
    elif outcome.missing:
        messages.warning(request, outcome.told())
    else:
        messages.success(request, outcome.told())
    return redirect("orders:cart" if outcome.added else order)


@require_safe
@never_cache
def receipt(request: CustomerRequest, order_id: int) -> HttpResponse:
    order = get_object_or_404(Order.objects.for_customer(request.user).with_items(), pk=order_id)
    refunds = refunds_of(order)
    items = items_as_sold(list(order.items.all()), refunds)
    items_total = sum(item.subtotal for item in items)
    # What made the order returned left its total as it was.
    sold_for = order.total_amount + sum(refund.amount for refund in refunds if not refund.is_last)
    # Staff and plain SQL may set a total of their own; the receipt foots all the same.
    context = {
        "order": order,
        "items": items,
        "items_total": items_total,
        "adjustment": sold_for - items_total,
        "total": sold_for,
        "refunds": refunds,
        "left": sold_for - sum(refund.amount for refund in refunds),
    }
    return render(request, "orders/receipt.html", context)
