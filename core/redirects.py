"""Where a form leads that says it in a field of its own."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme


def next_path(request: HttpRequest, default: str) -> str:
    """Return the path in the form's field "next" if it is of a page here, else the default."""
    wanted = request.POST.get("next", "")
    return wanted if is_page(wanted) else default


def is_page(path: str) -> bool:
    """Return whether it is the path, with or without a query, of a page of this site."""
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return False
    try:
        resolve(path.partition("?")[0].partition("#")[0])
    except Resolver404:
        return False
    return True
