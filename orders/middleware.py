"""The cookie that finds a guest's cart."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from orders.cart import cart_of, guest_cart, take_over


def guest_cart_cookie(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give each guest who is shown a cart the cookie of one, and move what a guest left into the customer's cart.

    Pages give the cookie before anything is in the cart, so that two first changes at once are of one cart. A change
    that a guest began before signing in may end after it: the cookie goes once nothing is left behind it.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        known = request.COOKIES.get(settings.CART_COOKIE_NAME, "")
        is_left = False
        if known and request.user.is_authenticated:
            left = guest_cart(request)
            is_left = bool(left)
            take_over(left, request.user)
        key = None if request.user.is_authenticated else cart_of(request).guest_key
        response = get_response(request)
        # Of the shop: the back office, the reports and the API's documentation have no cart and one language.
        is_page = hasattr(request, "LANGUAGE_CODE") and response.headers.get("Content-Type", "").startswith("text/html")
        if key and (request.method == "POST" or (is_page and key != known)):
            response.set_cookie(
                settings.CART_COOKIE_NAME,
                key,
                max_age=settings.CART_COOKIE_AGE,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        elif known and not key and not is_left:
            response.delete_cookie(settings.CART_COOKIE_NAME, samesite="Lax")
        return response

    return respond
