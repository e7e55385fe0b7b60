"""Requests whose type says who is asking."""

from __future__ import annotations

from django.http import HttpRequest

from users.models import User


class CustomerRequest(HttpRequest):
    """A request that LoginRequiredMiddleware let through: somebody is signed in."""

    user: User
