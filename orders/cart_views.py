"""The cart's pages; for guests too."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Product
from core.redirects import next_path
from orders.cart import CartFull, cart_of
from orders.forms import CartForm


@login_not_required
@require_safe
@never_cache
def cart(request: HttpRequest) -> HttpResponse:
    # What was just taken out, so that the page can offer to undo it.
    removed = CartForm({"product": request.GET.get("removed"), "quantity": request.GET.get("quantity")})
    if not removed.is_valid() or removed.cleaned_data["product"] in cart_of(request).quantities:
        return render(request, "orders/cart.html")
    product = Product.objects.filter(pk=removed.cleaned_data["product"]).first()
    context = {"removed": product, "removed_quantity": removed.cleaned_data["quantity"]}
    return render(request, "orders/cart.html", context)


@login_not_required
@require_POST
def cart_add(request: HttpRequest) -> HttpResponse:
    form = CartForm.to_add(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    product = get_object_or_404(Product, pk=form.cleaned_data["product"])
    asked = form.cleaned_data["quantity"]
    try:
        before, now = cart_of(request).add(product, asked, to=form.cleaned_data["in_cart"])
    except CartFull as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(next_path(request, reverse("orders:cart")))
    _tell_added(request, product, added=now - before, asked=asked, now=now)
    return HttpResponseRedirect(next_path(request, reverse("orders:cart")))


@login_not_required
@require_POST
def cart_update(request: HttpRequest) -> HttpResponse:
    form = CartForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    product = get_object_or_404(Product, pk=form.cleaned_data["product"])
    asked = form.cleaned_data["quantity"]
    now = cart_of(request).put(product, asked)
    if not now:
        told = _("{product} cannot be ordered any more and was taken out of your cart.")
        messages.warning(request, told.format(product=product.name))
    elif now < asked:
        told = _("Only {left} of {product} left: your cart has {left} now.")
        messages.warning(request, told.format(left=now, product=product.name))
    else:
        told = _("{product}: quantity is {quantity} now.")
        messages.success(request, told.format(product=product.name, quantity=now))
    return redirect("orders:cart")


@login_not_required
@require_POST
def cart_remove(request: HttpRequest) -> HttpResponse:
    number = request.POST.get("product", "")
    product_id = int(number) if number.isdecimal() and len(number) < 20 else 0
    filled = cart_of(request)
    quantity = filled.quantities.get(product_id)
    if quantity:
        filled.remove([product_id])
        undo = urlencode({"removed": product_id, "quantity": quantity})
        return redirect(f"{reverse('orders:cart')}?{undo}")
    return redirect("orders:cart")


def _refused(request: HttpRequest, form: CartForm) -> HttpResponse:
    """The cart as it is, with what was wrong with the form; nothing was changed."""
    errors = form.errors.get("quantity") or [_("This product does not exist.")]
    messages.error(request, str(errors[0]))
    return render(request, "orders/cart.html", {"refused": True}, status=422)


def _tell_added(request: HttpRequest, product: Product, *, added: int, asked: int, now: int) -> None:
    link = reverse("orders:cart")
    if added == asked:
        told = _('Added {quantity} × {product}. <a class="alert-link" href="{link}">Go to cart</a>')
        messages.success(request, format_html(told, quantity=added, product=product.name, link=link))
    elif now and now == product.stock:
        told = _(
            "Only {quantity} of {product} left, all of them are in your "
            '<a class="alert-link" href="{link}">cart</a> now.'
        )
        messages.warning(request, format_html(told, quantity=now, product=product.name, link=link))
    elif now:
        told = _('{quantity} × {product} in your <a class="alert-link" href="{link}">cart</a>.')
        messages.info(request, format_html(told, quantity=now, product=product.name, link=link))
    else:
        told = _("{product} is sold out.") if product.is_active else _("{product} is no longer for sale.")
        messages.error(request, told.format(product=product.name))
