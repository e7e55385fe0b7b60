"""Numbered pages under a list."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django import template
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


# Kept, about 2 kB each: a link for each number costs more than finding the products.
KEPT = 1000


@register.simple_tag(takes_context=True)
def pages(context: template.Context, page: Page[Any]) -> SafeString:
    """Links to the pages beside this one, keeping the rest of the query string."""
    request: HttpRequest = context["request"]
    return _pages(request.GET.urlencode(), page.number, page.paginator.num_pages, get_language())


@lru_cache(maxsize=KEPT)
def _pages(query: str, number: int, count: int, language: str | None) -> SafeString:
    page = Paginator(range(count), 1).page(number)
    numbers = page.paginator.get_elided_page_range(number, on_each_side=1, on_ends=1)
    return render_to_string("_pages.html", {"query": QueryDict(query), "page": page, "numbers": list(numbers)})
