"""From the cart to an order, and cancelling it."""

from __future__ import annotations

from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from orders import services
from orders.cart import Cart
from orders.checkout import last_address, order_of_key, place_as_shown
from orders.forms import CheckoutForm
from orders.models import Order
from orders.status import Status
from users.requests import CustomerRequest

# The address while the customer goes back and forth between checkout and cart.
DRAFT = "checkout_address"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def checkout(request: CustomerRequest) -> HttpResponse:
    cart = Cart(request.session)
    if request.method == "POST":
        return _place(request, cart)
    if not cart.items:
        return _nothing_to_order(request)
    known = request.session.get(DRAFT) or last_address(request.user)
    form = CheckoutForm(initial={"name": request.user.name} | known)
    return _checkout_page(request, cart, form)


@require_safe
def confirmation(request: CustomerRequest, order_id: int) -> HttpResponse:
    order = get_object_or_404(Order.objects.for_customer(request.user).with_items(), pk=order_id)
    return render(request, "orders/confirmation.html", {"order": order})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def cancel(request: CustomerRequest, order_id: int) -> HttpResponse:
    order = get_object_or_404(Order.objects.for_customer(request.user), pk=order_id)
    if request.method != "POST":
        return render(request, "orders/cancel.html", {"order": order}, status=200 if order.can_be_cancelled else 409)
    try:
        services.cancel_order(order, by=request.user, at=timezone.now())
    except services.TransitionNotAllowed as error:
        if error.order.status != Status.CANCELLED:
            return render(request, "orders/cancel.html", {"order": error.order}, status=409)
        messages.info(request, f"Order {order} was cancelled already.")
    else:
        messages.success(request, f"Order {order} is cancelled.")
    return redirect(order)


def _place(request: CustomerRequest, cart: Cart) -> HttpResponse:
    form = CheckoutForm(request.POST)
    form.is_valid()
    key = str(form.cleaned_data.get("key", ""))
    first = order_of_key(request.user, key) if key else None
    if first:
        return _placed_already(request, cart, first)
    if not cart.items:
        return _nothing_to_order(request)
    if "adjust" in request.POST:
        return _adjust(request, cart, form)
    if form.errors:
        return _checkout_page(request, cart, form)
    try:
        order = place_as_shown(
            cart,
            customer=request.user,
            key=key,
            shown_total=form.cleaned_data["shown_total"],
            at=timezone.now(),
            shipping_address=form.address(),
        )
    except services.KeyReused as error:
        return _placed_already(request, cart, error.order)
    except services.OrderError as error:
        form.add_error(None, str(error))
        return _checkout_page(request, Cart(request.session), form)
    return _placed(request, cart, order)


def _placed(request: CustomerRequest, cart: Cart, order: Order) -> HttpResponse:
    cart.clear()
    request.session.pop(DRAFT, None)
    return redirect("orders:confirmation", order_id=order.pk)


def _placed_already(request: CustomerRequest, cart: Cart, first: Order) -> HttpResponse:
    """The form came again (a double click, reload or back): the same order, never a second one."""
    if cart.items:
        ordered = dict(first.items.values_list("product_id", "quantity"))
        if ordered != {item.product.pk: item.quantity for item in cart.items}:
            messages.warning(request, f"{services.KeyReused(first)} What is in your cart is still there.")
            return redirect(first)
    return _placed(request, cart, first)


def _nothing_to_order(request: CustomerRequest) -> HttpResponse:
    messages.info(request, "Your cart is empty, so there is nothing to order yet.")
    return redirect("orders:cart")


def _adjust(request: CustomerRequest, cart: Cart, form: CheckoutForm) -> HttpResponse:
    """Order only what is there: lower the quantities, keep what was typed, show it all again."""
    request.session[DRAFT] = form.address()
    cart.adjust()
    messages.info(request, "Your cart has only what can be ordered now.")
    return redirect("orders:checkout")


def _checkout_page(request: CustomerRequest, cart: Cart, form: CheckoutForm) -> HttpResponse:
    """The page as it is, or as it was typed with status 422; its key stays, because nothing was ordered with it."""
    key = form.cleaned_data.get("key") if form.is_bound else None
    context = {"form": form, "cart": cart, "key": key or uuid4(), "shown_total": str(cart.total)}
    if form.is_bound and not key:
        messages.error(request, "This form was incomplete and has been renewed. Nothing was ordered yet.")
    return render(request, "orders/checkout.html", context, status=422 if form.is_bound else 200)
