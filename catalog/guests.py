"""Pages that all guests without a session see alike: each is drawn once for what it shows, whoever asks.

Nothing is out of date: what a page shows is read for every visitor and is part of the name that the drawn page is kept
under. Only the drawing is saved, which takes longer than all the rest.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
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

# Stands in a kept page for the visitor's own token; nobody can have it in a text that the page shows.
TOKEN = secrets.token_urlsafe(32)


def render_for_guests(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, shows: object
) -> HttpResponse:
    """Answer as `render` does.

    shows: everything in context that the page depends on, as values whose repr tells them apart. What comes from the
    address, the language and the settings is known here.
    """
    if not _is_any_guest(request):
        return render(request, template, dict(context))
    named = (template, request.build_absolute_uri(), get_language(), timezone.localtime().tzname(), shows)
    key = sha256(repr(named).encode(errors="surrogatepass")).hexdigest()
    kept = caches["pages"]
    page = kept.get(key)
    if page is None:
        page = render_to_string(template, {**context, "csrf_token": TOKEN}, request)
        kept.set(key, page)
    return HttpResponse(page.replace(TOKEN, get_token(request)))


def _is_any_guest(request: HttpRequest) -> bool:
    """Whether nothing is known of the visitor: nobody signed in, no cart, nothing to be told."""
    return not request.user.is_authenticated and request.session.is_empty() and not len(get_messages(request))
