"""The shop's public pages: lists, search and product."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from catalog import drawing, listing
from catalog.forms import SEARCH_LENGTH, search_text
from catalog.models import Category, Product, ProductQuerySet

SEARCH_FROM = 2  # characters; less finds half the shop
SUGGESTED = 4


@login_not_required
@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    found = listing.read(Product.objects.for_sale(), request.GET)
    return render(request, "catalog/product_list.html", {"listing": found, "categories": Category.objects.all()})


@login_not_required
@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    chosen = get_object_or_404(Category, slug=slug)
    found = listing.read(Product.objects.for_sale().filter(category=chosen), request.GET)
    context = {"listing": found, "categories": Category.objects.all(), "category": chosen}
    return render(request, "catalog/category.html", context)


@login_not_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("q", "")
    text = search_text(asked)
    context: dict[str, Any] = {"text": text, "was_cut": len(asked) > SEARCH_LENGTH}
    if len(text) >= SEARCH_FROM:
        context["listing"] = listing.read(Product.objects.for_sale(), request.GET, search=text)
    if len(text) < SEARCH_FROM or not context["listing"].page.paginator.count:
        context["newest"] = _newest(Product.objects.for_sale().in_stock())
    return render(request, "catalog/search.html", context)


@login_not_required
@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    number = slug.rpartition("-")[2]
    found = get_object_or_404(Product.objects.select_related("category"), pk=int(number) if number.isdecimal() else 0)
    if slug != found.slug:
        # Not permanent: a browser that remembered it would run in circles once a product got its old name back.
        return redirect(found)
    context = {"product": found, "attributes": _attributes(found), "related": _related(found)}
    return render(request, "catalog/product.html", context)


@login_not_required
@require_safe
@cache_control(public=True, max_age=31_536_000, immutable=True)
def placeholder(request: HttpRequest, sku: str) -> HttpResponse:
    return HttpResponse(drawing.placeholder(sku), content_type="image/svg+xml")


def _newest(products: ProductQuerySet) -> list[Product]:
    return list(products.select_related("category").order_by("-created_at", "-product_id")[:SUGGESTED])


def _related(product: Product) -> list[Product]:
    if product.category_id is None:
        return []
    others = Product.objects.for_sale().in_stock().filter(category=product.category_id).exclude(pk=product.pk)
    return _newest(others)


def _attributes(product: Product) -> list[tuple[str, str]]:
    """Name and value of each attribute, in words; the column may hold any JSON."""
    if not isinstance(product.attributes, dict):
        return []
    return [(name.replace("_", " ").capitalize(), _worded(value)) for name, value in product.attributes.items()]


def _worded(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(_worded(part) for part in value)
    return "–" if value is None else str(value)
