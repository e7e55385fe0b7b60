"""Numbered pages under a list."""

from __future__ import annotations

from typing import Any

from django import template
from django.core.paginator import Page
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def pages(context: template.Context, page: Page[Any]) -> SafeString:
    """Links to the pages beside this one, keeping the rest of the query string."""
    request: HttpRequest = context["request"]
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return render_to_string("_pages.html", {"query": request.GET, "page": page, "numbers": list(numbers)})
