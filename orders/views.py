"""From the cart to an order."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders import services
from orders.cart import cart_of
from orders.checkout import EmptyCart, last_address, order_of_key, place_as_shown
from orders.forms import NEW_ADDRESS, CheckoutForm
from orders.models import Order
from orders.shown import Shown, lines_of
from users.addresses import keep_address
from users.models import Address, User
from users.requests import CustomerRequest, is_customer

# What was typed, while the customer goes back and forth between checkout and cart or signs in again.
DRAFT = "checkout_draft"
# An order as young as this may be the one whose answer the customer did not get.
RECENT = timedelta(minutes=30)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def checkout(request: HttpRequest) -> HttpResponse:
    if not is_customer(request):
        return _sign_in_first(request)
    if request.method == "POST":
        return _place(request)
    if not cart_of(request):
        return _nothing_to_order(request)
    return _checkout_page(request, _first_form(request))


def _place(request: CustomerRequest) -> HttpResponse:
    # Most type an address; to prepare the question for the saved ones takes as long as PostgreSQL's answer.
    form = CheckoutForm(request.POST, addresses=lambda: Address.objects.for_customer(request.user))
    form.is_valid()
    shown = form.cleaned_data.get("shown")
    if shown and shown.customer_id != request.user.pk:
        return _shown_to_another(request)
    is_adjusting = "adjust" in request.POST
    if not form.errors and not is_adjusting and (order := _order(request, form)):
        return _placed(request, order)
    # Whatever stood in the way now: the form may have come again (a double click, reload or back).
    key = form.cleaned_data.get("key")
    first = order_of_key(request.user, str(key)) if key else None
    if first:
        return _placed_already(request, first)
    if not cart_of(request):
        return _nothing_to_order(request)
    return _adjust(request, form) if is_adjusting else _checkout_page(request, form)


def _order(request: CustomerRequest, form: CheckoutForm) -> Order | None:
    """Place the order and return it; None where it was refused, the form then says why."""
    data, at = form.cleaned_data, timezone.now()
    try:
        order = place_as_shown(
            cart_of(request),
            customer=request.user,
            key=str(data["key"]),
            shown=data["shown"] and data["shown"].lines,
            shown_total=data["shown_total"],
            at=at,
            address=form.address(),
        )
    except services.OrderChanged as error:
        form.add_error(None, error.sentences)
    except services.OrderError as error:
        form.add_error(None, str(error))
    else:
        if form.is_saved_chosen() or data["keep"]:
            keep_address(request.user, form.address(), at=at)
        return order
    cart_of(request).read_again()
    return None


def _placed(request: CustomerRequest, order: Order) -> HttpResponse:
    request.session.pop(DRAFT, None)
    return redirect("order_confirmation", order_id=order.pk)


def _placed_already(request: CustomerRequest, first: Order) -> HttpResponse:
    """The order of this form, never a second one; what is in the cart now came after it and stays there."""
    if not cart_of(request):
        return _placed(request, first)
    told = _("Your order {order} was placed already. What is in your cart now is not part of it and is still there.")
    messages.warning(request, told.format(order=first))
    return redirect(first)


def _nothing_to_order(request: CustomerRequest) -> HttpResponse:
    """The cart is empty, perhaps because it was ordered a moment ago and the answer was lost on its way."""
    recent = Order.objects.for_customer(request.user).filter(created_at__gt=timezone.now() - RECENT)
    if latest := recent.newest_first().first():
        told = _("Your order {order} was placed. Your cart is empty, so there is nothing more to order.")
        messages.info(request, told.format(order=latest))
        return redirect(latest)
    messages.info(request, str(EmptyCart()))
    return redirect("orders:cart")


def _shown_to_another(request: CustomerRequest) -> HttpResponse:
    """Somebody else signed in while the form was open: its cart and what was typed are not theirs."""
    told = _("That page was opened by another account. Nothing was ordered for yours: check your order below.")
    messages.warning(request, told)
    return redirect("orders:checkout")


def _adjust(request: CustomerRequest, form: CheckoutForm) -> HttpResponse:
    """Order only what is there: lower the quantities, keep what was typed, show it all again."""
    _keep_draft(request, form)
    cart_of(request).adjust()
    messages.info(request, _("Your cart has only what can be ordered now."))
    return redirect("orders:checkout")


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """Signed out while the form was open: after signing in, its order or what was typed is there."""
    if request.method != "POST":
        return redirect_to_login(reverse("orders:checkout"))
    form = CheckoutForm(request.POST)
    form.is_valid()
    key, shown = form.cleaned_data.get("key"), form.cleaned_data.get("shown")
    if key and shown and (first := order_of_key(User(pk=shown.customer_id), str(key))):
        told = _("Your order {order} was placed. Sign in to see it.")
        messages.success(request, told.format(order=first))
        return redirect_to_login(first.get_absolute_url())
    _keep_draft(request, form)
    told = _("You were signed out, so nothing was ordered yet. Sign in to go on where you were.")
    messages.info(request, told)
    return redirect_to_login(reverse("orders:checkout"))


def _keep_draft(request: HttpRequest, form: CheckoutForm) -> None:
    """Note what was typed, and by whom: after signing in, only the same customer sees it again."""
    shown = form.cleaned_data.get("shown")
    if shown:
        typed = form.typed() | {"saved": request.POST.get("saved", "")[:20]}
        request.session[DRAFT] = {"customer": shown.customer_id, "form": typed}


def _first_form(request: CustomerRequest) -> CheckoutForm:
    """The form as it was left, or else with the customer's saved addresses, or the one of their last order."""
    addresses = list(Address.objects.for_customer(request.user))
    draft = request.session.get(DRAFT, {})
    if draft.get("customer") == request.user.pk:
        return CheckoutForm(initial={"keep": not addresses} | draft["form"], addresses=lambda: addresses)
    if addresses:
        return CheckoutForm(initial={"saved": addresses[0].pk, "name": request.user.name}, addresses=lambda: addresses)
    known = {"saved": NEW_ADDRESS, "name": request.user.name, "keep": True} | last_address(request.user)
    return CheckoutForm(initial=known)


def _checkout_page(request: CustomerRequest, form: CheckoutForm) -> HttpResponse:
    """The page as it is, or as it was typed with status 422; its key stays, because nothing was ordered with it."""
    cart = cart_of(request)
    addresses = {number: str(address) for number, address in form.addresses.items()}
    lines = lines_of((item.product, item.quantity) for item in cart.items)
    context = {
        "form": form,
        "cart": cart,
        "key": (form.is_bound and form.cleaned_data.get("key")) or uuid4(),
        "shown": Shown(request.user.pk, lines, addresses).signed(),
    }
    if any(form.has_error(name) for name in ("key", "shown", "shown_total")):
        messages.error(request, _("This form was incomplete and has been renewed. Nothing was ordered yet."))
    return render(request, "orders/checkout.html", context, status=422 if form.is_bound else 200)
