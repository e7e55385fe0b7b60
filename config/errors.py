"""Pages of what cannot be answered: too much was asked, or something is broken or away."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

# Seconds: PostgreSQL may be back by then.
RETRY = 5
# allauth's limits do not say when they end; the longest of those that people meet lasts so many seconds.
ACCOUNT_LIMIT = 300


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 where PostgreSQL is away, too busy or full, and 500 for what is a bug; needs no store itself.

    Django asks for it while the exception is being handled.
    """
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        page = render_to_string("503.html").encode()
        # It may come from outside of the middleware that tells lengths, and a proxy keeps the connection by it.
        headers = {"Retry-After": str(RETRY), "Cache-Control": "no-store", "Content-Length": str(len(page))}
        return HttpResponse(page, status=503, headers=headers)
    return HttpResponse(render_to_string("500.html"), status=500)


def too_many(request: HttpRequest, *, seconds: int = ACCOUNT_LIMIT) -> HttpResponse:
    """The page that says when to come back; seconds: until then."""
    # No store is asked, not even for the cart.
    response = render(request, "429.html", {"minutes": -(-seconds // 60), "cart": None}, status=429)
    response.headers["Retry-After"] = str(seconds)
    response.headers["Cache-Control"] = "no-store"
    return response
