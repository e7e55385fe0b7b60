"""From the cart to an order."""

from __future__ import annotations

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
from orders.checkout import last_address, order_of_key, place_as_shown
from orders.forms import NEW_ADDRESS, CheckoutForm
from orders.models import Order
from users.addresses import keep_address
from users.models import Address
from users.requests import CustomerRequest, is_customer

# What was typed, while the customer goes back and forth between checkout and cart or signs in again.
DRAFT = "checkout_draft"


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def checkout(request: HttpRequest) -> HttpResponse:
    if not is_customer(request):
        return _sign_in_first(request)
    # Read before the key is looked up: a cart that is empty by then was ordered by another click, which the key finds.
    has_items = bool(cart_of(request))
    if request.method == "POST":
        return _place(request, has_items)
    if not has_items:
        return _nothing_to_order(request)
    return _checkout_page(request, _first_form(request))


def _place(request: CustomerRequest, has_items: bool) -> HttpResponse:
    # Most type an address; to prepare the question for the saved ones takes as long as PostgreSQL's answer.
    form = CheckoutForm(request.POST, addresses=lambda: Address.objects.for_customer(request.user))
    form.is_valid()
    key = str(form.cleaned_data.get("key", ""))
    is_adjusting = "adjust" in request.POST
    if has_items and not is_adjusting and not form.errors:
        return _order(request, form, key)
    first = order_of_key(request.user, key) if key else None
    if first:
        return _placed_already(request, first)
    if not has_items:
        return _nothing_to_order(request)
    return _adjust(request, form) if is_adjusting else _checkout_page(request, form)


def _order(request: CustomerRequest, form: CheckoutForm, key: str) -> HttpResponse:
    at = timezone.now()
    try:
        order = place_as_shown(
            cart_of(request),
            customer=request.user,
            key=key,
            shown_total=form.cleaned_data["shown_total"],
            at=at,
            shipping_address=form.address(),
        )
    except services.KeyReused as error:
        return _placed_already(request, error.order)
    except services.OrderError as error:
        form.add_error(None, str(error))
        cart_of(request).read_again()
        return _checkout_page(request, form)
    if form.is_saved_chosen() or form.cleaned_data["keep"]:
        keep_address(request.user, form.address(), at=at)
    return _placed(request, order)


def _placed(request: CustomerRequest, order: Order) -> HttpResponse:
    request.session.pop(DRAFT, None)
    return redirect("order_confirmation", order_id=order.pk)


def _placed_already(request: CustomerRequest, first: Order) -> HttpResponse:
    """The form came again (a double click, reload or back): the same order, never a second one."""
    quantities = cart_of(request).quantities
    if quantities and dict(first.items.values_list("product_id", "quantity")) != quantities:
        messages.warning(request, f"{services.KeyReused(first)} {_('What is in your cart is still there.')}")
        return redirect(first)
    cart_of(request).remove(quantities.keys())
    return _placed(request, first)


def _nothing_to_order(request: CustomerRequest) -> HttpResponse:
    messages.info(request, _("Your cart is empty, so there is nothing to order yet."))
    return redirect("orders:cart")


def _adjust(request: CustomerRequest, form: CheckoutForm) -> HttpResponse:
    """Order only what is there: lower the quantities, keep what was typed, show it all again."""
    _keep_draft(request, form)
    cart_of(request).adjust()
    messages.info(request, _("Your cart has only what can be ordered now."))
    return redirect("orders:checkout")


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """Signed out while the form was open: what was typed is there again after signing in."""
    if request.method == "POST":
        form = CheckoutForm(request.POST)
        form.is_valid()
        _keep_draft(request, form)
        told = _("You were signed out, so nothing was ordered yet. Sign in to go on where you were.")
        messages.info(request, told)
    return redirect_to_login(reverse("orders:checkout"))


def _keep_draft(request: HttpRequest, form: CheckoutForm) -> None:
    """Note what was typed, and by whom: after signing in, only the same customer sees it again."""
    known = form.typed() | {"saved": request.POST.get("saved", "")[:20], "key": str(form.cleaned_data.get("key", ""))}
    customer = str(request.user.pk) if request.user.is_authenticated else request.POST.get("customer", "")[:20]
    request.session[DRAFT] = {"customer": customer, "form": known}


def _first_form(request: CustomerRequest) -> CheckoutForm:
    """The form as it was left, or else with the customer's saved addresses, or the one of their last order."""
    addresses = list(Address.objects.for_customer(request.user))
    draft = request.session.get(DRAFT, {})
    if draft.get("customer") == str(request.user.pk):
        return CheckoutForm(initial={"keep": not addresses} | draft["form"], addresses=lambda: addresses)
    if addresses:
        return CheckoutForm(initial={"saved": addresses[0].pk, "name": request.user.name}, addresses=lambda: addresses)
    known = {"saved": NEW_ADDRESS, "name": request.user.name, "keep": True} | last_address(request.user)
    return CheckoutForm(initial=known)


def _checkout_page(request: CustomerRequest, form: CheckoutForm) -> HttpResponse:
    """The page as it is, or as it was typed with status 422; its key stays, because nothing was ordered with it."""
    key = form.cleaned_data.get("key") if form.is_bound else form.initial.get("key")
    context = {
        "form": form,
        "cart": cart_of(request),
        "key": key or uuid4(),
        "shown_total": str(cart_of(request).total),
    }
    if form.is_bound and not key:
        messages.error(request, _("This form was incomplete and has been renewed. Nothing was ordered yet."))
    return render(request, "orders/checkout.html", context, status=422 if form.is_bound else 200)
