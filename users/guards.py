"""What a page asks of somebody who is signed in already."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from users.requests import CustomerRequest

View = TypeVar("View", bound=Callable[..., HttpResponse])


def password_asked(view: View) -> View:
    """Ask for the password, or the second factor, again where that is more than five minutes ago."""
    guarded: View = reauthentication_required(view)
    return guarded


def ask_password(request: CustomerRequest, *, then: str) -> HttpResponse:
    """Lead to where it is asked for, and from there on to another address than the one that was asked for."""
    first = get_adapter().get_reauthentication_methods(request.user)[0]
    return redirect(f"{first['url']}?{urlencode({REDIRECT_FIELD_NAME: then})}")
