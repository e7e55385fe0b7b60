"""What every page's header shows."""

from __future__ import annotations

from django.http import HttpRequest

from orders.cart import Cart


def cart(request: HttpRequest) -> dict[str, Cart]:
    """The visitor's cart; it asks the database when its count or total is shown, and only if something is in it."""
    return {"cart": Cart(request.session)}
