"""Lets the activity log know who is asking."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from history.activity import request_at_hand


class ActivityMiddleware:
    """Keeps the request at hand while it is answered; who it is stays unasked until something is recorded."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_at_hand.set(request)
        try:
            return self.get_response(request)
        finally:
            request_at_hand.reset(token)
