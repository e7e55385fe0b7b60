"""What every page's header shows."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from orders.cart import cart_of


def cart(request: HttpRequest) -> dict[str, SimpleLazyObject]:
    """The visitor's cart, found when a page shows it: who is asking costs a query, and an error page asks nothing."""
    return {"cart": SimpleLazyObject(lambda: cart_of(request))}
