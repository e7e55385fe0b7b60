"""A customer's saved addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from users import addresses
from users.forms import AddressForm
from users.models import Address
from users.requests import CustomerRequest

METHODS = ["GET", "HEAD", "POST"]


def _of_own_address(view: Callable[[CustomerRequest, Address], HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a view the address of whoever asks; without one, who sends a form of a page opened earlier is told so."""

    @wraps(view)
    def of_id(request: CustomerRequest, address_id: int) -> HttpResponse:
        address = Address.objects.for_customer(request.user).filter(pk=address_id).first()
        if address is not None:
            return view(request, address)
        if request.method != "POST":
            raise Http404
        return _gone(request)

    return of_id


@require_http_methods(METHODS)
@never_cache
def address_add(request: CustomerRequest) -> HttpResponse:
    if Address.objects.for_customer(request.user).count() >= Address.MOST:
        told = _("You can keep {most} addresses. Remove one to add another.")
        messages.error(request, told.format(most=Address.MOST))
        return redirect("users:account")
    form = AddressForm(request.POST or None, initial={"name": request.user.name})
    if request.method == "POST" and form.is_valid():
        addresses.keep_address(request.user, form.cleaned_data, at=timezone.now())
        return _saved(request, _("The address is saved."))
    return _form_page(request, form)


@require_http_methods(METHODS)
@never_cache
@_of_own_address
def address_change(request: CustomerRequest, address: Address) -> HttpResponse:
    form = AddressForm(request.POST or None, initial=address.lines())
    if request.method == "POST" and form.is_valid():
        if not addresses.change_address(address, form.cleaned_data):
            return _gone(request)
        return _saved(request, _("The address is saved."))
    return _form_page(request, form, address)


@require_http_methods(METHODS)
@never_cache
@_of_own_address
def address_remove(request: CustomerRequest, address: Address) -> HttpResponse:
    if request.method != "POST":
        return render(request, "users/address_remove.html", {"address": address})
    address.delete()
    return _saved(request, _("The address is removed."))


@require_POST
@_of_own_address
def address_prefer(request: CustomerRequest, address: Address) -> HttpResponse:
    if not addresses.prefer_address(address, at=timezone.now()):
        return _gone(request)
    return _saved(request, _("Checkout offers this address first now."))


def _saved(request: CustomerRequest, told: str) -> HttpResponse:
    messages.success(request, told)
    return redirect("users:account")


def _gone(request: CustomerRequest) -> HttpResponse:
    """It was removed in another window."""
    messages.error(request, _("That address was removed meanwhile. Nothing was changed."))
    return redirect("users:account")


def _form_page(request: CustomerRequest, form: AddressForm, address: Address | None = None) -> HttpResponse:
    context = {"form": form, "address": address}
    return render(request, "users/address.html", context, status=422 if form.errors else 200)
