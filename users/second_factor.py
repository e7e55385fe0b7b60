"""The second factor, which staff must have where settings.REQUIRE_STAFF_MFA says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from users.models import User


def is_missing(user: User | AnonymousUser) -> bool:
    """Whether somebody must turn one on before they see anything of the back office or the reports."""
    return settings.REQUIRE_STAFF_MFA and not is_mfa_enabled(user)


def lead_to_it(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("This part of the shop asks for a second factor. Turn it on first."))
    return redirect("mfa_activate_totp")


def asked(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Lead whoever is missing one to where it is turned on, instead of showing them the page."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return lead_to_it(request) if is_missing(request.user) else view(request, *args, **kwargs)

    return answer


def end_other_sessions(sender: type[Authenticator], request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Whoever signed in by the password alone before, elsewhere, has to do so anew, with the second factor."""
    for session in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key):
        session.end()
