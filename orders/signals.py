"""What happens to a cart when its guest signs in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from orders.cart import guest_cart, take_over
from users.models import User

JOINED = _(
    "Your cart has what was in it before and what you added now. "
    "Where both had the same product, the larger quantity was kept."
)


def connect() -> None:
    user_logged_in.connect(signed_in, dispatch_uid="orders.cart")


def signed_in(sender: type[User], request: HttpRequest, user: User, **kwargs: Any) -> None:
    if take_over(guest_cart(request), user):
        messages.info(request, JOINED, fail_silently=True)
