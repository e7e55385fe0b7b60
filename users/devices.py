"""Devices on which somebody has signed in before, known by a signed cookie: guesses elsewhere lock nobody out."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from ipaddress import IPv6Network

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from users.models import User

SALT = "users.devices"
MAX_AGE = timedelta(days=365)
# All other places that try one account share so many limits.
GROUPS = 16
# Whoever has an IPv6 address has all of its network.
IPV6_PREFIX = 64


def remember(response: HttpResponse, user: User) -> None:
    """Have the browser that got this answer known as one of the user's."""
    response.set_signed_cookie(
        settings.DEVICE_COOKIE_NAME,
        f"{user.pk}:{secrets.token_hex(8)}",
        salt=SALT,
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def place_of(request: HttpRequest, email: str, *, address: str) -> str:
    """Return what failed sign-ins to an account are counted by: the device where it is known to be the account's,
    else one of a few groups of addresses, so that many places together do not get many times the tries.

    address: of the visitor.
    """
    cookie = request.get_signed_cookie(settings.DEVICE_COOKIE_NAME, default="", salt=SALT, max_age=MAX_AGE)
    user_id = (cookie or "").partition(":")[0]
    if user_id and User.objects.filter(pk=user_id, email=email).exists():
        return f"device {cookie}"
    return f"group {int(hashlib.sha256(network_of(address).encode()).hexdigest(), 16) % GROUPS}"


def network_of(address: str) -> str:
    """Return the address, of IPv6 the network of a household."""
    address = address.partition("%")[0]
    return str(IPv6Network((address, IPV6_PREFIX), strict=False)) if ":" in address else address
