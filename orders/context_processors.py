"""What every page's header shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from orders.cart import Cart, cart_of


def cart(request: HttpRequest) -> dict[str, Cart]:
    """The visitor's cart, found when a page shows it: who is asking costs a query, and an error page asks nothing."""
    cart: Any = SimpleLazyObject(lambda: cart_of(request))
    return {"cart": cart}
