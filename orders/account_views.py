"""The end of a customer's account."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders import closing
from orders.models import Order
from users.guards import password_asked
from users.requests import CustomerRequest


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@password_asked
def close(request: CustomerRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, closing.reason_to_wait(request.user))
    email = request.user.email
    try:
        erases = "erase" in request.POST
        closing.close_account(request.user, erases=erases, at=timezone.now())
    except closing.NotYet as reason:
        return _page(request, reason, status=409)
    get_adapter().send_mail("account/email/account_closed", email, {})
    logout(request)
    told = _("Your account is closed. Your data goes from your past orders once that is confirmed.")
    messages.success(request, told if erases else _("Your account is closed."))
    return redirect("catalog:product_list")


def _page(request: CustomerRequest, reason: closing.NotYet | None, *, status: int = 200) -> HttpResponse:
    open_orders = Order.objects.for_customer(request.user).open().newest_first()
    return render(request, "orders/close_account.html", {"reason": reason, "orders": open_orders}, status=status)
