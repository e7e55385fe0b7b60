"""The account: who somebody is to the shop."""

from __future__ import annotations

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from users import services
from users.forms import AccountNameForm
from users.models import Address
from users.requests import CustomerRequest


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def account(request: CustomerRequest) -> HttpResponse:
    form = AccountNameForm(request.POST or None, initial={"name": request.user.name})
    if request.method == "POST" and form.is_valid():
        services.rename(request.user, name=form.cleaned_data["name"])
        messages.success(request, _("Your name is saved."))
        return redirect("users:account")
    context = {
        "form": form,
        "addresses": Address.objects.for_customer(request.user),
        "has_second_factor": is_mfa_enabled(request.user),
    }
    return render(request, "users/account.html", context, status=422 if form.errors else 200)
