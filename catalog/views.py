"""The shop's public pages: lists, search and product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from catalog import drawing, listing
from catalog.facets import worded
from catalog.forms import SEARCH_LENGTH, search_text
from catalog.models import Category, OldSlug, Product, ProductQuerySet
from catalog.search import all_categories

SEARCH_FROM = 2  # characters; less finds half the shop
SUGGESTED = 4


@login_not_required
@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    return _list(request, "catalog/product_list.html", list(Category.objects.all()))


@login_not_required
@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    categories = list(Category.objects.all())
    chosen = next((one for one in categories if one.slug == slug), None)
    if chosen is None:
        old = get_object_or_404(OldSlug.objects.select_related("category"), slug=slug)
        return _moved(request, old.category)
    return _list(request, "catalog/category.html", categories, category=chosen)


@login_not_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("q", "")
    text = search_text(asked)
    cut = _("That was a long text: only its first {length} characters were searched for.").format(length=SEARCH_LENGTH)
    notes = [cut] if len(asked.strip()) > SEARCH_LENGTH else []
    if len(text) >= SEARCH_FROM:
        return _list(request, "catalog/search.html", all_categories(), text=text, notes=notes)
    context = {"text": text, "notes": notes, "popular": _popular(Product.objects.for_sale())}
    return render(request, "catalog/search.html", context)


@login_not_required
@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    number = slug.rpartition("-")[2]
    found = get_object_or_404(
        Product.objects.select_related("category"), pk=int(number) if number.isdecimal() and len(number) < 19 else 0
    )
    if slug != found.slug:
        # Not permanent: a browser that remembered it would run in circles once a product got its old name back.
        return redirect(found)
    related = _related(found)
    context = {"product": found, "attributes": _attributes(found), "related": related}
    return render(request, "catalog/product.html", context)


@login_not_required
@require_safe
@cache_control(public=True, max_age=31_536_000, immutable=True)
def placeholder(request: HttpRequest, sku: str) -> HttpResponse:
    return HttpResponse(drawing.placeholder(sku), content_type="image/svg+xml")


@login_not_required
@require_safe
@cache_control(public=True, max_age=31_536_000, immutable=True)
def picture(request: HttpRequest, name: str) -> FileResponse:
    try:
        return FileResponse(default_storage.open(name), content_type="image/webp")
    except FileNotFoundError as error:
        raise Http404 from error


def _moved(request: HttpRequest, category: Category) -> HttpResponse:
    query = request.META.get("QUERY_STRING", "")
    response = redirect(category.get_absolute_url() + (f"?{query}" if query else ""), permanent=True)
    # A browser that remembered it would run in circles once a category got its old address back.
    response["Cache-Control"] = "no-cache"
    return response


def _list(
    request: HttpRequest,
    template: str,
    categories: list[Category],
    *,
    category: Category | None = None,
    text: str = "",
    notes: Sequence[str] = (),
) -> HttpResponse:
    found = listing.read(request.GET, request.path, categories, category=category, text=text)
    context: dict[str, Any] = {"listing": found, "category": category, "text": text, "notes": [*notes, *found.notes]}
    if not found.page.paginator.count:
        context["popular"] = _popular(Product.objects.for_sale())
    return TemplateResponse(request, template, context)


def _popular(products: ProductQuerySet) -> list[Product]:
    return list(products.in_stock().best_selling()[:SUGGESTED])


def _related(product: Product) -> list[Product]:
    if product.category_id is None:
        return []
    return _popular(Product.objects.for_sale().filter(category=product.category_id).exclude(pk=product.pk))


def _attributes(product: Product) -> list[tuple[str, str]]:
    """Name and value of each attribute, in words; the column may hold any JSON."""
    if not isinstance(product.attributes, dict):
        return []
    return [(worded(name), _worded(value)) for name, value in product.attributes.items()]


def _worded(value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return ", ".join(_worded(part) for part in value)
    return "–" if value is None else str(value)
