"""How often one visitor may ask for what costs much: settings.RATE_LIMITS, by the minute.

Signing in and all that concerns accounts has allauth's own limits, counted in PostgreSQL (users/counts.py) by all web
servers; the API counts by its keys. What is counted here protects this machine, so its workers count together
(config/counters.py), and no store is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse

from config import counters, errors
from orders.cart import cart_of
from users.devices import network_of

PERIOD = 60
EXPORTS = {"account_data", "admin:orders_order_export", "admin:catalog_product_export"}


class RateLimitMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse what would make one more session for a guest where there were too many; carts count too."""
        response = self.get_response(request)
        session = request.session
        if not session.modified or session.session_key or session.is_empty() or request.user.is_authenticated:
            return response
        if refused := _refused(request, "sessions"):
            session.flush()
        return refused or response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        what = limited(request)
        return _refused(request, what) if what else None


def _refused(request: HttpRequest, what: str) -> HttpResponse | None:
    most = settings.RATE_LIMITS[what]
    if not most or counters.hit((what, _who(request, what)), PERIOD) <= most:
        return None
    return errors.too_many(request, seconds=counters.seconds_left(PERIOD))


def limited(request: HttpRequest) -> str:
    """Which limit counts the request; "" for none."""
    assert request.resolver_match is not None
    name = request.resolver_match.view_name
    if name == "catalog:search":
        return "search"
    if request.method == "POST" and name.startswith("orders:cart") and not request.user.is_authenticated:
        return "" if cart_of(request) else "sessions"  # it becomes rows of a guest nobody knew
    if name == "orders:checkout":
        return "checkout" if request.method == "POST" else ""
    if name in EXPORTS or (name.startswith("reports:") and request.GET.get("format") == "csv"):
        return "export"
    is_chosen = name == "admin:orders_order_changelist" and request.method == "POST"
    return "export" if is_chosen and request.POST.get("action") == "export_selected" else ""


def client_address(request: HttpRequest) -> str:
    """The visitor's address as allauth's limits see it, by settings.ALLAUTH_TRUSTED_PROXY_COUNT; "" if unknown."""
    try:
        return str(get_adapter().get_client_ip(request))
    except (PermissionDenied, ImproperlyConfigured):
        # No address, as over a socket of a file; fewer proxies than there should be.
        return str(request.META.get("REMOTE_ADDR", ""))


def _who(request: HttpRequest, what: str) -> str:
    """Guests by their network; whoever has to be signed in, by their account."""
    if what != "search" and request.user.is_authenticated:
        return f"user {request.user.pk}"
    return network_of(client_address(request))
