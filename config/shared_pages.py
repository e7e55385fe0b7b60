"""Cache of the shop's plain lists, without a filter or a search, as all guests with an empty cart see them.

A list may be TTL seconds old. Everything else is answered afresh. The size is bounded: see CACHES["pages"].
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

from django.contrib.messages import get_messages
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.response import SimpleTemplateResponse
from django.utils.translation import get_language

from orders.cart import cart_of

TTL = 5
MAX_BYTES = 200_000
MAX_QUERY = 60
LISTS = {"catalog:product_list", "catalog:category"}
PARAMETERS = {"sort", "page"}

# Stands in a cached page for the guest's own CSRF token; nobody can know it and put it into a text of the page.
TOKEN = secrets.token_urlsafe(32)


class SharedPagesMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        if not _is_shared(request):
            return None
        page = caches["pages"].get(_key(request))
        return None if page is None else _own(request, page)

    def process_template_response(
        self, request: HttpRequest, response: SimpleTemplateResponse
    ) -> SimpleTemplateResponse:
        if _is_shared(request):
            response.context_data = {**(response.context_data or {}), "csrf_token": TOKEN}
            response.add_post_render_callback(partial(_store, request))
        return response


def _is_shared(request: HttpRequest) -> bool:
    match = request.resolver_match
    return (
        request.method == "GET"
        and match is not None
        and match.view_name in LISTS
        and request.GET.keys() <= PARAMETERS
        and len(request.META["QUERY_STRING"]) <= MAX_QUERY
        and not request.user.is_authenticated
        and not cart_of(request)
        and not len(get_messages(request))
    )


def _key(request: HttpRequest) -> str:
    return sha256(f"{get_language()} {request.get_full_path()}".encode()).hexdigest()


def _store(request: HttpRequest, response: SimpleTemplateResponse) -> HttpResponse:
    page = response.content.decode()
    if len(response.content) <= MAX_BYTES:
        caches["pages"].set(_key(request), page, TTL)
    return _own(request, page)


def _own(request: HttpRequest, page: str) -> HttpResponse:
    return HttpResponse(page.replace(TOKEN, get_token(request)))
