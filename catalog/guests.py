"""Pages that all guests without a session see alike.

Each is drawn once for what it shows: what is shown is read anew and is part of the name that the drawn page is kept
under. And for as long as nobody notices, MOMENT, an address is answered without reading anything again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from hashlib import sha256
from typing import Any

from django.contrib.messages import get_messages
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language

# Seconds that a guest may be shown what another guest was: less than it takes to look at it.
MOMENT = 2.0

# Stands in a kept page for the visitor's own token; nobody can have it in a text that the page shows.
TOKEN = secrets.token_urlsafe(32)


class SharedPage(HttpResponse):
    """page: the answer with TOKEN in place of the visitor's own."""

    def __init__(self, request: HttpRequest, page: str) -> None:
        self.page = page
        super().__init__(page.replace(TOKEN, get_token(request)))


def shared_by_guests(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer the same address of a view that uses render_for_guests from the last MOMENT's answer, for any guest."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not _is_any_guest(request):
            return view(request, *args, **kwargs)
        key = _name("address", *_place(request))
        page = caches["pages"].get(key)
        if page is not None:
            return SharedPage(request, page)
        response = view(request, *args, **kwargs)
        if isinstance(response, SharedPage):
            caches["pages"].set(key, response.page, MOMENT)
        return response

    return answer


def render_for_guests(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, shows: object
) -> HttpResponse:
    """Answer as `render` does.

    shows: everything in context that the page depends on, as values whose repr tells them apart. What comes from the
    address, the language and the settings is known here.
    """
    if not _is_any_guest(request):
        return render(request, template, dict(context))
    key = _name(template, *_place(request), timezone.localtime().tzname(), shows)
    page = caches["pages"].get(key)
    if page is None:
        page = render_to_string(template, {**context, "csrf_token": TOKEN}, request)
        caches["pages"].set(key, page)
    return SharedPage(request, page)


def _place(request: HttpRequest) -> tuple[object, ...]:
    return request.build_absolute_uri(), get_language()


def _name(*parts: object) -> str:
    return sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def _is_any_guest(request: HttpRequest) -> bool:
    """Whether nothing is known of the visitor: nobody signed in, no cart, nothing to be told."""
    return not request.user.is_authenticated and request.session.is_empty() and not len(get_messages(request))
