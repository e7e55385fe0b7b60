"""Requests whose type says who is asking."""

from __future__ import annotations

from typing import TypeGuard

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from users.models import User


class CustomerRequest(HttpRequest):
    """A request that LoginRequiredMiddleware let through: somebody is signed in."""

    user: User
    htmx: HtmxDetails


def is_customer(request: HttpRequest) -> TypeGuard[CustomerRequest]:
    """Whether somebody is signed in; for pages that LoginRequiredMiddleware does not guard."""
    return request.user.is_authenticated
